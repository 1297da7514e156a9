import ArgumentParser
import Catalog
import Runner
import Storage
import Tracking
import Workspace

struct RunAdopt: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adopt", abstract: "Makes a version of the files that stayed with a run.",
    discussion: """
      Examples:
        registry run adopt 7f3a
        registry run adopt 7f3a --output-include 'checkpoint-900/*'
        registry run adopt pretrain/last --model digits
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run")) var reference: String
  @Option(
    help: ArgumentHelp(
      "The model, made where it is new; the task's otherwise.", valueName: "name"))
  var model: String?
  @Option(
    help: ArgumentHelp("Files that belong to the version; may be repeated.", valueName: "glob"))
  var outputInclude: [String] = []
  @Option(
    help: ArgumentHelp("Files that do not belong to it; may be repeated.", valueName: "glob"))
  var outputExclude: [String] = []
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(reference)
    var rule = OutputRule()
    rule.includes = outputInclude
    rule.excludes = outputExclude
    let version = try globals.writing { store in
      let run = try store.read { try reference.run($0) }
      return try RunSession.adopt(run.id, as: model, rule: rule, store)
    }
    var report = Report("version")
    report.add([.init("reference", "version", .text(version.reference), .bold)])
    report.next = "registry version show \(version.reference)"
    globals.show(report)
  }
}

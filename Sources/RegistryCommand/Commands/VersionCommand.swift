import ArgumentParser
import Catalog
import Foundation
import Storage
import Tracking
import Workspace

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Immutable sets of files: weights, config, tokenizer.",
    discussion: """
      Examples:
        registry version ls reviews
        registry version show reviews@prod
        registry version add reviews ./checkpoint-900 --parent reviews:1
        registry version export reviews@prod ./out
        registry version cat reviews@prod//config.json
      """,
    subcommands: [
      VersionAdd.self, VersionList.self, VersionShow.self, VersionExportCommand.self,
      VersionCat.self, VersionRemove.self,
    ])
}

extension Parentage.Relation: ExpressibleByArgument {}

struct VersionAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Takes a folder or a file made elsewhere as a model's next version.",
    discussion: """
      Examples:
        registry version add reviews ./checkpoint-900 --parent reviews:1
        registry version add tiny-int8 ./int8 --parent tiny:3 --relation quantize
        registry version add soup ./merged --parent a:2 --parent b:5 --relation merge
        registry version add reviews ./best --metric val/f1=0.87 --source paper
      """)

  @Argument(help: "The model; it is made where it does not exist.") var model: String
  @Argument(help: "The folder or file.", completion: .file()) var path: String
  @Option(help: ArgumentHelp("A version it was made from; may be repeated.", valueName: "ref"))
  var parent: [String] = []
  @Option(
    help: ArgumentHelp(
      "How: fork, finetune, adapter, quantize, merge or distill; one, or one a parent.",
      valueName: "how"))
  var relation: [Parentage.Relation] = []
  @Option(help: ArgumentHelp("A metric of it; may be repeated.", valueName: "key=value"))
  var metric: [Assignment] = []
  @Option(help: ArgumentHelp("Who says so.", valueName: "text")) var source: String?
  @Option(help: ArgumentHelp("What to say of it.", valueName: "text")) var note: String?
  @OptionGroup var globals: Globals

  func validate() throws {
    guard relation.count <= 1 || relation.count == parent.count else {
      throw ValidationError(
        "--relation is given \(relation.count) times for \(parent.count) parents")
    }
    if parent.isEmpty, !relation.isEmpty {
      throw ValidationError("--relation needs a --parent")
    }
    if metric.isEmpty, source != nil { throw ValidationError("--source needs a --metric") }
  }

  func run() throws {
    var request = VersionImport.Request()
    request.model = model
    request.note = note
    let relations = relation.count > 1 ? relation : parent.map { _ in relation.first ?? .finetune }
    request.parents = try zip(parent, relations).map { (try Reference($0), $1) }
    let source = source ?? "version add by \(NSUserName())"
    request.metrics = try metric.map { assignment throws(RegistryError) in
      VersionMetric(assignment.key, try assignment.number(), source: source)
    }
    let report = try globals.writing { store in
      let progress = Progress("importing", .bytes, globals)
      let made = try VersionImport.addVersion(URL(filePath: path), request, to: store) {
        progress.update(done: $0.doneBytes, total: $0.totalBytes)
      }
      progress.end()
      return try ImportReport.make(made, noun: "version", store)
    }
    globals.show(report)
  }
}

struct VersionList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists a model's versions.",
    discussion: """
      Examples:
        registry version ls reviews
        registry version ls reviews --csv
      """)

  @Argument(help: "The model.") var model: String
  @OptionGroup var globals: Globals

  func run() throws {
    let table = try globals.reading { store in
      try store.read { db in
        let model = try Reference.model(model, db)
        return try VersionTable.of(
          model, task: try Experiment.find(modelId: model.id, db)?.task, db)
      }
    }
    globals.show(Report(table))
  }
}

struct VersionExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes a version's files, byte for byte, to a new folder.",
    discussion: """
      Examples:
        registry version export reviews@prod ./out
        registry version export reviews:3^ ./parent
        registry version export reviews@prod//config.json .
        registry version export runs:/7f3ac1/checkpoint-500/model.safetensors .
      """)

  @Argument(help: ArgumentHelp("The version, or a file of it.", valueName: "ref"))
  var reference: String
  @Argument(help: "The folder.", completion: .directory) var dir: String
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(reference)
    let written = try globals.reading { store in
      let progress = Progress("exporting", .bytes, globals)
      defer { progress.end() }
      return try VersionExport.write(reference, to: URL(filePath: dir), from: store) {
        progress.update(done: $0.doneBytes, total: $0.totalBytes)
      }
    }
    let sizeBytes = written.files.reduce(0) { $0 + $1.sizeBytes }
    var report = Report("export")
    report.add([
      .init("reference", "version", .text(written.reference)),
      .init("folder", "exported to", .text(written.folder.path)),
      .init(
        "fileCount", "files",
        .structure(
          JSON(written.files.count), text: "\(written.files.count), \(Value.size(sizeBytes))")),
    ])
    var table = Table(
      "files", [.init("path"), .init("sizeBytes", "size"), .init("digest", "sha256")])
    for file in written.files {
      table.add(.text(file.path), .bytes(file.sizeBytes), .text(file.digest.hex))
    }
    if globals.verbose || !globals.isForPeople { report.add(table, title: "files") }
    globals.show(report)
  }
}

struct VersionRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Removes a version that nothing else needs.",
    discussion: """
      Examples:
        registry version rm reviews:4
        registry lineage reviews:4 --down
      """)

  @Argument(help: ArgumentHelp("The version, by its number.", valueName: "model:number"))
  var reference: String
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(reference)
    // Any other name means another version once something was added, moved or run.
    guard case .version = reference.subject, reference.parents.isEmpty,
      reference.path == nil
    else {
      throw RegistryError(
        .invalidInput, "'\(reference.text)' does not name one version by its number",
        hint: "registry version rm MODEL:NUMBER")
    }
    let removed = try globals.writing { try VersionRemoval.remove(reference, from: $0) }
    var report = Report("version")
    report.add([
      .init("reference", "removed", .text(removed.version.reference)),
      .init(
        "freedBytes", "freed now",
        removed.freedBytes.map { .bytes($0) }
          ?? .structure(.null, text: "nothing while content is in use; registry gc does it")),
    ])
    globals.show(report)
  }
}

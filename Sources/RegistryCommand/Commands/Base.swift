import ArgumentParser
import Foundation
import Storage
import Workspace

struct BaseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "base", abstract: "Pre-trained models to start from.",
    discussion: """
      Examples:
        registry base add ./bert-tiny
        registry fork bert-tiny reviews --metric val/f1:max
      """,
    subcommands: [BaseAdd.self])
}

struct BaseAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Takes a folder or a file as the first version of a new model.",
    discussion: """
      Examples:
        registry base add ./bert-tiny
        registry base add ~/models/bert-tiny
        registry base add model.safetensors --name tiny --note 'from the paper'
      """)

  @Argument(help: "The folder or file.", completion: .file()) var path: String
  @Option(help: ArgumentHelp("The model's name; the folder's otherwise.", valueName: "name"))
  var name: String?
  @Option(help: ArgumentHelp("What to say of it.", valueName: "text")) var note: String?
  @OptionGroup var globals: Globals

  func run() throws {
    var request = VersionImport.Request()
    request.model = name
    request.note = note
    let report = try globals.writing { store in
      let progress = Progress("importing", .bytes, globals)
      let made = try VersionImport.addBase(URL(filePath: path), request, to: store) {
        progress.update(done: $0.doneBytes, total: $0.totalBytes)
      }
      progress.end()
      return try ImportReport.make(made, noun: "base", store)
    }
    globals.show(report)
  }
}

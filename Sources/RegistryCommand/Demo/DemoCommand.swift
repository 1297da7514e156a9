import ArgumentParser
import Datasets
import Foundation
import Storage
import Tracking
import Workspace

/// A tour on real input that needs nothing but this program; it types what a person would type.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Shows the whole main job in seconds, on handwritten digits.",
    discussion: """
      Examples:
        registry demo
        registry demo /tmp/tour --seed 7

      It writes four CSV files and a store into the folder, and types the
      commands that train, compare and promote. No network, no Python.
      """)

  @Argument(
    help: ArgumentHelp("The folder, new or empty.", valueName: "dir"), completion: .directory)
  var folder = "registry-demo"
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The seed of all that is drawn: rows, places, weights.", valueName: "n"))
  var seed: Int64 = 1
  @OptionGroup var globals: Globals

  func validate() throws {
    guard globals.isForPeople else {
      throw ValidationError("the demo shows commands as people type them, in no other format")
    }
    guard globals.store == nil else {
      throw ValidationError("the demo makes a store of its own, in its folder")
    }
  }

  func run() throws {
    let program = DemoProgram()
    let here = URL(
      filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    let folder = URL(filePath: folder, directoryHint: .isDirectory, relativeTo: here)
    try makeFolder(folder)
    let digits = try OpticalDigits()
    try DemoFiles(digits, seed: seed).write(to: folder)
    globals.output.write(opening)
    guard FileManager.default.changeCurrentDirectoryPath(folder.path) else {
      throw RegistryError(.denied, "the folder '\(self.folder)' cannot be entered")
    }
    do {
      for step in DemoScript.training(seed: seed) { try step.run(globals) }
      let names = try ranking(in: folder)
      for step in DemoScript.judging(worst: names.last ?? "") { try step.run(globals) }
    } catch let stop as DemoInterrupted {
      throw ExitCode(stop.status)
    }
    globals.output.write(program.whatNext(self.folder, globals))
  }

  private func makeFolder(_ url: URL) throws(RegistryError) {
    let files = FileManager.default
    if let content = try? files.contentsOfDirectory(atPath: url.path) {
      guard content.isEmpty else {
        throw RegistryError(
          .conflict, "the folder '\(folder)' is not empty", hint: "registry demo OTHER-FOLDER")
      }
      return
    }
    guard !files.fileExists(atPath: url.path) else {
      throw RegistryError(
        .conflict, "'\(folder)' is there already", hint: "registry demo OTHER-FOLDER")
    }
    do {
      try files.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw RegistryError(.denied, "the folder '\(folder)' cannot be made")
    }
  }

  private var opening: String {
    let lines = [
      "# The task: to read the handwritten digits 5 to 9, with ten labelled pictures of",
      "# each. The help: a model that has learned 0 to 4 from many. A picture has 8 × 8",
      "# pixels and stands up to one pixel off its place. In \(folder.printable):",
    ]
    let files = [
      (DemoFiles.baseTraining, "0 to 4, in all nine places and turned four ways"),
      (DemoFiles.baseValidation, "other pictures of 0 to 4, to judge by"),
      (DemoFiles.taskTraining, "5 to 9, ten of each to learn from"),
      (DemoFiles.taskValidation, "all other pictures of 5 to 9, to judge by"),
    ].map { "#   " + $0.0.padded(to: 20) + $0.1 }
    let source = [
      "# (E. Alpaydin and C. Kaynak, 1998; UCI Machine Learning Repository; CC BY 4.0.)"
    ]
    let all = lines + files + source
    return all.map { line in
      globals.output.styled(globals.plain ? line.inASCII : line, .dim) + "\n"
    }.joined()
  }

  /// The names of the task's runs, the best first, as the store has their metrics.
  private func ranking(in folder: URL) throws -> [String] {
    let store = try Store.open(
      try Store.find(from: folder, named: nil, environment: [:]), .read)
    defer { try? store.close() }
    return try store.read { db in
      let values = try DemoScript.runs.map { name in
        let run = try Reference("\(DemoScript.task)/\(name)").run(db)
        guard let value = try run.findSeries(DemoScript.metric, db)?.latest.value else {
          throw RegistryError(.notFound, "run '\(name)' has no metric '\(DemoScript.metric)'")
        }
        return (value: value, name: name)
      }
      let best = try Reference("\(DemoScript.task)/best").run(db).name
      let others = values.filter { $0.name != best }.sorted { $0.value > $1.value }
      return [best] + others.map(\.name)
    }
  }
}

import Foundation
import Storage

/// This program, as a person who has seen the demo can call it.
struct DemoProgram {
  /// What `registry` must be made to mean; nil where the shell finds it by itself.
  private let alias: String?
  private let isStoreNamed: Bool

  /// Looks around before the working folder changes.
  init() {
    let environment = ProcessInfo.processInfo.environment
    isStoreNamed = !(environment["REGISTRY_STORE"] ?? "").isEmpty
    let here = FileManager.default.currentDirectoryPath
    let isFound = (environment["PATH"] ?? "").split(separator: ":").contains {
      FileManager.default.isExecutableFile(atPath: $0 + "/registry")
    }
    guard !isFound, let binary = Bundle.main.executableURL?.resolvingSymlinksInPath() else {
      alias = nil
      return
    }
    // .build/release/registry, where the shell script that builds it stands beside .build.
    let checkout = binary.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let places = [checkout, checkout.deletingLastPathComponent()].map {
      $0.appending(path: "registry").path
    }
    let launcher = places.first { place in
      FileManager.default.isExecutableFile(atPath: place)
        && FileManager.default.fileExists(atPath: place.dropLast(8) + "Package.swift")
    }
    let path = launcher ?? binary.path
    alias =
      path.hasPrefix(here + "/")
      ? "alias registry=\"$PWD\(ShellWords.text([String(path.dropFirst(here.count))]))\""
      : "alias registry=" + ShellWords.text([path])
  }

  /// The end of the demo: commands to type.
  func whatNext(_ folder: String, _ globals: Globals) -> String {
    let terminal = globals.output
    let lines: [(String, String)?] = [
      alias.map { ($0, "") }, isStoreNamed ? ("unset REGISTRY_STORE", "") : nil,
      ("cd \(ShellWords.text([folder]))", ""),
      ("registry run show full", "all that a run keeps"),
      ("registry version show \(DemoScript.task)@prod", "what was released"),
      ("registry run \(DemoScript.task) --data \(DemoFiles.taskTraining) \\", ""),
      ("    --validation \(DemoFiles.taskValidation) --set lr=0.003", "a try of your own"),
      ("registry promote \(DemoScript.task)/last --to prod", "is it better?"),
      ("registry --help", "and all that is left"),
    ]
    let width = 56
    let texts = lines.compactMap { $0 }.map { line, why in
      let space = why.isEmpty ? "" : String(repeating: " ", count: max(2, width - line.width))
      return terminal.styled(line, .bold)
        + terminal.styled(why.isEmpty ? "" : space + "# " + why, .dim)
    }
    let title = terminal.styled("# All of it is in \(folder.printable). Next, type:", .dim)
    return "\n" + title + "\n" + texts.map { "  " + $0 + "\n" }.joined()
  }
}

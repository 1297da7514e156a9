import ArgumentParser
import Foundation
import Storage

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a store: the folder .registry.",
    discussion: """
      Examples:
        registry init
        registry init --store /srv/models
      """)

  @OptionGroup var globals: Globals

  func run() throws {
    let named = globals.store ?? ProcessInfo.processInfo.environment["REGISTRY_STORE"]
    let here = URL(
      filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory)
    let place = named.map { URL(filePath: $0, relativeTo: here).absoluteURL } ?? here
    let (folder, isNew) = try Store.create(in: place)
    if !isNew { try Store.open(folder, .read).close() }  // a stranger's file is no store
    var report = Report("store")
    report.add([
      .init("path", "store", .text(folder.path)),
      .init(
        "isNew", "state",
        .structure(.bool(isNew), text: isNew ? "made" : "was there already, unchanged")),
    ])
    if isNew { report.next = "registry base add FOLDER" }
    globals.show(report)
  }
}

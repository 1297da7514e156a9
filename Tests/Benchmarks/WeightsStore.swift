import Foundation
import GRDB
import Storage
import Support

/// A store in a folder, filled and emptied by the built program.
struct WeightsStore {
  let folder: URL
  /// What a new store takes.
  private let emptyBytes: Int64

  private var store: URL { folder.appending(path: Store.folderName) }

  /// Runs a body with a new store in a folder that is removed afterwards.
  static func withEmpty<Result>(_ body: (WeightsStore) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
      try Product.succeed("init", in: folder)
      return try body(WeightsStore(folder: folder))
    }
  }

  private init(folder: URL) throws {
    self.folder = folder
    emptyBytes = try Self.sizeBytes(ofFolder: folder.appending(path: Store.folderName))
  }

  /// Runs the program in the folder; it must succeed.
  func run(_ arguments: String...) throws {
    let outcome = try Product.start(arguments, in: folder).finish()
    guard outcome.status == 0 else {
      throw Product.Failure(arguments: arguments, outcome: outcome)
    }
  }

  /// Adds a node of a lineage as a model of its name; the bytes of records that this wrote.
  func add(_ node: WeightsLineage.Node, _ kind: String, _ lineage: WeightsLineage) throws -> Int64 {
    try add(
      lineage.file(node.name, kind), as: node.name, parent: node.parent, relation: "finetune")
  }

  /// Adds a file as a new model; the bytes of records that this wrote.
  func add(_ file: URL, as name: String, parent: String?, relation: String) throws -> Int64 {
    let before = try recordBytes()
    let path = try link(file, name)
    if let parent {
      try run(
        "version", "add", name, path, "--parent", "\(parent):1", "--relation", relation)
    } else {
      try run("base", "add", path, "--name", name)
    }
    return try recordBytes() - before
  }

  /// Makes a folder with only this file in it, and returns its path inside the store's folder.
  func link(_ file: URL, _ name: String) throws -> String {
    let path = "files/\(name)"
    let place = folder.appending(path: path)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let target = place.appending(path: "model.\(file.pathExtension)")
    try FileManager.default.createSymbolicLink(at: target, withDestinationURL: file)
    return path
  }

  /// The sum of the lengths of all records.
  func recordBytes() throws -> Int64 {
    let store = try Store.open(store, .read)
    defer { try? store.close() }
    return try store.read(.weights) { db in
      try Int64.fetchOne(db, sql: "SELECT coalesce(sum(lengthBytes), 0) FROM chunk") ?? 0
    }
  }

  /// Everything in the store's folder after `gc`, less that of an empty one, over its records.
  func diskOverhead() throws -> Double {
    try run("gc")
    return Double(try Self.sizeBytes(ofFolder: store) - emptyBytes) / Double(try recordBytes())
  }

  private static func sizeBytes(ofFolder folder: URL) throws -> Int64 {
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return try files.reduce(0) { sum, path in
      try sum + WeightsLineage.sizeBytes(of: folder.appending(path: path))
    }
  }
}

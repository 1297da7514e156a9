import Catalog
import Foundation
package import GRDB
package import Storage
import Tracking
import Weights

/// A look for damage of a whole store.
package struct Verification: Sendable {
  /// What is wrong; none when all is well.
  package let faults: [Fault]
  /// How many blobs were looked at.
  package let blobCount: Int
  /// How many events the chain has.
  package let eventCount: Int

  /// One thing that is wrong.
  package struct Fault: Sendable, Equatable {
    /// Where: `catalog`, `weights`, `event`, `blob`, `model`, `promotion`, `series`.
    package let kind: String
    /// What it is about: a file, a reference, a sequence.
    package let subject: String
    /// What is wrong.
    package let message: String
    /// The files that are damaged by it, as references: `base:1//model.safetensors`.
    package var files: [String] = []
    /// The tensors of the first file in which the damage is.
    package var tensors: [String] = []
    /// The content of these files.
    package var blobs: [Digest] = []
    /// The chunks that are damaged.
    package var chunks: [Digest] = []

    /// Makes a fault that is of no file.
    package init(kind: String, subject: String, message: String) {
      self.kind = kind
      self.subject = subject
      self.message = message
    }
  }

  /// Looks at both files, the chain of events, what names content, and the content.
  ///
  /// - Parameters:
  ///   - store: An open store.
  ///   - full: Whether to read all content and points and let SQLite check every index entry.
  ///   - decisions: What is wrong with the rows of Promotion, a room above.
  ///   - progress: Called with the bytes of content that are done, of `Blob.sizeBytesOfAll`; may
  ///     throw `unavailable` to stop.
  /// - Returns: What was found; damage is a fault and never an error.
  /// - Throws: `unavailable`.
  package static func run(
    _ store: Store, full: Bool, decisions: (Database) throws -> [Fault] = { _ in [] },
    progress: (Int64) throws -> Void = { _ in }
  ) throws -> Verification {
    try store.withContent {
      try look(at: store, full: full, decisions: decisions, progress: progress)
    }
  }

  /// The same for who holds the content's lock already.
  static func look(
    at store: Store, full: Bool, decisions: (Database) throws -> [Fault],
    progress: (Int64) throws -> Void
  ) throws -> Verification {
    var found = Findings()
    try found.collect("catalog", "catalog.sqlite") { try catalogFaults(store, full: full) }
    try found.collect("event", "event") { try eventFaults(store) }
    try found.collect("model", "catalog.sqlite") {
      try store.read { try CatalogFault.list($0) }
        .map { Fault(kind: "model", subject: $0.subject, message: $0.message) }
    }
    try found.collect("catalog", "catalog.sqlite") { try referenceFaults(store) }
    if full {
      try found.collect("series", "catalog.sqlite") {
        try store.read { try SeriesFault.all($0) }.map { fault in
          Fault(
            kind: "series", subject: "\(fault.key) of run \(fault.runId)", message: fault.what)
        }
      }
    }
    try found.collect("promotion", "catalog.sqlite") { try store.read { try decisions($0) } }
    try found.collect("blob", "weights.sqlite") { try blobFaults(store) }
    try found.collect("weights", "weights.sqlite") {
      try (full ? [] : quickFaults("weights", .weights, store))
        + contentFaults(try Blob.verify(store, full: full, progress: progress), store)
    }
    let blobCount = try? store.read(.weights) { try Blob.readable($0).count }
    let eventCount = try? store.read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM event") ?? 0
    }
    return Verification(
      faults: found.faults, blobCount: blobCount ?? 0, eventCount: eventCount ?? 0)
  }

  private static func catalogFaults(_ store: Store, full: Bool) throws -> [Fault] {
    let pages =
      full
      ? try pageFaults("catalog", "integrity_check", .catalog, store)
      : try quickFaults("catalog", .catalog, store)
    let rows = try store.read { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check") }
    return try pages
      + rows.map { row in
        let table: String = try row.value(at: 0)
        let other: String = try row.value(at: 2)
        return Fault(
          kind: "catalog", subject: table, message: "a row names a \(other) that is missing")
      }
  }

  private static func quickFaults(
    _ kind: String, _ file: StoreFile, _ store: Store
  ) throws -> [Fault] {
    try pageFaults(kind, "quick_check", file, store)
  }

  private static func pageFaults(
    _ kind: String, _ pragma: String, _ file: StoreFile, _ store: Store
  ) throws -> [Fault] {
    try store.read(file) { try String.fetchAll($0, sql: "PRAGMA \(pragma)") }
      .filter { $0 != "ok" }
      .map { Fault(kind: kind, subject: file.fileName, message: $0) }
  }

  private static func eventFaults(_ store: Store) throws -> [Fault] {
    try store.read { try Event.faults($0) }.map { sequence in
      Fault(
        kind: "event", subject: "event \(sequence)",
        message: "its hash or number is not what it must be")
    }
  }

  /// What the catalog names and the weights do not have, or have with another size.
  private static func blobFaults(_ store: Store) throws -> [Fault] {
    let (named, sizes) = try store.read { db in
      (
        try LiveBlobs.digests(db),
        try Row.fetchAll(
          db, sql: "SELECT DISTINCT contentBlobDigest, sizeBytes FROM versionFile")
      )
    }
    let stored = try store.read(.weights) { db in
      Dictionary(
        try Blob.readable(db).map { ($0.digest, $0.sizeBytes) },
        uniquingKeysWith: { first, _ in first }
      )
    }
    var names = ContentNames(store)
    let missing = named.filter { stored[$0] == nil }.sorted { $0.hex < $1.hex }
      .map { fault(of: $0, "its content is missing", &names) }
    let wrong = try sizes.compactMap { row -> Fault? in
      let digest: Digest = try row.value("contentBlobDigest")
      let size: Int64 = try row.value("sizeBytes")
      guard let found = stored[digest], found != size else { return nil }
      return fault(of: digest, "it has \(found) bytes where the catalog says \(size)", &names)
    }
    return missing + wrong
  }

  private static func fault(
    of digest: Digest, _ message: String, _ names: inout ContentNames
  ) -> Fault {
    let files = names.names(of: digest)
    var fault = Fault(kind: "blob", subject: files[0], message: message)
    fault.files = files
    fault.blobs = [digest]
    return fault
  }
}

/// Collects faults, and damage that stops a look as one more.
private struct Findings {
  var faults: [Verification.Fault] = []

  mutating func collect(
    _ kind: String, _ subject: String, _ body: () throws -> [Verification.Fault]
  ) throws {
    do {
      faults += try body()
    } catch let error as RegistryError where error.kind == .unavailable {
      throw error
    } catch {
      // Whatever else a look runs into is what damage has made of the rows.
      let message = (error as? RegistryError)?.message ?? "\(error)"
      faults.append(.init(kind: kind, subject: subject, message: message))
    }
  }
}

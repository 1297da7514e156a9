package import Foundation
import GRDB
package import Storage

/// Where content may be that a store has lost.
package enum HealingSource: Sendable {
  /// Another store, such as a backup; the caller holds its `withContent`.
  case store(Store)
  /// Files of any kind.
  case files([URL])
}

/// Puts content back that is damaged or missing, from other stores and files that have it.
///
/// Nothing is written but content with the digest by which it is missed, each step in a transaction
/// of its own, so that the process may end at any point and nothing that can be read is lost.
package struct Healing {
  /// A file that is named by the catalog.
  package struct Named: Sendable {
    /// What it is called, by which an import knows how to cut it.
    package let name: String
    /// Its size; nil where nobody knows.
    package let sizeBytes: Int64?

    /// Names a file.
    package init(name: String, sizeBytes: Int64?) {
      self.name = name
      self.sizeBytes = sizeBytes
    }
  }

  /// What was put back, or would be.
  package struct Result: Sendable, Equatable {
    /// The chunks whose content was put back.
    package var chunks: Set<Digest> = []
    /// The files whose rows were made anew.
    package var blobs: Set<Digest> = []
    /// Rows that were put right from what the store itself has.
    package var rowCount = 0
    /// Unreadable rows that nothing needs, taken away.
    package var discardedCount = 0
    /// The bytes of new records.
    package var storedBytes: Int64 = 0

    /// Starts with nothing.
    package init() {}

    /// How much was done, to see whether another round may do more.
    var count: Int { chunks.count + blobs.count + rowCount + discardedCount }
  }

  let store: Store
  let named: [Digest: Named]
  let sources: [HealingSource]
  let aside: URL
  let isDry: Bool
  let progress: (Int64, Int64) throws -> Void
  /// What has been done so far.
  private(set) package var result = Result()

  /// Prepares to heal a store.
  ///
  /// - Parameters:
  ///   - store: An open store; the caller holds `withoutContentUsers`.
  ///   - named: All files that the catalog names.
  ///   - sources: Where to look, one after the other.
  ///   - aside: A folder for files on their way; it need not exist yet.
  ///   - dryRun: Whether to look only.
  ///   - progress: Called with the bytes that are done of a look at the store and of all; may throw
  ///     to stop.
  package init(
    _ store: Store, named: [Digest: Named], from sources: [HealingSource], aside: URL,
    dryRun: Bool = false, progress: @escaping (Int64, Int64) throws -> Void = { _, _ in }
  ) {
    self.store = store
    self.named = named
    self.sources = sources
    self.aside = aside
    isDry = dryRun
    self.progress = progress
  }

  /// Looks and heals until nothing more can be healed.
  ///
  /// - Throws: `unavailable` when the disk refuses; damage that keeps SQLite from reading on.
  package mutating func run() throws {
    var last = -1
    while result.count > last {
      last = result.count
      let inspection = try inspect()
      if inspection.faults.isEmpty, try missing().isEmpty { return }
      try healRows(inspection)
      try healChunks(inspection)
      try healBlobs(broken: inspection.broken)
      if isDry { return }
      // What others need is put back first; only what is left then is given up.
      if result.count == last { try discard(inspection) }
    }
  }

  private func inspect() throws -> Inspection {
    let total = try store.read(.weights) { try Blob.sizeBytesOfAll($0) }
    return try store.read(.weights) { db in
      try Inspection(db, full: true) { try progress($0, total) }
    }
  }

  /// The files that the catalog names and the weights do not have.
  private func missing() throws -> Set<Digest> {
    let here = Set(try store.read(.weights) { try Blob.readable($0).map(\.digest) })
    return Set(named.keys).subtracting(here)
  }

  private mutating func healRows(_ inspection: Inspection) throws {
    guard !isDry else { return }
    result.rowCount += try OwnRows.mend(inspection, in: store)
  }

  /// Puts chunks back that others are differences to, or that are differences to nothing damaged;
  /// when none of these is found, the differences themselves.
  private mutating func healChunks(_ inspection: Inspection) throws {
    let causes = try store.read(.weights) { try inspection.damage.causes($0) }
    let first = Set(causes.values)
    for ids in [first, Set(causes.keys).subtracting(first)] where !ids.isEmpty {
      var mend = try ChunkMend(ids, in: store, dryRun: isDry)
      for source in sources where !mend.isDone { try mend.take(from: source) }
      try mend.finish()
      result.storedBytes += mend.storedBytes
      result.chunks.formUnion(mend.found)
      guard mend.found.isEmpty else { return }
    }
  }

  /// Makes the rows of files anew, whose content some source has as a whole.
  private mutating func healBlobs(broken: Set<Digest>) throws {
    for digest in try missing().union(broken).sorted(by: { $0.hex < $1.hex }) {
      let wanted = named[digest] ?? Named(name: "file", sizeBytes: nil)
      try makeFolder()
      defer { try? FileManager.default.removeItem(at: aside) }
      guard let file = try whole(digest, wanted, broken: broken) else { continue }
      if isDry {
        result.blobs.insert(digest)
      } else if let added = try add(file), added.digest == digest {
        result.blobs.insert(digest)
        result.storedBytes += added.storedBytes
      }
    }
  }

  private func makeFolder() throws(RegistryError) {
    do {
      try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: true)
    } catch {
      throw RegistryError(.unavailable, "the folder \(aside.path) cannot be made")
    }
  }

  /// Imports a file again, as bytes where its name promises too much.
  private func add(_ file: URL) throws -> Blob.Added? {
    do {
      return try Blob.add(file: file, to: store)
    } catch let error as RegistryError where error.kind == .invalidInput {
      return try? Blob.add(file: file, asBytes: true, to: store)
    }
  }

  /// A file with the content and the name that are wanted: from the store's own chunks or a source.
  private func whole(
    _ digest: Digest, _ wanted: Named, broken: Set<Digest>
  ) throws -> URL? {
    let place = aside.appending(path: (wanted.name as NSString).lastPathComponent)
    if try OwnRows.write(digest, broken: broken, to: place, from: store) { return place }
    for source in sources {
      switch source {
      case .store(let other):
        do {
          try Blob.export(digest, to: place, from: other)
          return place
        } catch let error as RegistryError where [.notFound, .corrupt].contains(error.kind) {
          continue
        }
      case .files(let files):
        for file in files where try Self.file(file, has: digest, wanted.sizeBytes, progress) {
          try FileManager.default.createSymbolicLink(at: place, withDestinationURL: file)
          return place
        }
      }
    }
    return nil
  }

  private static func file(
    _ file: URL, has digest: Digest, _ sizeBytes: Int64?,
    _ progress: (Int64, Int64) throws -> Void
  ) throws -> Bool {
    guard let source = try? SourceFile(file), sizeBytes ?? source.sizeBytes == source.sizeBytes
    else { return false }
    var hasher = Digest.Hasher()
    for offset in stride(from: 0, to: source.sizeBytes, by: Chunk.sizeBytesMax) {
      let size = Int(min(Int64(Chunk.sizeBytesMax), source.sizeBytes - offset))
      guard let bytes = try? source.read(at: offset, sizeBytes: size) else { return false }
      bytes.withUnsafeBytes { hasher.update($0) }
      try progress(offset, source.sizeBytes)
    }
    return hasher.finalize() == digest
  }

  /// Takes away what cannot be read and is needed by nothing; while a file is missing, nothing is
  /// sure to be of no need.
  private mutating func discard(_ inspection: Inspection) throws {
    guard try missing().isEmpty else { return }
    result.discardedCount += try OwnRows.discard(inspection, named: Set(named.keys), in: store)
  }
}

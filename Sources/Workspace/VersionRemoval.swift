package import Catalog
import GRDB
package import Storage
import Tracking
import Weights

/// What removing a version did.
package struct VersionRemoval: Sendable {
  /// The version that was there.
  package let version: Version
  /// What its files freed now; nil when others use content and gc will do it.
  package let freedBytes: Int64?

  /// Removes a version and frees the content that nothing else names.
  ///
  /// - Parameters:
  ///   - reference: The version.
  ///   - store: An open store.
  /// - Returns: What was freed; chunks that other records need stay until gc.
  /// - Throws: `refused` while a child, an alias, a task or a run under way names it; `notFound`.
  package static func remove(_ reference: Reference, from store: Store) throws -> VersionRemoval {
    let (version, files) = try store.write { db in
      let version = try reference.version(db)
      let files = try version.files(db)
      try checkUnused(version, db)
      while let run = try Run.find(outputVersionId: version.id, db) {
        try run.setOutputVersion(nil, db)
      }
      try version.remove(db)
      return (version, files)
    }
    do {
      return try store.withoutContentUsers(patienceSeconds: patienceSeconds) {
        let live = try store.read { try LiveBlobs.digests($0) }
        let dead = files.map(\.digest).filter { !live.contains($0) }
        let freed = try Blob.remove(dead, in: store).freedBytes
        return VersionRemoval(version: version, freedBytes: freed)
      }
    } catch let error as RegistryError where error.kind == .unavailable {
      return VersionRemoval(version: version, freedBytes: nil)
    }
  }

  private static let patienceSeconds = 1.0  // the row is gone: nobody waits for what gc does anyway

  private static func checkUnused(_ version: Version, _ db: Database) throws {
    let task = try Experiment.list(db).first { $0.task?.baseVersionId == version.id }
    if let task {
      throw RegistryError(
        .refused, "\(version.reference) is what runs of the task '\(task.name)' start from")
    }
    let runs = try Run.list(statuses: [.running, .scheduled], db)
      .filter { $0.baseVersionId == version.id }
    guard runs.isEmpty else {
      let names = runs.prefix(5).map { "\($0.id.short) \($0.name)" }.joined(separator: ", ")
      throw RegistryError(
        .refused, "\(version.reference) is what a run under way started from: \(names)",
        hint: "wait for it, or: registry run finish \(runs.first?.id.short ?? "RUN")")
    }
  }
}

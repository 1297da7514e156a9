package import Foundation
package import Storage
package import Tracking
import Workspace

/// `spool/<run>/`: what a run's child writes, until the run is closed.
///
/// | name | content |
/// |---|---|
/// | `lock` | held by the guard and the runner; who can take it knows that both are gone |
/// | `output` | standard output and error of the child, in the order of writing |
/// | `metrics` | `REGISTRY_METRICS` |
/// | `parameters.json` | `REGISTRY_PARAMETERS` |
/// | `files/` | `REGISTRY_OUTPUT_DIR` |
/// | `exit` | how the child ended, from the guard |
/// | `session.json` | what whoever closes the run must know: which output becomes the version |
///
/// Whoever finds the folder finds it whole and locked: it is made under the name `.new-<run>` and
/// taken away under `.old-<run>`. `kept-<run>/` holds output files that could not be stored.
package struct Spool: Sendable {
  /// The run.
  package let id: RunID
  /// The folder.
  package let folder: URL

  /// The spool of a run, which need not exist.
  package init(_ id: RunID, _ store: Store) {
    self.init(id, folder: Self.all(store).appending(path: id.hex))
  }

  private init(_ id: RunID, folder: URL) {
    self.id = id
    self.folder = folder
  }

  var output: String { path("output") }
  var metrics: String { path("metrics") }
  var parameters: String { path("parameters.json") }
  var exit: String { path("exit") }
  var session: String { path("session.json") }
  var files: URL { folder.appending(path: "files") }
  /// The child's complete output so far.
  package var outputPath: String { output }

  private func path(_ name: String) -> String { folder.appending(path: name).path }

  /// Where output files stay that could not be stored.
  var keptFiles: URL { beside("kept-") }

  private func beside(_ prefix: String) -> URL {
    folder.deletingLastPathComponent().appending(path: prefix + id.hex)
  }

  private static func all(_ store: Store) -> URL { store.folder.appending(path: "spool") }

  /// Whether the folder is there.
  package var exists: Bool { FileManager.default.fileExists(atPath: folder.path) }

  /// Whether a run counts as running although everybody who could end it is gone.
  ///
  /// - Parameters:
  ///   - run: A run, as it was read.
  ///   - store: Its store, which may be read-only.
  /// - Returns: False for a run without a spool, which ends only by a call.
  package static func isLost(_ run: Run, _ store: Store) -> Bool {
    guard run.status == .running else { return false }
    let spool = Spool(run.id, store)
    let descriptor = open(spool.path("lock"), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { _ = close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) == 0
  }

  /// Makes the folder with its lock taken; call it in the transaction that adds the run.
  ///
  /// - Parameter plan: What whoever closes the run must know.
  /// - Returns: The lock; the run is alive while it or a copy of it is open.
  /// - Throws: `unavailable` when the disk refuses.
  func create(_ plan: Plan) throws(RegistryError) -> SpoolLock {
    let made = Spool(id, folder: beside(Self.newPrefix))
    do {
      let lock = try made.fill(plan)
      guard rename(made.folder.path, folder.path) == 0 else { throw CocoaError(.fileWriteUnknown) }
      return lock
    } catch {
      try? FileManager.default.removeItem(at: made.folder)
      throw RegistryError(.unavailable, "\(folder.path) cannot be made")
    }
  }

  private func fill(_ plan: Plan) throws -> SpoolLock {
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    guard let lock = takeLock() else { throw CocoaError(.fileLocking) }
    for name in [output, metrics] { try Data().write(to: URL(filePath: name)) }
    var plan = plan
    plan.metricsFile = FileIdentity(path: metrics)?.text
    try Data(plan.json.text().utf8).write(to: URL(filePath: session))
    return lock
  }

  private static let newPrefix = ".new-"
  private static let oldPrefix = ".old-"

  /// Takes the lock if neither a guard nor a runner holds it.
  func takeLock() -> SpoolLock? {
    let descriptor = open(path("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, fstat(descriptor, &status) == 0,
      status.st_nlink > 0  // else another process has taken the folder away meanwhile
    else {
      _ = close(descriptor)
      return nil
    }
    return SpoolLock(descriptor: descriptor)
  }

  /// Removes the folder with everything in it; nobody ever finds a part of it.
  ///
  /// - Parameter keepsFiles: Whether the output folder stays, as `keptFiles`.
  func remove(keepingFiles keepsFiles: Bool = false) {
    if keepsFiles { _ = rename(files.path, keptFiles.path) }
    let old = beside(Self.oldPrefix)
    try? FileManager.default.removeItem(at: old)
    if rename(folder.path, old.path) == 0 { try? FileManager.default.removeItem(at: old) }
  }

  /// Removes what processes left that were killed while they made or removed a spool.
  ///
  /// Call it in a write transaction: none is being made meanwhile.
  static func removeRemains(_ store: Store) {
    for name in remains(store) {
      try? FileManager.default.removeItem(at: all(store).appending(path: name))
    }
  }

  /// The names of folders that are half made or half removed, or just now being so.
  static func remains(_ store: Store) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: all(store).path)
    return (names ?? []).filter { $0.hasPrefix(newPrefix) || $0.hasPrefix(oldPrefix) }
  }

  /// The runs that have a folder, by the folders' names.
  static func list(_ store: Store) -> [RunID] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: all(store).path)
    return (names ?? []).sorted().compactMap { RunID(hex: $0) }
  }
}

/// The lock of a spool; the guard gets the same open file, so that it is held while either lives.
final class SpoolLock: Sendable {
  let descriptor: Int32

  fileprivate init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }
}

extension Spool {
  /// What whoever closes the run must know; on disk in `session.json`.
  struct Plan {
    /// Whether output is read for metrics.
    var scrapes = true
    /// Which of the files become the version.
    var output = OutputRule()
    /// Which file `metrics` was when the spool was made.
    var metricsFile: String?

    var json: JSON {
      ["scrapes": .bool(scrapes), "output": output.json, "metricsFile": JSON(metricsFile)]
    }
  }

  /// The plan as it was written; the usual one where it cannot be read.
  var plan: Plan {
    guard let data = FileManager.default.contents(atPath: session),
      let json = try? JSON.parse(Array(data))
    else { return Plan() }
    return Plan(
      scrapes: json["scrapes"] != .bool(false),
      output: json["output"].map(OutputRule.init) ?? OutputRule(),
      metricsFile: json["metricsFile"]?.string)
  }
}

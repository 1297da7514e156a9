import Foundation
package import Storage
package import Tracking
package import Workspace

/// A run whose work is done in this process: what the work writes goes the way of a child's.
///
/// Output and metrics are files of the run's spool, from which points are stored in groups; the
/// lock is held meanwhile. After `kill -9` the next command that writes closes the run from them.
package final class Work {
  /// The run.
  package let session: RunSession
  private let spool: Spool
  private let store: Store
  private let output: SpoolFile
  private let metrics: SpoolFile
  private let interrupts: () -> Int
  private var ingest: Ingest

  fileprivate init(
    _ start: borrowing Start, _ store: Store, interrupts: @escaping () -> Int
  ) throws(RegistryError) {
    session = start.session
    spool = start.spool
    self.store = store
    self.interrupts = interrupts
    output = try SpoolFile(spool.output)
    metrics = try SpoolFile(spool.metrics)
    ingest = Ingest(start.session.run, spool, scrapes: false)
  }

  /// How often this process was asked to end since the run started.
  package var interruptCount: Int { interrupts() }

  /// Keeps a line of metrics as `REGISTRY_METRICS` takes it; it is committed with others soon.
  ///
  /// - Throws: `unavailable` when the disk refuses.
  package func log(_ line: JSON) throws(RegistryError) {
    try metrics.append(Array((line.text() + "\n").utf8))
    _ = ingest.read()
    ingest.commitIfDue(store)
  }

  /// Keeps a line of the run's output.
  ///
  /// - Throws: `unavailable` when the disk refuses.
  package func say(_ line: String) throws(RegistryError) {
    try output.append(Array((line + "\n").utf8))
  }

  /// Writes a file of the run's output folder, complete or not at all.
  ///
  /// - Parameters:
  ///   - name: Its name; no path.
  ///   - body: Gets what takes the content, piece by piece.
  /// - Throws: `unavailable` when the disk refuses; what the body throws.
  package func write(_ name: String, _ body: (([UInt8]) throws -> Void) throws -> Void) throws {
    let aside = spool.folder.appending(path: name + ".partial").path
    let file = try SpoolFile(aside)
    try body { try file.append($0) }
    guard rename(aside, spool.files.appending(path: name).path) == 0 else {
      throw RegistryError(.unavailable, "\(name) of the output cannot be written")
    }
  }

  /// Keeps tags with the run, in place of earlier values.
  package func setTags(_ tags: [Tag]) throws {
    try store.write { db in try session.run.setTags(tags, db) }
  }

  /// Keeps the outcome of a rule with the run.
  package func addCheck(_ check: RunCheck) throws {
    try store.write { db in try session.run.addCheck(check, db) }
  }

  /// How work ended.
  package enum Ending: Sendable {
    /// As it should; the files become the version.
    case finished
    /// Because this process was asked to end; the files stay with the run.
    case stopped
    /// Not well, for a reason that the run keeps where it is one of those; the files stay with it.
    case failed(RegistryError, Run.Reason?)
  }

  fileprivate func takeRest() throws -> LineFaults {
    try ingest.takeRest(store)
    return ingest.faults
  }
}

extension Runner {
  /// Does work in this process as a run, from its start to the version that its files become.
  ///
  /// - Parameters:
  ///   - asked: The run to be.
  ///   - store: An open store.
  ///   - stored: Called with the bytes of the output folder that are stored.
  ///   - interrupts: How often the work was asked to end; nil counts this process's signals.
  ///   - body: The work; it looks at `interruptCount` now and then.
  /// - Returns: How it went. A failure after the run's start is in it; the exit status is 0, 128 +
  ///   a signal, or 1.
  /// - Throws: What keeps the run from being started; errors that are no `RegistryError`.
  package static func perform(
    _ asked: RunSession.Request, _ store: Store, stored: @escaping (Int64) -> Void = { _ in },
    interrupts: (() -> Int)? = nil, _ body: (Work) throws -> Work.Ending
  ) throws -> Outcome {
    let signals = Interrupts()
    defer { signals.release() }
    let clock = ContinuousClock.now
    let cpuSeconds = ExitRecord.ownCPUSeconds
    let start = try Start(asked, scrapes: false, store)
    defer { withExtendedLifetime(start.lock) {} }
    let work: Work
    do {
      work = try Work(start, store, interrupts: interrupts ?? { signals.count })
    } catch {
      start.fail(store)
      throw error
    }
    var (record, failure) = end(of: work, signals, body)
    record.takeOwnUsage(since: cpuSeconds)
    let wall = clock.duration(to: .now).components
    record.wallSeconds = Double(wall.seconds) + Double(wall.attoseconds) * 1e-18
    _ = record.write(to: start.spool.exit)
    var outcome = Outcome(exitStatus: record.cause == .request ? 128 + (record.signal ?? 0) : 1)
    outcome.run = start.session.run
    do {
      let closing = Closing(start.session.run, start.spool, otherwise: record)
      let closed = try closing.close(
        try work.takeRest(), checks: start.checks, store, progress: stored)
      start.spool.remove(keepingFiles: closed.hasUnstoredFiles)
      (outcome.run, outcome.version) = (closed.run, closed.version)
      failure = failure ?? closed.fault
    } catch let error as RegistryError {
      failure = failure ?? error
    }
    if let failure, !(failure is RegistryError) { throw failure }
    outcome.failure = failure as? RegistryError
    if failure == nil, record.cause == .itself { outcome.exitStatus = 0 }
    return outcome
  }

  private static func end(
    of work: Work, _ signals: Interrupts, _ body: (Work) throws -> Work.Ending
  ) -> (ExitRecord, (any Error)?) {
    do {
      switch try body(work) {
      case .finished: return (ExitRecord(cause: .itself, status: 0, signal: nil), nil)
      case .stopped:
        return (ExitRecord(cause: .request, status: nil, signal: signals.first ?? SIGINT), nil)
      case .failed(let error, let reason):
        var record = ExitRecord(cause: .itself, status: nil, signal: nil)
        record.reason = reason
        return (record, error)
      }
    } catch {
      return (ExitRecord(cause: .itself, status: nil, signal: nil), error)
    }
  }
}

/// A file of a spool that grows at its end.
private final class SpoolFile {
  private let path: String
  private let descriptor: Int32

  /// Opens a file, which is made where it is not there.
  init(_ path: String) throws(RegistryError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw refusal }
  }

  deinit { _ = close(descriptor) }

  /// Writes all of the bytes.
  func append(_ bytes: [UInt8]) throws(RegistryError) {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Foundation.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw refusal }
      done += count
    }
  }

  private var refusal: RegistryError {
    let reason = String(cString: strerror(errno))
    return RegistryError(.unavailable, "\(path) cannot be written: \(reason)")
  }
}

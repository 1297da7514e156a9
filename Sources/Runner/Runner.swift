// The room that runs commands: a guard process stands between us and the child, whose output and
// metrics are files of a spool that we tail into the store, and a run whose runner was killed is
// closed from its spool by the next command that writes.

package import Catalog
import Foundation
package import Storage
package import Tracking
package import Workspace

/// Runs a command as a run of a task and keeps what it leaves.
package enum Runner {
  /// What to run, and how.
  package struct Request: Sendable {
    /// The run to be; its source is completed here.
    package var session: RunSession.Request
    /// The exact arguments, the program's name first; `{key}` of a given parameter is replaced.
    package var command: [[UInt8]]
    /// Whether output is read for metrics.
    package var scrapes = true
    /// Where the child's output is shown meanwhile; nil shows none.
    package var echoDescriptor: Int32?
    /// The program that becomes the guard; nil is this one.
    package var guardExecutable: String?

    /// A command for a run of a task.
    package init(_ session: RunSession.Request, command: [[UInt8]]) {
      self.session = session
      self.command = command
    }
  }

  /// How it went.
  package struct Outcome: Sendable {
    /// What to exit with: the child's status, 128 + a signal, or 125, 126, 127 of ours.
    package var exitStatus: Int32
    /// The run; nil when none was started.
    package var run: Run?
    /// The version it made.
    package var version: Version?
    /// What failed of ours.
    package var failure: RegistryError?
  }

  /// What a caller may follow.
  package struct Hooks {
    /// Adds variables for the child.
    package var prepare: (RunID) async throws -> [String: String] = { _ in [:] }
    /// Called once the run is there, before the child starts.
    package var started: (RunSession) -> Void = { _ in }
    /// Called with the bytes of the output folder that are stored.
    package var stored: (Int64) -> Void = { _ in }
    /// Called once when somebody asks for the end while the output is stored, which goes on.
    package var interrupted: () -> Void = {}

    /// Follows nothing.
    package init() {}
  }

  /// Runs a command to its end; interrupts of this process end the command.
  ///
  /// - Parameters:
  ///   - request: What to run.
  ///   - store: An open store.
  ///   - hooks: What the caller follows.
  /// - Returns: How it went, failures of ours included.
  /// - Throws: Only what is no `RegistryError`: our defects.
  package static func run(
    _ request: Request, _ store: Store, _ hooks: Hooks = Hooks()
  ) async throws -> Outcome {
    var outcome = Outcome(exitStatus: 125)
    let signals = Interrupts()
    defer { signals.release() }
    do {
      try Program.check(request.command)
      var asked = request.session
      asked.source.command = Contract.arguments(request).map {
        String(decoding: $0, as: UTF8.self)
      }
      let start = try Start(asked, scrapes: request.scrapes, store)
      outcome.run = start.session.run
      hooks.started(start.session)
      let guardian = try await start.guardian(request, store, hooks.prepare)
      async let gpu = GPU.list()
      var watch = start.watch(
        guardian, echo: request.echoDescriptor, signals, store)
      try watch.run()
      let closing = Closing(
        start.session.run, start.spool,
        otherwise: guardian.record(signals.count > 0 ? .request : .itself))
      let closed = try closing.close(
        watch.faults, checks: start.checks, gpu: await gpu, store,
        progress: progress(hooks, signals, after: closing.record))
      watch.showRest()
      start.spool.remove(keepingFiles: closed.hasUnstoredFiles)
      withExtendedLifetime(start) {}  // with the lock of the spool
      outcome = Outcome(closed, exitStatus: exitStatus(closing.record, signals))
      outcome.failure = outcome.failure ?? closing.startFault
    } catch let fault as Program.Fault {
      outcome.exitStatus = fault.exitStatus
      outcome.failure = fault.error
    } catch let error as RegistryError {
      outcome.failure = error
    }
    return outcome
  }

  /// Tells of signals that came too late for the command, which had ended by itself, or since then.
  private static func progress(
    _ hooks: Hooks, _ signals: Interrupts, after record: ExitRecord?
  ) -> (Int64) -> Void {
    let before = record?.cause == .request ? signals.count : 0
    var isTold = false
    return { bytes in
      if !isTold, signals.count > before {
        isTold = true
        hooks.interrupted()
      }
      hooks.stored(bytes)
    }
  }

  /// After an interrupt 128 + its number, as a shell expects it; else the child's own.
  private static func exitStatus(_ record: ExitRecord?, _ signals: Interrupts) -> Int32 {
    if record?.cause == .request, let signal = signals.first { return 128 + signal }
    return record?.shellStatus ?? 125
  }
}

extension Runner.Outcome {
  fileprivate init(_ closed: RunSession.Closed, exitStatus: Int32) {
    self.init(
      exitStatus: closed.fault == nil ? exitStatus : 125, run: closed.run, version: closed.version,
      failure: closed.fault)
  }
}

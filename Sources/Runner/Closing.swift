import Foundation
import Storage
import Tracking
import Workspace

/// The end of a run whose processes are gone, from what they left in its spool.
struct Closing {
  let run: Run
  let spool: Spool
  /// How the child ended; nil when nobody was left to note it.
  let record: ExitRecord?

  /// Reads the guard's record.
  init(_ run: Run, _ spool: Spool, otherwise: ExitRecord? = nil) {
    self.run = run
    self.spool = spool
    record = ExitRecord(path: spool.exit) ?? otherwise
  }

  /// Closes the run; the spool stays, so that it can be done again after a failure.
  ///
  /// - Parameters:
  ///   - faults: What was wrong with lines of metrics.
  ///   - checks: Outcomes of other rules.
  ///   - gpu: The GPUs of the machine.
  ///   - store: An open store.
  ///   - progress: Called with the bytes of output that are stored.
  /// - Returns: The run and its version.
  /// - Throws: `unavailable`; then the run is still running.
  func close(
    _ faults: LineFaults, checks: [RunCheck] = [], gpu: JSON? = nil, _ store: Store,
    progress: @escaping (Int64) -> Void = { _ in }
  ) throws -> RunSession.Closed {
    var ending = RunSession.Ending(
      status, outputFile: URL(filePath: spool.output), files: spool.files)
    ending.reason = reason
    ending.output = spool.plan.output
    ending.gpu = gpu
    ending.checks = checks + (faults.check.map { [$0] } ?? [])
    if let record {
      ending.usage.exitStatus = record.startFault == nil ? record.status : record.shellStatus
      ending.usage.exitSignal = record.signal
      ending.usage.wallSeconds = record.wallSeconds
      ending.usage.cpuSeconds = record.cpuSeconds
      ending.usage.memoryPeakBytes = record.peakMemoryBytes
    }
    return try RunSession.finish(run, ending, store, progress: progress)
  }

  private var status: Run.Status {
    guard let record else { return .failed }
    switch record.cause {
    case .runnerLost: return .failed
    case .request: return .killed
    case .itself: return record.shellStatus == 0 ? .finished : .failed
    }
  }

  private var reason: Run.Reason? {
    record == nil || record?.cause == .runnerLost ? .lost : record?.reason
  }
}

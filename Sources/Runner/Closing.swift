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

  /// Why the command could not be started; nil when it was.
  var startFault: RegistryError? {
    guard let record, let code = record.startFault else { return nil }
    let failure = Spawn.Failure(code: code)
    return RegistryError(
      failure.exitStatus == 127 ? .notFound : .denied,
      "the command cannot be run: \(failure.reason)", hint: Self.hint(code))
  }

  private static func hint(_ code: Int32) -> String? {
    switch code {
    case ENOEXEC: "start the script with a line like #!/bin/sh, or name the program that reads it"
    case ENOENT: "look at the script's first line: the program that it names is not there"
    default: nil
    }
  }

  /// What the guard saw beside the child's end.
  private var checks: [RunCheck] {
    var checks: [RunCheck] = []
    if let startFault {
      let evidence: JSON = ["reason": .string(startFault.message)]
      checks.append(RunCheck(rule: "start", .fail, evidence: evidence))
    }
    if record?.isOutputCut == true {
      let evidence: JSON = ["reason": "the disk took no more of what the command printed"]
      checks.append(RunCheck(rule: "output", .fail, evidence: evidence))
    }
    return checks
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
    ending.checks = checks + self.checks + faults.checks
    ending.keptFiles = spool.keptFiles
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

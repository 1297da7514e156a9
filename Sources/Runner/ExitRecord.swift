import Foundation
import Storage
import Tracking

/// What stands in `spool/<run>/exit` about how the child or work ended; one line of JSON on disk.
struct ExitRecord: Equatable {
  /// Who ended it.
  enum Cause: String {
    /// Itself, or a signal from elsewhere.
    case itself
    /// The runner asked for it.
    case request
    /// The runner was gone.
    case runnerLost
  }

  var cause: Cause
  /// The exit status; nil after a signal.
  var status: Int32?
  /// The signal that killed it.
  var signal: Int32?
  /// What the status does not say, where it was seen.
  var reason: Run.Reason?
  /// The code of the system when it could not be started.
  var startFault: Int32?
  var wallSeconds = 0.0
  /// User and system time of all processes of the run.
  var cpuSeconds = 0.0
  /// Of the largest process; at least the guard's own, which the kernel counts for what it starts.
  var peakMemoryBytes: Int64 = 0

  /// Whether the disk refused the last of what the child printed.
  var isOutputCut = false

  /// As shells report it: the status, 128 + the signal, 126 or 127.
  var shellStatus: Int32 {
    if let startFault { return Spawn.Failure(code: startFault).exitStatus }
    return status ?? signal.map { 128 + $0 } ?? 125
  }

  /// Makes a record of what `waitpid` gave.
  init(cause: Cause, waitStatus: Int32) {
    self.cause = cause
    let number = waitStatus & 0x7f
    if number == 0 { status = waitStatus >> 8 & 0xff } else { signal = number }
  }

  /// Makes a record of work in this process; without a status and a signal it failed.
  init(cause: Cause, status: Int32?, signal: Int32?) {
    self.cause = cause
    self.status = status
    self.signal = signal
  }

  /// Makes a record of a program that could not be started.
  init(startFault: Int32) {
    cause = .itself
    self.startFault = startFault
  }

  /// Reads the file; nil when there is none or it is not whole.
  init?(path: String) {
    guard let data = FileManager.default.contents(atPath: path),
      let json = try? JSON.parse(Array(data)), let text = json["cause"]?.string,
      let cause = Cause(rawValue: text)
    else { return nil }
    self.cause = cause
    status = json["status"]?.integer.flatMap(Int32.init(exactly:))
    signal = json["signal"]?.integer.flatMap(Int32.init(exactly:))
    reason = json["reason"]?.string.flatMap(Run.Reason.init)
    startFault = json["startFault"]?.integer.flatMap(Int32.init(exactly:))
    wallSeconds = json["wallSeconds"]?.double ?? 0
    cpuSeconds = json["cpuSeconds"]?.double ?? 0
    peakMemoryBytes = json["peakMemoryBytes"]?.integer ?? 0
    isOutputCut = json["isOutputCut"] == .bool(true)
  }

  /// Puts the file in place whole and on disk; false when the disk refuses.
  func write(to path: String) -> Bool {
    let json: JSON = [
      "cause": .string(cause.rawValue), "status": JSON(status.map(Int.init)),
      "signal": JSON(signal.map(Int.init)), "reason": JSON(reason?.rawValue),
      "startFault": JSON(startFault.map(Int.init)),
      "wallSeconds": .number(wallSeconds), "cpuSeconds": .number(cpuSeconds),
      "peakMemoryBytes": .integer(peakMemoryBytes), "isOutputCut": .bool(isOutputCut),
    ]
    let aside = path + ".new"
    let descriptor = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    let text = Array((json.text() + "\n").utf8)
    let isWritten = Foundation.write(descriptor, text, text.count) == text.count
    let isSynced = fsync(descriptor) == 0
    _ = close(descriptor)
    return isWritten && isSynced && rename(aside, path) == 0
  }

  /// Takes the resources that all ended processes of this process used.
  mutating func takeUsage() {
    guard let used = Self.usage(of: childrenOfThis) else { return }
    (cpuSeconds, peakMemoryBytes) = used
  }

  /// Takes the resources that this process used since it had used some.
  mutating func takeOwnUsage(since cpuSecondsBefore: Double) {
    guard let used = Self.usage(of: thisProcess) else { return }
    cpuSeconds = used.cpuSeconds - cpuSecondsBefore
    peakMemoryBytes = used.peakMemoryBytes
  }

  /// The processor time of this process so far.
  static var ownCPUSeconds: Double { usage(of: thisProcess)?.cpuSeconds ?? 0 }

  private static func usage(of who: Int32) -> (cpuSeconds: Double, peakMemoryBytes: Int64)? {
    var usage = rusage()
    guard getrusage(who, &usage) == 0 else { return nil }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    #if canImport(Darwin)
      let peak = Int64(usage.ru_maxrss)
    #else
      let peak = Int64(usage.ru_maxrss) * 1024
    #endif
    return (seconds(usage.ru_utime) + seconds(usage.ru_stime), peak)
  }
}

#if canImport(Darwin)
  private let childrenOfThis = RUSAGE_CHILDREN
  private let thisProcess = RUSAGE_SELF
#else
  private let childrenOfThis = RUSAGE_CHILDREN.rawValue
  private let thisProcess = RUSAGE_SELF.rawValue
#endif

import Foundation
import Storage
import Tracking

/// The guard as its runner sees it: a child to give orders to, and to wait for.
final class GuardProcess {
  private let process: pid_t
  private let run: RunID
  private let pipe: Int32
  private var status: Int32?

  /// Starts a guard, which starts the command.
  ///
  /// - Parameters:
  ///   - command: The exact arguments.
  ///   - environment: Variables besides those that are inherited.
  ///   - spool: Where output, metrics and the exit record go.
  ///   - lock: The spool's lock, which the guard holds too from here on.
  ///   - executable: The program that becomes the guard; nil is this one.
  /// - Throws: `unavailable` when the system starts no process.
  init(
    _ command: [[UInt8]], environment: [String: String], _ spool: Spool, _ lock: SpoolLock,
    executable: String?
  ) throws(RegistryError) {
    var ends: [Int32] = [-1, -1]
    guard Foundation.pipe(&ends) == 0 else { throw Self.refusal(errno) }
    // Above the numbers under which the guard gets them, so that none overwrites another.
    let mine = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    for end in ends { _ = close(end) }
    let output = open(spool.output, O_WRONLY | O_APPEND | O_CLOEXEC)
    let high = [lock.descriptor, output].map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    defer { for descriptor in high + [output, mine[0]] { _ = close(descriptor) } }
    pipe = mine[1]
    run = spool.id
    let name = CommandLine.arguments.first ?? "registry"
    var spawn = Spawn(
      [Array(name.utf8), Array(Guard.verb.utf8), Array(spool.folder.path.utf8)] + command)
    spawn.path = executable ?? Self.thisProgram
    spawn.environment = environment
    spawn.inherits = Contract.inherits
    spawn.descriptors = [
      (high[1], 1), (high[1], 2), (high[0], Guard.lockDescriptor), (mine[0], Guard.pipeDescriptor),
    ]
    spawn.group = .session
    do throws(Spawn.Failure) {
      process = try spawn.start()
    } catch {
      _ = close(mine[1])
      throw Self.refusal(error.code)
    }
  }

  deinit { _ = close(pipe) }

  /// Tells the guard to end the child; nothing happens when it is gone.
  func send(_ order: Guard.Order) {
    var byte = order.rawValue
    _ = write(pipe, &byte, 1)
  }

  /// Whether the guard, and so every process of the run, has ended.
  func hasEnded() -> Bool {
    if status != nil { return true }
    var found: Int32 = 0
    let result = waitpid(process, &found, WNOHANG)
    guard result == process || result < 0 && errno == ECHILD else { return false }
    status = found
    if found & 0x7f != 0 { Leftovers.end(run) }
    return true
  }

  /// How the child ended as the guard's own status tells it; nil when the guard was killed.
  ///
  /// It stands in for the exit record where the disk refused to take one.
  func record(_ cause: ExitRecord.Cause) -> ExitRecord? {
    status.flatMap { $0 & 0x7f == 0 ? ExitRecord(cause: cause, waitStatus: $0) : nil }
  }

  private static func refusal(_ code: Int32) -> RegistryError {
    RegistryError(.unavailable, "the guard does not start: \(String(cString: strerror(code)))")
  }

  /// The running program itself, also when its file was replaced meanwhile.
  static var thisProgram: String {
    #if os(Linux)
      "/proc/self/exe"
    #else
      Bundle.main.executablePath ?? CommandLine.arguments.first ?? "registry"
    #endif
  }
}

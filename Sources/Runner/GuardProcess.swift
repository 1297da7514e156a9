import CSystem
import Foundation
import Storage
import Tracking

/// The guard as its runner sees it: a child to give orders to, and to wait for.
final class GuardProcess {
  private let process: pid_t
  private let run: RunID
  private let orders: Int32
  /// Whether what the guard leaves behind comes to this process.
  private let adopts: Bool
  /// A second hold on the pipe into which the child prints, for when the guard is killed.
  private var output: Pump
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
    run = spool.id
    // Only a process of ours has no other children that could be taken for the run's.
    adopts = executable == nil && csystem_become_subreaper() == 0
    do throws(Spawn.Failure) {
      let asked = try PipeEnds()
      let printed = try PipeEnds()
      csystem_widen_pipe(printed.writing)
      orders = asked.writing
      output = Pump(from: printed.reading, to: spool.output)
      let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
      let ours = [lock.descriptor, asked.reading, printed.reading, printed.writing]
      // Copies have numbers that are free, so that nothing which the child inherits is overwritten.
      let theirs = ours.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
      defer {
        for descriptor in theirs + [nothing, asked.reading, printed.writing] {
          _ = close(descriptor)
        }
      }
      let name = CommandLine.arguments.first ?? "registry"
      let words = [name, Guard.verb, spool.folder.path, Guard.Descriptors(theirs).text]
      var spawn = Spawn(words.map { Array($0.utf8) } + command)
      spawn.path = executable ?? Self.thisProgram
      spawn.environment = environment
      spawn.inherits = Contract.inherits
      spawn.descriptors = zip(ours, theirs).map { ($0, $1) } + [(nothing, 1), (nothing, 2)]
      spawn.group = .session
      process = try spawn.start()
    } catch {
      throw RegistryError(.unavailable, "the guard does not start: \(error.reason)")
    }
  }

  deinit { _ = close(orders) }

  /// Tells the guard to end the child; nothing happens when it is gone.
  func send(_ order: Guard.Order) {
    var byte = order.rawValue
    _ = write(orders, &byte, 1)
  }

  /// Whether the guard, and so every process of the run, has ended.
  func hasEnded() -> Bool {
    if status != nil { return true }
    var found: Int32 = 0
    guard Spawn.hasEnded(process, &found) else { return false }
    status = found
    if found & 0x7f != 0 {
      Leftovers.end(run, adopted: adopts)
      output.pump()
    }
    return true
  }

  /// How the child ended as the guard's own status tells it; nil when the guard was killed.
  ///
  /// It stands in for the exit record where the disk refused to take one.
  func record(_ cause: ExitRecord.Cause) -> ExitRecord? {
    status.flatMap { $0 & 0x7f == 0 ? ExitRecord(cause: cause, waitStatus: $0) : nil }
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

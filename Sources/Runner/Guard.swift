import CSystem
import Foundation

/// The process between runner and child: it outlives both and leaves no descendant behind.
///
/// `registry` starts itself again as the guard, in a session of its own. It holds the lock of the
/// run's spool, starts the child in a group of its own, brings what it prints into the spool, and
/// stops everything when the runner asks for it or is gone (its end of the pipe closes). On Linux
/// daemons come back to it as to a new parent; elsewhere the process group is all that can be
/// reached.
package struct Guard: ~Copyable {
  /// The hidden verb by which `registry` becomes a guard.
  package static let verb = "__guard"

  /// The descriptors that a guard gets from its runner; none of a number that the child inherits.
  struct Descriptors {
    /// Of the spool's lock.
    let lock: Int32
    /// From which it reads orders.
    let orders: Int32
    /// From which it reads what the child prints.
    let source: Int32
    /// Into which the child prints.
    let printing: Int32

    var all: [Int32] { [lock, orders, source, printing] }
    var text: String { all.map(String.init).joined(separator: ",") }

    init(_ all: [Int32]) {
      (lock, orders, source, printing) = (all[0], all[1], all[2], all[3])
    }

    init?(_ text: [UInt8]) {
      let all = String(decoding: text, as: UTF8.self).split(separator: ",").compactMap { Int32($0) }
      guard all.count == 4, all.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
        return nil
      }
      self.init(all)
    }
  }

  /// What the runner writes into the pipe.
  enum Order: UInt8 {
    case terminate = 84
    case kill = 75
  }

  /// From TERM to KILL.
  static let patience = Duration.seconds(10)
  /// What a pipeline's last writers get to end by themselves after the child.
  private static let aftermath = Duration.seconds(1)

  private let spool: String
  private let group: pid_t
  private let started = ContinuousClock.now
  private let isSubreaper: Bool
  private let orders: Int32
  private var output: Pump
  private var ended: ExitRecord?
  private var cause = ExitRecord.Cause.itself
  private var ordersAreOpen = true
  private var isStopping = false
  private var termDue: ContinuousClock.Instant?
  private var killDue: ContinuousClock.Instant?

  /// Runs as the guard: `registry __guard SPOOL DESCRIPTORS COMMAND…`.
  ///
  /// - Returns: The status to exit with: the child's, as a shell reports it.
  package static func main() -> Int32 {
    let arguments = CommandLine.exactArguments
    guard arguments.count >= 5, let descriptors = Descriptors(arguments[3]) else { return 125 }
    let spool = String(decoding: arguments[2], as: UTF8.self)
    let isSubreaper = csystem_become_subreaper() == 0
    for signal in [SIGINT, SIGHUP, SIGPIPE, SIGQUIT] { _ = Foundation.signal(signal, SIG_IGN) }
    for signal in [SIGCHLD, SIGTERM] { _ = csystem_count_signal(signal) }
    var spawn = Spawn(Array(arguments[4...]))
    spawn.group = .group
    spawn.descriptors = [(descriptors.printing, 1), (descriptors.printing, 2)]
    do throws(Spawn.Failure) {
      let group = try spawn.start()
      _ = close(descriptors.printing)  // so that the pipe ends with the last who prints
      var watch = Guard(spool, group, descriptors, isSubreaper: isSubreaper)
      return watch.run()
    } catch {
      let record = ExitRecord(startFault: error.code)
      _ = record.write(to: spool + "/exit")
      return record.shellStatus
    }
  }

  private init(
    _ spool: String, _ group: pid_t, _ descriptors: Descriptors, isSubreaper: Bool
  ) {
    self.spool = spool
    self.group = group
    self.isSubreaper = isSubreaper
    orders = descriptors.orders
    output = Pump(from: descriptors.source, to: spool + "/output")
  }

  private mutating func run() -> Int32 {
    while reap() {
      act()
      waitForNews()
    }
    output.pump()  // a stranger who has the pipe too is not waited for
    var record = ended ?? ExitRecord(startFault: ECHILD)
    record.takeUsage()
    record.isOutputCut = output.isBlocked
    _ = record.write(to: spool + "/exit")
    return record.shellStatus
  }

  /// Takes the status of everything that has ended; false once nothing is left.
  private mutating func reap() -> Bool {
    while true {
      var status: Int32 = 0
      let process = waitpid(-1, &status, WNOHANG)
      if process == group {
        noteEnd(status)
      } else if process == 0 {
        return true
      } else if process < 0 {
        return !isSubreaper && kill(-group, 0) == 0
      }
    }
  }

  private mutating func noteEnd(_ status: Int32) {
    output.pump()
    var record = ExitRecord(cause: cause, waitStatus: status)
    let wall = started.duration(to: .now)
    record.wallSeconds =
      Double(wall.components.seconds) + Double(wall.components.attoseconds) / 1e18
    record.takeUsage()
    _ = record.write(to: spool + "/exit")
    ended = record
    if !isStopping || termDue == nil { termDue = .now + Self.aftermath }
  }

  /// Sends what is due.
  private mutating func act() {
    let now = ContinuousClock.now
    if let due = termDue, now >= due {
      termDue = nil
      killDue = killDue ?? now + Self.patience
      signalAll(SIGTERM)
    }
    if let due = killDue, now >= due { signalAll(SIGKILL) }
  }

  /// To the group while its leader lives and the number is surely ours; then to each descendant.
  private func signalAll(_ signal: Int32) {
    if ended == nil || !isSubreaper { _ = kill(-group, signal) }
    guard isSubreaper, ended != nil || signal == SIGKILL else { return }
    for process in Descendants.of(getpid()) { _ = kill(process, signal) }
  }

  /// Sleeps until a child ends or prints, the runner writes or something is due.
  private mutating func waitForNews() {
    var milliseconds: Int64 = 250  // a child that ended just before is noticed then
    if let due = [termDue, killDue].compactMap({ $0 }).min() {
      let left = ContinuousClock.now.duration(to: due).components
      let wait = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
      milliseconds = min(max(wait, 50), milliseconds)
    }
    var awaited = [ordersAreOpen ? orders : -1, output.awaited].map {
      pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
    }
    let isNews = poll(&awaited, nfds_t(awaited.count), Int32(milliseconds)) > 0
    if isNews, awaited[0].revents != 0 { readOrders() }
    if isNews && awaited[1].revents != 0 || output.isBlocked { output.pump() }
    if csystem_signal_count(SIGTERM) > 0 { stop(.request) }
  }

  private mutating func readOrders() {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = read(orders, &bytes, bytes.count)
    if count <= 0 {
      ordersAreOpen = false
      stop(.runnerLost)
    }
    for order in bytes.prefix(max(count, 0)) {
      stop(.request)
      if order == Order.kill.rawValue { killDue = .now }
    }
  }

  private mutating func stop(_ reason: ExitRecord.Cause) {
    guard !isStopping else { return }
    isStopping = true
    if ended == nil { cause = reason }
    termDue = .now
  }
}

extension CommandLine {
  /// The arguments of this process byte for byte; `arguments` repairs what is not UTF-8.
  static var exactArguments: [[UInt8]] {
    (0..<Int(argc)).compactMap { index in
      unsafeArgv[index].map { text in
        UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
      }
    }
  }
}

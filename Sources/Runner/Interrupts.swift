import CSystem
import Foundation

/// The signals by which a person or the system asks this process to end, counted instead of obeyed.
final class Interrupts {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  /// Starts to count.
  ///
  /// A signal that was ignored (`nohup`) stays so. The end of a child wakes `sleep`.
  init() {
    for signal in Self.signals + [SIGCHLD] { _ = csystem_count_signal(signal) }
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Obeys the signals again.
  func release() {
    for signal in Self.signals + [SIGCHLD] { csystem_obey_signal(signal) }
    _ = signal(SIGPIPE, SIG_DFL)
  }

  /// How many have come.
  var count: Int { Self.signals.reduce(0) { $0 + Int(csystem_signal_count($1)) } }

  /// One that has come; nil if none has.
  var first: Int32? { Self.signals.first { csystem_signal_count($0) > 0 } }

  /// Sleeps until the time is over, a signal comes or a child ends.
  func sleep(milliseconds: Int32) {
    _ = poll(nil, 0, milliseconds)
  }
}

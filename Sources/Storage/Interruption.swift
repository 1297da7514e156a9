import CSystem
import Foundation

/// Lets a verb take away what it has half made before INT, TERM or HUP ends the process.
package enum Interruption {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  /// Runs a body in which a signal only makes `check` throw; afterwards the process ends by it.
  ///
  /// For the topmost verb of a process; a run counts its signals itself.
  ///
  /// - Parameter body: What calls `check` now and then and cleans up when that throws.
  /// - Returns: What the body returned, when no signal came.
  /// - Throws: What the body throws.
  package static func deferring<Result>(_ body: () throws -> Result) rethrows -> Result {
    for signal in signals { _ = csystem_count_signal(signal) }
    defer {
      let come = first
      for signal in signals { csystem_obey_signal(signal) }
      if let come { _ = raise(come) }
    }
    return try body()
  }

  /// Throws `unavailable` once a signal has come inside `deferring`.
  package static func check() throws(RegistryError) {
    guard first == nil else { throw RegistryError(.unavailable, "interrupted") }
  }

  /// The signal that has come; nil if none has.
  static var first: Int32? { signals.first { csystem_signal_count($0) > 0 } }
}

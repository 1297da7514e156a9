import Foundation
package import Storage

/// Runs this program with other words, as a person would type them, to its end.
package enum OwnCommand {
  /// Starts it in this process's folder, on its terminal, without variables of ours.
  ///
  /// While it runs, a wish to end (Ctrl-C, TERM) is its affair, not this process's.
  ///
  /// - Parameters:
  ///   - arguments: The words after the program's name.
  ///   - environment: Variables to set besides those that are inherited.
  /// - Returns: The exit status, 128 + n when signal n ended it; and whether this process was
  ///   asked to end meanwhile.
  /// - Throws: `unavailable` when the system starts no process.
  package static func run(
    _ arguments: [String], environment: [String: String]
  ) throws(RegistryError) -> (status: Int32, isInterrupted: Bool) {
    var spawn = Spawn(["registry"] + arguments)
    spawn.path = GuardProcess.thisProgram
    spawn.environment = environment
    spawn.inherits = { !$0.hasPrefix("REGISTRY_") }
    let signals = Interrupts()
    defer { signals.release() }
    let process: pid_t
    do throws(Spawn.Failure) {
      process = try spawn.start()
    } catch {
      throw RegistryError(.unavailable, "registry does not start: \(error.reason)")
    }
    var status: Int32 = 0
    var isTold = false
    while true {
      let found = waitpid(process, &status, WNOHANG)
      guard found == 0 || found < 0 && errno == EINTR else { break }
      // Ctrl-C reaches all processes of a terminal; the others only the one they are sent to.
      if !isTold, let signal = signals.first, signal != SIGINT {
        _ = kill(process, signal)
        isTold = true
      }
      signals.sleep(milliseconds: 50)
    }
    let signal = status & 0x7f
    return (signal == 0 ? status >> 8 & 0xff : 128 + signal, signals.count > 0)
  }
}

import Foundation
import Tracking

/// Processes of a run whose guard was killed, so that nobody ended them.
enum Leftovers {
  private static let patienceMilliseconds = 2000

  /// Ends every process with the run's id in its environment; none where there is no `/proc`.
  static func end(_ id: RunID) {
    let mark = Array("REGISTRY_RUN_ID=\(id.hex)".utf8)
    for process in carrying(mark) { _ = kill(process, SIGTERM) }
    for _ in 0..<(patienceMilliseconds / 20) {
      if carrying(mark).isEmpty { return }
      usleep(20_000)
    }
    for process in carrying(mark) { _ = kill(process, SIGKILL) }
  }

  private static func carrying(_ mark: [UInt8]) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(pid_t.init).filter { process in
      let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ")
      return environment?.split(separator: 0).contains { $0.elementsEqual(mark) } ?? false
    }
  }
}

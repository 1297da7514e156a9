import Foundation
import Tracking

/// Processes of a run whose guard was killed, so that nobody ended them.
enum Leftovers {
  private static let patienceMilliseconds = 2000

  /// Ends every process with the run's id in its environment; none where there is no `/proc`.
  ///
  /// This process and those around it stay, which may have the id from a shell of the run.
  ///
  /// - Parameters:
  ///   - id: The run.
  ///   - adopted: Whether processes below this one that it did not start are the run's too.
  static func end(_ id: RunID, adopted: Bool = false) {
    let mark = Array("REGISTRY_RUN_ID=\(id.hex)".utf8)
    let spared = Descendants.ancestors(of: getpid())
    func left() -> Set<pid_t> {
      let orphans = adopted ? adoptedProcesses() : []
      return Set(carrying(mark) + orphans).subtracting(spared)
    }
    for process in left() { _ = kill(process, SIGTERM) }
    for _ in 0..<(patienceMilliseconds / 20) {
      if left().isEmpty { return }
      usleep(20_000)
    }
    for process in left() { _ = kill(process, SIGKILL) }
    if adopted { _ = adoptedProcesses() }
  }

  /// What came to this process as to a new parent, with all below it; what has ended is let go.
  private static func adoptedProcesses() -> [pid_t] {
    let own = Spawn.living
    let orphans = Descendants.children(of: getpid()).filter { !own.contains($0) }
      .filter { waitpid($0, nil, WNOHANG) == 0 }
    return orphans + orphans.flatMap(Descendants.of)
  }

  private static func carrying(_ mark: [UInt8]) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(pid_t.init).filter { process in
      let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ")
      return environment?.split(separator: 0).contains { $0.elementsEqual(mark) } ?? false
    }
  }
}

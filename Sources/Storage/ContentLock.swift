import Foundation
import Synchronization

/// The lock between those who are about to name content and those who take unnamed content away.
///
/// Import, export and backup hold it shared from their first look-up to their commit; gc holds it
/// exclusively. Who wants it exclusively takes `gc.intent` first, for which newcomers wait.
final class ContentLock: Sendable {
  private let file: FileLock
  private let intent: FileLock
  private let holders = Mutex(0)
  private let newcomers = NSLock()

  static let patienceSeconds = 60.0  // an import of some tens of GB is over by then

  private init(folder: String) throws(RegistryError) {
    file = try FileLock(path: folder + "/gc.lock")
    intent = try FileLock(path: folder + "/gc.intent")
  }

  func withShared<Result>(_ body: () throws -> Result) rethrows -> Result {
    newcomers.lock()
    if holders.withLock({ $0 }) == 0 {
      intent.lock(.shared)
      file.lock(.shared)
      intent.unlock()
    }
    holders.withLock { $0 += 1 }
    newcomers.unlock()
    defer {
      newcomers.lock()
      if holders.withLock({ holders in
        holders -= 1
        return holders == 0
      }) {
        file.unlock()
      }
      newcomers.unlock()
    }
    return try body()
  }

  func withExclusive<Result>(_ body: () throws -> Result) throws -> Result {
    newcomers.lock()
    defer { newcomers.unlock() }
    let start = ContinuousClock.now
    let patience = Duration.seconds(Self.patienceSeconds)
    while !intent.tryLock(.exclusive) || !file.tryLock(.exclusive) {
      guard ContinuousClock.now - start < patience else {
        intent.unlock()
        throw RegistryError(
          .unavailable, "content of the store is in use by another command", hint: "try again later"
        )
      }
      usleep(20_000)
    }
    defer {
      file.unlock()
      intent.unlock()
    }
    return try body()
  }

  private static let opened = Mutex<[String: ContentLock]>([:])

  /// The one lock object of this process for the store.
  static func shared(folder: String) throws(RegistryError) -> ContentLock {
    if let lock = opened.withLock({ $0[folder] }) { return lock }
    let made = try ContentLock(folder: folder)
    return opened.withLock { locks in
      if let lock = locks[folder] { return lock }
      locks[folder] = made
      return made
    }
  }
}

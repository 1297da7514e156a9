import Foundation
import Synchronization

/// The lock between those who are about to name content and those who take unnamed content away.
///
/// Import, export and backup hold it shared from their first look-up to their commit; gc holds it
/// exclusively. Who wants it exclusively takes `gc.intent` first, for which newcomers wait. The files
/// keep processes apart; threads of one process share their descriptors and are kept apart here.
final class ContentLock: Sendable {
  private let file: FileLock
  private let intent: FileLock
  private let threads = NSCondition()
  private let waiting = Mutex(Waiting())

  /// Guarded by `threads` over more than one access.
  private struct Waiting {
    var holders = 0
    var wantsAlone = 0
  }

  static let patienceSeconds = 60.0  // an import of some tens of GB is over by then

  private init(folder: String) throws(RegistryError) {
    file = try FileLock(path: folder + "/gc.lock")
    intent = try FileLock(path: folder + "/gc.intent")
  }

  func withShared<Result>(_ body: () throws -> Result) throws -> Result {
    try enter()
    defer { leave() }
    return try body()
  }

  /// Joins the holders of this process, or becomes the first; who holds it already may enter again.
  private func enter() throws {
    threads.lock()
    defer { threads.unlock() }
    while waiting.withLock({ $0.holders == 0 && $0.wantsAlone > 0 }) { threads.wait() }
    if waiting.withLock({ $0.holders }) == 0 {
      try intent.lock(.shared)
      defer { intent.unlock() }
      try file.lock(.shared)
    }
    waiting.withLock { $0.holders += 1 }
  }

  private func leave() {
    threads.lock()
    defer { threads.unlock() }
    let isLast = waiting.withLock { waiting in
      waiting.holders -= 1
      return waiting.holders == 0
    }
    if isLast {
      file.unlock()
      threads.broadcast()
    }
  }

  func withExclusive<Result>(
    patienceSeconds: Double, _ body: () throws -> Result
  ) throws -> Result {
    threads.lock()
    waiting.withLock { $0.wantsAlone += 1 }
    defer {
      waiting.withLock { $0.wantsAlone -= 1 }
      threads.broadcast()
      threads.unlock()
    }
    let deadline = ContinuousClock.now + .seconds(patienceSeconds)
    while !takeAlone() {
      guard ContinuousClock.now < deadline else {
        intent.unlock()
        throw RegistryError(
          .unavailable, "content of the store is in use by another command", hint: "try again later"
        )
      }
      _ = threads.wait(until: Date(timeIntervalSinceNow: 0.02))
    }
    defer {
      file.unlock()
      intent.unlock()
    }
    return try body()
  }

  /// Takes both files where no thread of ours and no other process is in the way; keeps the intent.
  private func takeAlone() -> Bool {
    intent.tryLock(.exclusive) && waiting.withLock({ $0.holders }) == 0 && file.tryLock(.exclusive)
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

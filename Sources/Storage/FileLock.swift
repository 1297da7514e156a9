import Foundation
import Synchronization

/// An open file with `flock` on it; the kernel lets go when the process ends, however it ends.
package struct FileLock: ~Copyable, Sendable {
  private let descriptor: Int32

  /// How a lock is taken.
  package enum Mode: Sendable {
    case shared, exclusive
  }

  /// Opens the file, making it where needed, without taking the lock.
  ///
  /// - Parameter path: The lock file.
  /// - Throws: `unavailable` when the file cannot be opened.
  package init(path: String) throws(RegistryError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw RegistryError(
        .unavailable, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
    }
  }

  deinit { _ = close(descriptor) }

  /// Waits for the lock.
  package func lock(_ mode: Mode) {
    while flock(descriptor, mode == .shared ? LOCK_SH : LOCK_EX) != 0 && errno == EINTR {}
  }

  /// Takes the lock if nobody is in the way.
  package func tryLock(_ mode: Mode) -> Bool {
    flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0
  }

  /// Lets go.
  package func unlock() {
    _ = flock(descriptor, LOCK_UN)
  }
}

/// The write lock of a store: one object per process and store, counted, for both files.
///
/// Threads of one process wait for each other on a recursive mutex, processes on `flock`.
final class WriteLock: Sendable {
  private let file: FileLock
  private let threads = NSRecursiveLock()
  private let depth = Mutex(0)

  private init(path: String) throws(RegistryError) {
    file = try FileLock(path: path)
  }

  func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    threads.lock()
    defer { threads.unlock() }
    if depth.withLock({ depth in
      depth += 1
      return depth == 1
    }) {
      file.lock(.exclusive)
    }
    defer {
      if depth.withLock({ depth in
        depth -= 1
        return depth == 0
      }) {
        file.unlock()
      }
    }
    return try body()
  }

  private static let opened = Mutex<[String: WriteLock]>([:])

  /// The one lock object of this process for the lock file; a second descriptor would block on the first.
  static func shared(path: String) throws(RegistryError) -> WriteLock {
    if let lock = opened.withLock({ $0[path] }) { return lock }
    let made = try WriteLock(path: path)
    return opened.withLock { locks in
      if let lock = locks[path] { return lock }
      locks[path] = made
      return made
    }
  }
}

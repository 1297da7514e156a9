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
  /// A file that may only be read can be locked all the same.
  ///
  /// - Parameter path: The lock file.
  /// - Throws: `denied` when the file may not be opened or made; `unavailable` when it cannot be.
  package init(path: String) throws(RegistryError) {
    let made = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    let reason = errno
    descriptor = made >= 0 ? made : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      let text = "\(path) cannot be opened: \(String(cString: strerror(reason)))"
      throw [EACCES, EPERM, EROFS].contains(reason)
        ? RegistryError(.denied, text, hint: "ask its owner for the right to write this folder")
        : RegistryError(.unavailable, text)
    }
  }

  deinit { _ = close(descriptor) }

  /// Waits for the lock.
  ///
  /// - Throws: `unavailable` where the file system has no locks: nothing may go on without.
  package func lock(_ mode: Mode) throws(RegistryError) {
    while flock(descriptor, mode == .shared ? LOCK_SH : LOCK_EX) != 0 {
      guard errno == EINTR else {
        throw RegistryError(
          .unavailable, "the store cannot be locked: \(String(cString: strerror(errno)))",
          hint: "keep the store on a disk that has locks (flock)")
      }
    }
  }

  /// Takes the lock if nobody is in the way; false also where it cannot be taken at all.
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

  func withLock<Result>(_ body: () throws -> Result) throws -> Result {
    threads.lock()
    defer { threads.unlock() }
    if depth.withLock({ $0 == 0 }) { try file.lock(.exclusive) }
    depth.withLock { $0 += 1 }
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

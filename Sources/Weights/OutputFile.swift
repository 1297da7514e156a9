import Dispatch
import Foundation
import Storage

/// A file that gets its name when it is complete, and is gone when it never is.
final class OutputFile {
  private let target: URL
  private let aside: URL
  private let descriptor: Int32
  private var isFinished = false
  private var unflushedBytes = 0
  private var flush: Job<Int32, Int32>?

  /// So much is sent to the disk beside the writing, so that little is left for the end.
  private static let flushBytes = 16 << 20
  private static let queue = DispatchQueue(label: "registry.flush")

  init(_ target: URL) throws(RegistryError) {
    self.target = target
    aside = target.deletingLastPathComponent()
      .appending(path: ".\([UInt8].random(count: 8).hex).partial")
    var status = stat()
    guard lstat(target.path, &status) != 0 else { throw Self.conflict(target) }
    descriptor = open(aside.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw Self.refusal(target) }
  }

  deinit {
    _ = try? flush?.get()
    if descriptor >= 0 { _ = close(descriptor) }
    if descriptor >= 0 && !isFinished { _ = unlink(aside.path) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(RegistryError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      #if os(macOS)
        let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
      #else
        let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      #endif
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.refusal(target) }
      done += count
    }
    unflushedBytes += bytes.count
    if unflushedBytes >= Self.flushBytes {
      try finishFlush()
      flush = Job(descriptor, on: Self.queue) { fsync($0) == 0 ? 0 : errno }
      unflushedBytes = 0
    }
  }

  /// Waits for what is on its way to the disk: an error is told only once, to whoever asks first.
  private func finishFlush() throws(RegistryError) {
    let result = try? flush?.get()
    flush = nil
    guard let result, result != 0 else { return }
    errno = result
    throw Self.refusal(target)
  }

  func finish() throws(RegistryError) {
    try finishFlush()
    guard fsync(descriptor) == 0 else { throw Self.refusal(target) }
    // A link, unlike a rename, fails when somebody has taken the name meanwhile; not all disks
    // have it.
    if link(aside.path, target.path) == 0 { return }  // deinit takes the other name away
    if errno == EEXIST { throw Self.conflict(target) }
    guard rename(aside.path, target.path) == 0 else { throw Self.refusal(target) }
    isFinished = true
  }

  private static func conflict(_ target: URL) -> RegistryError {
    RegistryError(.conflict, "\(target.path) is already there")
  }

  private static func refusal(_ target: URL) -> RegistryError {
    let reason = String(cString: strerror(errno))
    return switch errno {
    case ENOSPC, EDQUOT: RegistryError(.unavailable, "the disk is full: \(target.path)")
    case ENOENT, ENOTDIR: RegistryError(.notFound, "no folder for \(target.path)")
    default: RegistryError(.unavailable, "\(target.path) cannot be written: \(reason)")
    }
  }
}

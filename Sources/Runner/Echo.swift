import Foundation

/// Shows the child's output as it comes, without ever waiting for who reads it.
struct Echo: ~Copyable {
  private let source: Int32
  private let target: Int32
  private var offset: off_t = 0
  private var buffer = [UInt8](repeating: 0, count: 4096)  // what a pipe takes without blocking

  private static let shareMax = 1 << 20

  /// Copies a file that grows to a descriptor; nil shows nothing.
  init(path: String, to target: Int32?) {
    source = target == nil ? -1 : open(path, O_RDONLY | O_CLOEXEC)
    self.target = target ?? -1
  }

  deinit { if source >= 0 { _ = close(source) } }

  /// Shows what the reader takes at once, up to a fair share; true once all is shown.
  mutating func pump() -> Bool {
    guard source >= 0, target >= 0 else { return true }
    var share = Self.shareMax
    while share > 0 {
      let place = offset
      let count = buffer.withUnsafeMutableBytes { pread(source, $0.baseAddress, $0.count, place) }
      if count <= 0 { return true }
      var waiting = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
      guard poll(&waiting, 1, 0) > 0 else { return false }
      let written = buffer.withUnsafeBytes { write(target, $0.baseAddress, count) }
      if written < 0 { return errno != EAGAIN && errno != EINTR }
      offset += off_t(written)
      share -= max(written, 1)
    }
    return false
  }
}

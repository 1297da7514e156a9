import CSystem
import Foundation

/// Moves what a child prints from its pipe to the end of a file; what the disk refuses waits.
struct Pump: ~Copyable {
  /// Whether anybody may still write into the pipe.
  private(set) var isOpen = true
  /// What to wait for before the next `pump`; -1 when there is nothing, or the disk refuses.
  var awaited: Int32 { isOpen && !isBlocked ? source : -1 }
  /// Whether the disk refuses; then the child waits too, once the pipe is full.
  var isBlocked: Bool { !waiting.isEmpty }

  private let source: Int32
  private let target: Int32
  private var buffer = [UInt8](repeating: 0, count: Pump.shareMax)
  private var waiting: Range<Int> = 0..<0

  /// What a pipe holds at most: one share takes all that was there before it.
  private static let shareMax = 1 << 20

  /// Takes the reading end of a pipe, which this closes, and a file, which is there.
  init(from source: Int32, to path: String) {
    self.source = source
    target = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    _ = fcntl(source, F_SETFL, O_NONBLOCK)
  }

  deinit {
    for descriptor in [source, target] where descriptor >= 0 { _ = close(descriptor) }
  }

  /// Moves what is there, at most as much as a pipe holds.
  ///
  /// - Returns: The bytes taken from the pipe.
  @discardableResult
  mutating func pump() -> Int {
    var taken = 0
    while taken < Self.shareMax, flush() {
      let room = Self.shareMax - taken
      let count = buffer.withUnsafeMutableBytes { read(source, $0.baseAddress, room) }
      if count < 0 && errno == EINTR { continue }
      if count == 0 { isOpen = false }
      guard count > 0 else { break }
      waiting = 0..<count
      taken += count
    }
    _ = flush()
    return taken
  }

  /// Writes what waits; false when the disk refuses.
  private mutating func flush() -> Bool {
    while !waiting.isEmpty {
      let rest = waiting
      let count = buffer.withUnsafeBytes {
        write(target, UnsafeRawBufferPointer(rebasing: $0[rest]).baseAddress, rest.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      waiting = rest.lowerBound + count..<rest.upperBound
    }
    return true
  }
}

/// A pipe whose ends are close-on-exec and above the numbers that a shell gives its programs.
struct PipeEnds {
  let reading: Int32
  let writing: Int32

  /// Makes a pipe.
  ///
  /// - Throws: The code of the system.
  init() throws(Spawn.Failure) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Spawn.Failure(code: errno) }
    let high = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    for end in ends { _ = close(end) }
    (reading, writing) = (high[0], high[1])
  }
}

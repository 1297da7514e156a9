import Foundation

/// Reads what is appended to a file of the spool, line by line, in bounded memory.
struct Tail: ~Copyable {
  /// The number of bytes before the first line that was not given out.
  var consumed: Int64 { position - Int64(splitter.pendingCount) }

  private let descriptor: Int32
  private var position: Int64
  private var splitter: LineSplitter

  /// Opens a file at an offset; a file that is not there is empty.
  init(path: String, breaksAtReturn: Bool = false, offset: Int64 = 0) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    position = offset
    splitter = LineSplitter(breaksAtReturn: breaksAtReturn)
  }

  deinit { if descriptor >= 0 { _ = close(descriptor) } }

  /// Reads one piece and gives out the lines that it ends; false when there is nothing new.
  mutating func readPiece(
    _ buffer: inout [UInt8], until end: Int64,
    _ body: (UnsafeRawBufferPointer, _ line: Int) -> Void
  ) -> Bool {
    guard position < end else { return false }
    let (offset, wanted) = (off_t(position), Int(min(end - position, Int64(buffer.count))))
    let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, wanted, offset) }
    guard count > 0 else { return false }
    position += Int64(count)
    buffer.withUnsafeBytes { splitter.push(UnsafeRawBufferPointer(rebasing: $0[..<count]), body) }
    return true
  }

  /// Gives out a last line that no end follows; only once nobody writes any more.
  mutating func finish(_ body: (UnsafeRawBufferPointer, _ line: Int) -> Void) {
    splitter.finish(body)
  }
}

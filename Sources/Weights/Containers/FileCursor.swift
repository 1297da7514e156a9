import Storage

/// Reads little-endian numbers and bytes of a part of a file, from front to back.
///
/// Nothing that a file says makes it read beyond the part, or keep more than a window of it.
struct FileCursor {
  private static let windowBytes: Int64 = 1 << 16

  private let file: SourceFile
  private let end: Int64
  private var window: [UInt8] = []
  private var index = 0
  private var windowEnd: Int64

  /// Begins at a place in the file.
  init(_ file: SourceFile, from start: Int64 = 0, to end: Int64) throws {
    guard start >= 0, start <= end, end <= file.sizeBytes else {
      throw Container.fault("a part of the file lies outside of it")
    }
    self.file = file
    self.end = end
    windowEnd = start
  }

  /// Where the next byte is in the file.
  var offset: Int64 { windowEnd - Int64(window.count - index) }

  /// Reads a number.
  mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws -> Number {
    let size = Number.bitWidth / 8
    try ensure(size)
    let bits = window.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: index, as: Number.self)
    }
    index += size
    return Number(littleEndian: bits)
  }

  /// Reads a few bytes: no more than a window holds.
  mutating func bytes(_ count: some BinaryInteger) throws -> [UInt8] {
    guard let count = Int(exactly: count), (0...Int(Self.windowBytes)).contains(count) else {
      throw Container.fault("a text is too long")
    }
    try ensure(count)
    defer { index += count }
    return Array(window[index..<index + count])
  }

  /// Leaves bytes out, most of them unread.
  mutating func skip(_ count: some BinaryInteger) throws {
    guard let count = Int64(exactly: count), (0...end - offset).contains(count) else {
      throw Container.fault("the file ends too early")
    }
    if count <= Int64(window.count - index) {
      index += Int(count)
    } else {
      windowEnd = offset + count
      window.removeAll(keepingCapacity: true)
      index = 0
    }
  }

  /// Sees to it that so many bytes are in the window.
  private mutating func ensure(_ count: Int) throws {
    guard window.count - index < count else { return }
    let start = offset
    guard Int64(count) <= end - start else { throw Container.fault("the file ends too early") }
    window = try file.read(at: start, sizeBytes: Int(min(Self.windowBytes, end - start)))
    windowEnd = start + Int64(window.count)
    index = 0
  }
}

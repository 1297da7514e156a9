import Synchronization

/// Memory of one thread that works on chunks.
struct ChunkBuffers: Sendable {
  /// Holds what is being decoded; the chunk itself in the end.
  var content = ChunkBuffers.empty
  /// Holds what that is a difference to.
  var base = ChunkBuffers.empty
  /// Holds whatever is compared with them.
  var other = ChunkBuffers.empty

  private static var empty: [UInt8] { [UInt8](repeating: 0, count: Chunk.sizeBytesMax) }

  /// Moves the first bytes of `content` to a place in `other`, cut to it or continued with zeros.
  mutating func moveContent(_ sizeBytes: Int, toOther range: Range<Int>) {
    let size = min(sizeBytes, range.count)
    if range.lowerBound == 0 {
      swap(&content, &other)  // the first piece comes first, so nothing is there yet
    } else {
      other.replaceSubrange(range.prefix(size), with: content[..<size])
    }
    for index in range.dropFirst(size) { other[index] = 0 }
  }

  /// A copy of the first bytes of `content`, cut to a size or continued with zeros.
  func content(_ sizeBytes: Int, cutTo size: Int) -> [UInt8] {
    content.prefix(min(sizeBytes, size)) + [UInt8](repeating: 0, count: max(0, size - sizeBytes))
  }
}

/// Memory that is used again and again: fresh pages cost as much time as decoding into them.
///
/// What is taken belongs to the taker alone until it is given back.
final class Pool<Element: Sendable>: Sendable {
  private let free = Mutex<[Element]>([])
  private let make: @Sendable () -> Element

  init(_ make: @escaping @Sendable () -> Element) {
    self.make = make
  }

  func take() -> Element {
    free.withLock { $0.popLast() } ?? make()
  }

  func give(_ element: consuming Element) {
    let element = element
    free.withLock { $0.append(element) }
  }
}

/// Pieces spread evenly over some words, for decisions that need not see all of them.
struct Sample {
  private static let pieces = 16

  /// The sampled words, one after another; all of them when there are few.
  let bytes: [UInt8]

  /// Takes 16 pieces of words of `width` bytes.
  init(of content: UnsafeRawBufferPointer, width: Int = 1, pieceWords: Int = 1024) {
    let words = content.count / width
    guard words > Self.pieces * pieceWords else {
      bytes = Array(content.prefix(words * width))
      return
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.pieces * pieceWords * width)
    for piece in 0..<Self.pieces {
      let first = piece * (words - pieceWords) / (Self.pieces - 1)
      let range = first * width..<(first + pieceWords) * width
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: content[range]))
    }
    self.bytes = bytes
  }
}

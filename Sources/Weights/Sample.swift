/// Pieces spread evenly over some words, for decisions that need not see all of them.
struct Sample {
  private static let pieces = 16
  private static let pieceWords = 1024

  /// The sampled words, one after another; all of them when there are few.
  let bytes: [UInt8]

  /// Takes 16 pieces of 1,024 words of `width` bytes.
  init(of content: UnsafeRawBufferPointer, width: Int = 1) {
    let words = content.count / width
    guard words > Self.pieces * Self.pieceWords else {
      bytes = Array(content.prefix(words * width))
      return
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.pieces * Self.pieceWords * width)
    for piece in 0..<Self.pieces {
      let first = piece * (words - Self.pieceWords) / (Self.pieces - 1)
      let range = first * width..<(first + Self.pieceWords) * width
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: content[range]))
    }
    self.bytes = bytes
  }
}

/// A tensor whose values may stand for those of a segment.
struct BaseTensor: Sendable {
  let chunkIds: [Int64]
  let dtype: DType?

  /// A chunk and what its values become; nil for those that a segment's chunk has in its own type.
  struct Place: Sendable {
    let id: Int64
    let cast: Prediction.Cast?
  }

  /// Where the values of a segment's chunk are; chunks of 8-byte elements have half as many.
  func place(ofChunk index: Int, of segment: Segment) -> Place? {
    guard let own = segment.dtype, let dtype, own != dtype, own.isFloat, dtype.isFloat else {
      return chunkIds.indices.contains(index) ? Place(id: chunkIds[index], cast: nil) : nil
    }
    let (count, theirs) = (own.chunkElements, dtype.chunkElements)
    let (chunk, start) = (index * count).quotientAndRemainder(dividingBy: theirs)
    guard chunkIds.indices.contains(chunk) else { return nil }
    let cast = Prediction.Cast(from: dtype, to: own, start: start)
    return Place(id: chunkIds[chunk], cast: cast)
  }
}

extension DType {
  /// The elements of every chunk but the last.
  var chunkElements: Int { sizeBytes == 8 ? 131_072 : 262_144 }
}

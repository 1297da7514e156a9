import Foundation
import Storage

/// Encodes one chunk against the base that makes it smallest.
struct ChunkEncoder {
  /// A record that gives the content back.
  struct Encoded {
    let record: [UInt8]
    let baseId: Int64?
    var usesFactor = false
    var factor: MatrixImport.Factor?
  }

  /// The likeliest base.
  struct Base {
    let chain: ChunkChain
    /// What its values become; nil when they have the chunk's type.
    let cast: Prediction.Cast?
    /// Its content, where that is cast.
    let content: [UInt8]
  }

  let content: UnsafeRawBufferPointer
  let dtype: DType?
  let matrix: ChunkPlacing.MatrixPlace?

  /// A difference to the likeliest base that takes less than this part of the content is taken.
  private static let goodPart = 0.5
  /// A record that takes no more than one in so many bytes is not tried to be beaten.
  private static let worthwhile = 64
  /// An estimate must promise so much less before the whole is encoded.
  private static let worthPart = 0.95

  /// Encodes the content, also beside a matrix of low rank where there is one, and against other
  /// bases where the first one is of little use.
  ///
  /// - Parameters:
  ///   - base: The likeliest base, decoded into `other` unless it is cast; nil for none.
  ///   - range: Where in `other`.
  ///   - others: Gives further bases.
  ///   - buffers: All of it is used.
  /// - Returns: The smallest record, which has been decoded and compared.
  /// - Throws: `corrupt` when a record does not give the content back; what `others` throws.
  func encode(
    _ base: Base?, at range: Range<Int>, others: () throws -> [ChunkChain],
    _ buffers: inout ChunkBuffers
  ) throws -> Encoded {
    guard let base else { return try encode(against: nil, id: nil, .none, &buffers) }
    let bytes = base.cast == nil ? buffers.other[range] : base.content[...]
    let cast = base.cast.map { Prediction.cast($0) } ?? .none
    var first = try encode(against: bytes, id: base.chain.chunk.id, cast, &buffers)
    if let low = try lowRank(bytes, id: base.chain.chunk.id, first.record.count, &buffers) {
      first = low
    }
    let isGood =
      first.baseId != nil && Double(first.record.count) < Self.goodPart * Double(content.count)
    guard base.cast == nil, !isGood else { return first }
    let chains = try others()
    guard !chains.isEmpty else { return first }
    var estimate = try estimatedBytes(buffers.other[range]) * Self.worthPart
    var best: (content: [UInt8], id: Int64)?
    for chain in chains {
      guard (try? chain.decode(&buffers)) != nil else { continue }
      let other = buffers.content(chain.chunk.sizeBytes, cutTo: content.count)
      let bytes = try estimatedBytes(other[...])
      guard bytes < estimate else { continue }
      estimate = bytes
      best = (other, chain.chunk.id)
    }
    guard let best else { return first }
    let second = try encode(against: best.content[...], id: best.id, .none, &buffers)
    return second.record.count < first.record.count ? second : first
  }

  /// The record beside a matrix of low rank; nil unless it and its part of the factor are smaller.
  private func lowRank(
    _ base: ArraySlice<UInt8>, id: Int64, _ sizeBytes: Int, _ buffers: inout ChunkBuffers
  ) throws -> Encoded? {
    guard let matrix, sizeBytes > content.count / Self.worthwhile else { return nil }
    let found = try base.withUnsafeBytes { base in
      let part = matrix.matrix.part(matrix.index, content: content, base: base)
      return try matrix.matrix.factor(for: part).map { ($0, $0.factor.prediction(of: part)) }
    }
    guard let (factor, prediction) = found else { return nil }
    var encoded = try encode(against: base, id: id, prediction, factor: factor.content, &buffers)
    let share = matrix.matrix.share(of: factor, sizeBytes: content.count)
    guard encoded.usesFactor, encoded.record.count + share < sizeBytes else { return nil }
    encoded.factor = factor
    return encoded
  }

  /// The length of the record of a sample.
  private func estimatedBytes(_ base: ArraySlice<UInt8>) throws -> Double {
    let width = dtype?.sizeBytes ?? 1
    let sample = Sample(of: content, width: width).bytes
    let base = base.withUnsafeBytes { Sample(of: $0, width: width).bytes }
    return try sample.withUnsafeBytes { sample in
      try base.withUnsafeBytes { base in
        Double(try ChunkCodec.encode(sample, element: dtype, base: base).record.count)
      }
    }
  }

  /// Encodes and decodes the record again: nothing is committed that does not give the content back.
  private func encode(
    against base: ArraySlice<UInt8>?, id: Int64?, _ prediction: Prediction,
    factor: [UInt8] = [], _ buffers: inout ChunkBuffers
  ) throws -> Encoded {
    func encode(
      _ base: UnsafeRawBufferPointer?, _ factor: UnsafeRawBufferPointer?
    ) throws -> Encoded {
      let encoded = try ChunkCodec.encode(
        content, element: dtype, base: base, prediction: prediction, factor: factor)
      let isSame = try buffers.content.withUnsafeMutableBytes { place in
        let decoded = UnsafeMutableRawBufferPointer(rebasing: place[..<content.count])
        try encoded.record.withUnsafeBytes {
          try ChunkCodec.decode(
            $0, into: decoded, base: encoded.usesBase ? base : nil,
            factor: encoded.usesFactor ? factor : nil)
        }
        guard let left = decoded.baseAddress, let right = content.baseAddress else { return true }
        return memcmp(left, right, content.count) == 0
      }
      guard isSame else {
        throw RegistryError(.corrupt, "a chunk did not survive its encoding; nothing was stored")
      }
      return Encoded(
        record: encoded.record, baseId: encoded.usesBase ? id : nil,
        usesFactor: encoded.usesFactor)
    }
    guard let base else { return try encode(nil, nil) }
    return try base.withUnsafeBytes { base in
      try factor.withUnsafeBytes { try encode(base, $0) }
    }
  }
}

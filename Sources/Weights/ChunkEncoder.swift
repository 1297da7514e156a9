import Foundation
import Storage

/// Encodes one chunk against the base that makes it smallest.
struct ChunkEncoder {
  /// A record that gives the content back.
  struct Encoded {
    let record: [UInt8]
    let baseId: Int64?
  }

  let content: UnsafeRawBufferPointer
  let dtype: DType?

  /// A difference to the likeliest base that takes less than this part of the content is taken.
  private static let goodPart = 0.5
  /// An estimate must promise so much less before the whole is encoded.
  private static let worthPart = 0.95

  /// Encodes the content, also against other bases where the first one is of little use.
  ///
  /// - Parameters:
  ///   - base: The likeliest base, decoded into `other`; nil for none.
  ///   - range: Where in `other`.
  ///   - others: Gives further bases.
  ///   - buffers: All of it is used.
  /// - Returns: The smallest record, which has been decoded and compared.
  /// - Throws: `corrupt` when a record does not give the content back; what `others` throws.
  func encode(
    _ base: ChunkChain?, at range: Range<Int>, others: () throws -> [ChunkChain],
    _ buffers: inout ChunkBuffers
  ) throws -> Encoded {
    let first = try encode(
      against: base == nil ? nil : buffers.other[range], id: base?.chunk.id, &buffers)
    let isGood =
      first.baseId != nil && Double(first.record.count) < Self.goodPart * Double(content.count)
    guard base != nil, !isGood else { return first }
    var estimate = try estimatedBytes(buffers.other[range]) * Self.worthPart
    var best: (content: [UInt8], id: Int64)?
    for chain in try others() {
      guard (try? chain.decode(&buffers)) != nil else { continue }
      let other = buffers.content(chain.chunk.sizeBytes, cutTo: content.count)
      let bytes = try estimatedBytes(other[...])
      guard bytes < estimate else { continue }
      estimate = bytes
      best = (other, chain.chunk.id)
    }
    guard let best else { return first }
    let second = try encode(against: best.content[...], id: best.id, &buffers)
    return second.record.count < first.record.count ? second : first
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
    against base: ArraySlice<UInt8>?, id: Int64?, _ buffers: inout ChunkBuffers
  ) throws -> Encoded {
    func encode(_ base: UnsafeRawBufferPointer?) throws -> Encoded {
      let encoded = try ChunkCodec.encode(content, element: dtype, base: base)
      let isSame = try buffers.content.withUnsafeMutableBytes { place in
        let decoded = UnsafeMutableRawBufferPointer(rebasing: place[..<content.count])
        try encoded.record.withUnsafeBytes {
          try ChunkCodec.decode($0, into: decoded, base: encoded.usesBase ? base : nil)
        }
        guard let left = decoded.baseAddress, let right = content.baseAddress else { return true }
        return memcmp(left, right, content.count) == 0
      }
      guard isSame else {
        throw RegistryError(.corrupt, "a chunk did not survive its encoding; nothing was stored")
      }
      return Encoded(record: encoded.record, baseId: encoded.usesBase ? id : nil)
    }
    guard let base else { return try encode(nil) }
    return try base.withUnsafeBytes { try encode($0) }
  }
}

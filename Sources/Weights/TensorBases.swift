import Foundation
import GRDB
import Storage

/// The tensors of parents and of what they came from: what new chunks may be differences to.
struct TensorBases {
  private let store: Store
  private let tensors: [Tensor]
  private let layouts: [TensorMatch.Layout]
  private var samples: [Int: TensorSample] = [:]
  /// That of the segment in question.
  private var own: (number: Int, sample: TensorSample)?
  /// How much may still be decoded only to compare samples.
  private var sampleBytesLeft = 64 << 20

  /// Takes blobs, the nearest first; those without tensors do no harm.
  init(_ blobs: [Digest], _ store: Store) throws {
    self.store = store
    tensors = try store.read(.weights) { db in
      var seen: Set<Digest> = []
      return try blobs.filter { seen.insert($0).inserted }.flatMap { try Tensor.list(of: $0, db) }
    }
    layouts = tensors.map {
      TensorMatch.Layout(name: $0.name, dtypeName: $0.dtypeName, shape: $0.shape)
    }
  }

  /// Finds what the chunks of a file's segments may be differences to.
  ///
  /// - Parameters:
  ///   - segments: The segments of the file.
  ///   - near: The blobs whose tensors go before others of the same name.
  ///   - source: The file, of which a little is read.
  /// - Returns: For each segment the lists of chunks of its bases, the likeliest first; chunk i of a
  ///   list has the values of the segment's chunk i.
  /// - Throws: `unavailable`, `invalidInput` when the file changes.
  mutating func chunkIds(
    for segments: [Segment], near: [Digest], of source: SourceFile
  ) throws -> [[[Int64]]] {
    guard !tensors.isEmpty else { return segments.map { _ in [] } }
    own = nil
    let numbers = segments.indices.filter { segments[$0].dtype != nil }
    let wanted = numbers.compactMap { segments[$0].tensor }
      .map { TensorMatch.Layout(name: $0.name, dtypeName: $0.dtypeName, shape: $0.shape) }
    let matches = try TensorMatch.list(wanted, in: layouts) { number, other in
      try similarity(segments[numbers[number]], numbers[number], other, source)
    }
    var found = [[[Int64]]](repeating: [], count: segments.count)
    for (number, matches) in zip(numbers, matches) {
      // A base of another type needs its values cast first.
      let fitting = matches.filter { $0.ground != .cast }
      let order =
        fitting.filter { near.contains(tensors[$0.index].blob) }
        + fitting.filter { !near.contains(tensors[$0.index].blob) }
      found[number] = order.map { tensors[$0.index].chunkIds }
    }
    return found
  }

  /// How much of the sampled content of a segment and a tensor of the same type is nearly the same.
  private mutating func similarity(
    _ segment: Segment, _ number: Int, _ other: Int, _ source: SourceFile
  ) throws -> Double {
    guard segment.sizeBytes >= TensorSample.contentBytesMin, let dtype = segment.dtype,
      let theirs = try sample(of: other)
    else { return 0 }
    if own?.number != number {
      let sample = try TensorSample(sizeBytes: segment.sizeBytes(ofChunk: 0)) { offset, count in
        try source.read(at: segment.offset + Int64(offset), sizeBytes: count)[...]
      }
      own = (number, sample)
    }
    return own?.sample.similarity(to: theirs, dtype) ?? 0
  }

  /// Values of a tensor's first chunk; nil when it cannot be read or too much has been.
  private mutating func sample(of index: Int) throws -> TensorSample? {
    if let sample = samples[index] { return sample }
    guard sampleBytesLeft > 0, let id = tensors[index].chunkIds.first else { return nil }
    sampleBytesLeft -= Chunk.sizeBytesMax / 16
    let content = try? store.read(.weights) { try Chunk.contents(of: [id], isChecked: false, $0) }
    guard let content = content?.first else { return nil }
    sampleBytesLeft -= content.count
    let sample = TensorSample(sizeBytes: content.count) { content[$0..<$0 + $1] }
    samples[index] = sample
    return sample
  }
}

/// A few values of a tensor's first chunk, spread evenly.
struct TensorSample {
  /// Smaller tensors are not worth a comparison.
  static let contentBytesMin: Int64 = 4096
  private static let vectorCount = 16
  private static let vectorBytes = 64

  private let bytes: [UInt8]

  /// Reads the values; the closure gives so many bytes from a place in the chunk.
  init(
    sizeBytes: Int, _ read: (_ offset: Int, _ count: Int) throws -> ArraySlice<UInt8>
  ) rethrows {
    var bytes: [UInt8] = []
    let last = max(0, sizeBytes - Self.vectorBytes)
    for vector in 0..<Self.vectorCount {
      let offset = vector * last / (Self.vectorCount - 1) / 8 * 8
      bytes += try read(offset, min(Self.vectorBytes, sizeBytes - offset))
    }
    self.bytes = bytes
  }

  /// The part of the values that differ by less than an eighth; of integers, that are equal.
  func similarity(to other: TensorSample, _ dtype: DType) -> Double {
    switch dtype {
    case .f64: similarity(other, UInt64.self, lessThan: 1 << 49)
    case .f32: similarity(other, UInt32.self, lessThan: 1 << 20)
    case .f16: similarity(other, UInt16.self, lessThan: 1 << 7)
    case .bf16: similarity(other, UInt16.self, lessThan: 1 << 4)
    case .i64, .u64: similarity(other, UInt64.self, lessThan: 1)
    case .i32, .u32: similarity(other, UInt32.self, lessThan: 1)
    case .i16, .u16: similarity(other, UInt16.self, lessThan: 1)
    case .f8E4M3, .f8E5M2, .i8, .u8, .bool: similarity(other, UInt8.self, lessThan: 1)
    }
  }

  /// Floats of one sign are ordered as their bit patterns are.
  private func similarity<Word: FixedWidthInteger & UnsignedInteger>(
    _ other: TensorSample, _: Word.Type, lessThan limit: Word
  ) -> Double {
    let count = bytes.count / MemoryLayout<Word>.size
    guard count > 0, bytes.count == other.bytes.count else { return 0 }
    let near = (0..<count).count { index in
      let (left, right) = (word(index, as: Word.self), other.word(index, as: Word.self))
      return (left > right ? left - right : right - left) < limit
    }
    return Double(near) / Double(count)
  }

  private func word<Word: FixedWidthInteger>(_ index: Int, as: Word.Type) -> Word {
    bytes.withUnsafeBytes {
      Word(
        littleEndian: $0.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Word>.size, as: Word.self))
    }
  }
}

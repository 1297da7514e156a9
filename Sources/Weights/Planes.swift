import CKernels
import Storage

/// The planes of a chunk as a record: the mode planes of Format.md.
enum Planes {
  /// A chunk's words and what they are taken against.
  struct Words {
    /// The size of the content in bytes.
    let length: Int
    /// The size of a word in bytes.
    let width: Int
    /// As long as the content.
    let base: UnsafeRawBufferPointer?

    /// The number of whole words.
    var count: Int { length / width }

    /// The number of vectors of 64 bytes, the last of which may have less.
    var vectorCount: Int { (count * width + vectorBytes - 1) / vectorBytes }

    func kernelWords(_ mapping: WordMapping, shift: Int) -> ckernels_words {
      ckernels_words(
        width: Int32(width), mapping: Int32(mapping.rawValue), count: count,
        base: base?.baseOfBytes, shift: Int32(shift))
    }
  }

  static let vectorBytes = Int(CKERNELS_VECTOR_BYTES)
  static let slack = Int(CKERNELS_SLACK)

  /// Encodes at least one word.
  static func encode(
    _ content: UnsafeRawBufferPointer, _ plan: PlanePlan, prediction: [UInt8],
    _ kernels: CodecKernels
  ) -> [UInt8] {
    var encoder = PlaneEncoder(content, plan, prediction: prediction, kernels)
    return encoder.record()
  }

  /// Decodes what follows the prediction; `base` is predicted, and as long as the content.
  static func decode(
    _ reader: RecordReader, _ header: ChunkHeader,
    into content: UnsafeMutableRawBufferPointer, base: UnsafeRawBufferPointer?,
    _ kernels: CodecKernels
  ) throws(RegistryError) {
    let words = Words(length: content.count, width: header.width, base: base)
    var decoder = PlaneDecoder(words, header.mapping, reader, kernels)
    try decoder.decode(into: content)
  }
}

/// Which vectors of a chunk were kept; the raw values are stored.
enum KeptVectors: UInt8 {
  case all = 0
  case some = 1
  case none = 2
}

/// How one plane is coded; the raw values are stored.
enum PlaneCoding: UInt8 {
  case zero = 0
  case constant = 1
  case stored = 2
  case coded = 3
}

/// How the bytes of one group of a plane are coded; the raw values are stored.
enum GroupForm: UInt8 {
  case zero = 0
  case dense = 1
  case sparse = 2
}

extension UnsafeMutableRawBufferPointer {
  /// Where the bytes start, as C functions take them.
  var baseOfBytes: UnsafeMutablePointer<UInt8>? { assumingMemoryBound(to: UInt8.self).baseAddress }

  /// Some of the bytes.
  subscript(part part: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: self[part])
  }
}

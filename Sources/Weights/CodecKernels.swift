package import CKernels

/// The codec's loops for one generation of processors; every level gives the same bytes.
package struct CodecKernels {
  private let level: UnsafePointer<ckernels_codec>
  /// What bases are predicted with.
  package let predictions: PredictionKernels

  /// Takes functions that the caller keeps.
  package init(level: UnsafePointer<ckernels_codec>, predictions: PredictionKernels = .best) {
    self.level = level
    self.predictions = predictions
  }

  /// Those of the best level of this processor.
  package static var best: CodecKernels { CodecKernels(level: ckernels_codec_best()) }

  /// Those of every level that this processor can run, the best first; predictions may have fewer.
  package static var all: [CodecKernels] {
    let predictions = PredictionKernels.all
    let levels = (0...).lazy.map { ckernels_codec_at($0) }.prefix { $0 != nil }.compactMap { $0 }
    return levels.enumerated().map { index, level in
      CodecKernels(level: level, predictions: predictions[min(index, predictions.count - 1)])
    }
  }

  /// The name of the level: `x86-64-v3`, `base`, ….
  package var name: String { String(cString: level.pointee.name) }

  /// The functions.
  package var functions: ckernels_codec { level.pointee }
}

extension UnsafeRawBufferPointer {
  /// Where the bytes start, as C functions take them.
  var baseOfBytes: UnsafePointer<UInt8>? { assumingMemoryBound(to: UInt8.self).baseAddress }

  /// Some of the bytes.
  subscript(part part: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[part])
  }

  /// How many bits are set.
  var setBitCount: Int {
    var count = 0
    for start in stride(from: 0, to: self.count / 8 * 8, by: 8) {
      count += loadUnaligned(fromByteOffset: start, as: UInt64.self).nonzeroBitCount
    }
    return self[(self.count / 8 * 8)...].reduce(count) { $0 + $1.nonzeroBitCount }
  }
}

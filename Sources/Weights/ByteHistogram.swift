import CKernels
import Foundation

/// How often each byte value occurs, and what that promises about codes for the bytes.
struct ByteHistogram {
  private(set) var counts = [UInt32](repeating: 0, count: 256)

  init(of bytes: UnsafeRawBufferPointer) {
    ckernels_histogram(
      bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count, &counts)
  }

  var zeros: Int { Int(counts[0]) }
  var total: Int { counts.reduce(0) { $0 + Int($1) } }
  var commonest: Int { Int(counts.max() ?? 0) }

  /// The same without the byte 0.
  var withoutZeros: ByteHistogram {
    var rest = self
    rest.counts[0] = 0
    return rest
  }

  /// The order-0 entropy of all bytes together.
  var entropyBits: Double {
    let total = Double(self.total)
    return counts.reduce(0) { sum, count in
      count == 0 ? sum : sum - Double(count) * log2(Double(count) / total)
    }
  }

  /// The size that Huffman codes come to: near the entropy, but deflate has a further symbol, the end
  /// of a block, so that only one byte value can have a code of one bit.
  var huffmanBits: Double { max(entropyBits, Double(2 * total - commonest)) }

  /// Whether Huffman codes are worth trying: 7.9 bits a byte or less.
  var isCompressible: Bool { entropyBits <= 7.9 * Double(total) }
}

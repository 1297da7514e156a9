import CKernels

/// What `ckernels_codec.split` gives, in plain Swift from Format.md.
struct SplitTwin {
  private(set) var planes: [[UInt8]]
  private(set) var contexts: [UInt8] = []
  private(set) var kept: [UInt8]

  init(_ content: [UInt8], _ base: [UInt8], width: Int, mapping: Int, shift: Int) {
    let count = content.count / width
    let perVector = 64 / width
    let twin = MappingTwin(mapping: mapping, bits: UInt64(8 * width))
    planes = [[UInt8]](repeating: [], count: width)
    kept = [UInt8](repeating: 0, count: (count + 8 * perVector - 1) / (8 * perVector))
    for start in stride(from: 0, to: count, by: perVector) {
      let indices = start..<min(start + perVector, count)
      let words = indices.map { twin.map(word(content, $0, width), word(base, $0, width)) }
      guard words.contains(where: { $0 != 0 }) else { continue }
      let vector = start / perVector
      kept[vector / 8] |= 1 << (vector % 8)
      for (index, y) in zip(indices, words) {
        for plane in 0..<width {
          planes[plane].append(UInt8(truncatingIfNeeded: y >> UInt64(8 * plane)))
        }
        contexts.append(UInt8(truncatingIfNeeded: word(base, index, width) >> UInt64(shift)))
      }
    }
  }
}

/// The group of a context: the last that begins at or below it.
func groupTwin(_ context: UInt8, _ firsts: [UInt8]) -> Int {
  (firsts.lastIndex { $0 <= context }) ?? 0
}

/// A bit a byte: set where the byte is not zero.
enum BitmapTwin {
  static func bitmap(_ bytes: [UInt8]) -> [UInt8] {
    var bits = [UInt8](repeating: 0, count: (bytes.count + 7) / 8)
    for (index, byte) in bytes.enumerated() where byte != 0 { bits[index / 8] |= 1 << (index % 8) }
    return bits
  }

  /// The places whose bits are set.
  static func places(_ bits: [UInt8], _ count: Int) -> [Int] {
    (0..<count).filter { bits[$0 / 8] >> ($0 % 8) & 1 == 1 }
  }
}

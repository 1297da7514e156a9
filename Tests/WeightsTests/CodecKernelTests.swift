import CKernels
import CZlib
import Support
import Testing
import Weights

/// Every level of the codec's loops against plain Swift, in memory that ends at a forbidden page.
@Suite struct CodecKernelTests {
  private static let seed: UInt64 = 7
  private static let slack = Int(CKERNELS_SLACK)

  private func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// A base, and content of which some vectors equal it.
  private func pair(_ count: Int, _ generator: inout SeededGenerator) -> ([UInt8], [UInt8]) {
    let base = bytes(count, &generator)
    var content = base
    for start in stride(from: 0, to: count, by: 64)
    where Bool.random(using: &generator) {
      for index in start..<min(start + 64, count)
      where Int.random(in: 0..<9, using: &generator) == 0 {
        content[index] = UInt8.random(in: 0...255, using: &generator)
      }
    }
    return (content, base)
  }

  private func words(
    _ width: Int, _ mapping: Int, _ count: Int, _ base: GuardedMemory, shift: Int = 0
  ) -> ckernels_words {
    ckernels_words(
      width: Int32(width), mapping: Int32(mapping), count: count, base: base.start,
      shift: Int32(shift))
  }

  @Test func `there are several levels, and the plain one is the last`() {
    #expect(CodecKernels.all.last?.name == "base")
    #expect(CodecKernels.best.name == CodecKernels.all.first?.name)
  }

  @Test(arguments: [1, 2, 4, 8], 0...4)
  func `splitting agrees with its twin and merging undoes it`(width: Int, mapping: Int) {
    var generator = SeededGenerator(seed: Self.seed)
    for count in [1, 2, 7, 31, 64, 65, 127, 1000] {
      let (content, base) = pair(count * width, &generator)
      let shift = Int.random(in: 0..<8 * width, using: &generator)
      let twin = SplitTwin(content, base, width: width, mapping: mapping, shift: shift)
      let (own, other) = (GuardedMemory(content), GuardedMemory(base))
      for level in CodecKernels.all {
        let place = Comment(rawValue: "\(level.name), \(count) words, seed \(Self.seed)")
        let words = words(width, mapping, count, other, shift: shift)
        let stride = count + Self.slack
        let planes = GuardedMemory(count: stride * width)
        let contexts = GuardedMemory(count: stride)
        let kept = GuardedMemory(count: twin.kept.count)
        let found = level.functions.split(
          words, own.start, planes.start, stride, contexts.start, kept.start)
        #expect(found == twin.planes[0].count, place)
        #expect(kept.prefix(kept.bytes.count) == twin.kept, place)
        for plane in 0..<width {
          #expect(
            Array(planes.bytes[plane * stride..<plane * stride + found]) == twin.planes[plane])
        }
        if mapping >= 2 {
          #expect(contexts.prefix(found) == twin.contexts, place)
          let again = GuardedMemory(count: found + Self.slack)
          level.functions.contexts(words, kept.start, again.start)
          #expect(again.prefix(found) == twin.contexts, place)
        }
        let merged = GuardedMemory(count: count * width)
        let starts = (0..<width).map { UnsafePointer(planes.start) + $0 * stride }
        level.functions.merge(words, starts, kept.start, merged.start)
        #expect(merged.prefix(count * width) == content, place)
      }
    }
  }

  @Test(arguments: 0...4)
  func `every 16-bit word maps as the twin maps it`(mapping: Int) {
    let content = (0..<65536).flatMap { littleEndian(UInt64($0), size: 2) }
    for base in [0, 1, 0x3f80, 0x7fff, 0x8000, 0xffff] {
      let bases = (0..<65536).flatMap { _ in littleEndian(UInt64(base), size: 2) }
      let twin = SplitTwin(content, bases, width: 2, mapping: mapping, shift: 7)
      let memory = GuardedMemory(bases)
      for level in CodecKernels.all {
        let stride = 65536 + Self.slack
        var planes = [UInt8](repeating: 0, count: 2 * stride)
        var contexts = [UInt8](repeating: 0, count: stride)
        var kept = [UInt8](repeating: 0, count: 256)
        let found = level.functions.split(
          words(2, mapping, 65536, memory, shift: 7), content, &planes, stride, &contexts, &kept)
        #expect(Array(planes[..<found]) == twin.planes[0], "base \(base)")
        #expect(Array(planes[stride..<stride + found]) == twin.planes[1], "base \(base)")
      }
    }
  }

  @Test func `bytes are ordered by group and put back`() {
    var generator = SeededGenerator(seed: Self.seed)
    for count in [1, 63, 64, 65, 1000, 4099] {
      for groupCount in [1, 2, 5, 32] {
        let data = bytes(count, &generator)
        let contexts = bytes(count, &generator)
        let others = Set((1...255).shuffled(using: &generator).prefix(groupCount - 1)).sorted()
        let firsts = [0] + others.map { UInt8($0) }
        let order = (0..<firsts.count).flatMap { group in
          data.indices.filter { groupTwin(contexts[$0], firsts) == group }
        }
        var groups = ckernels_groups()
        groups.count = firsts.count
        withUnsafeMutableBytes(of: &groups.first) { $0.copyBytes(from: firsts) }
        let (own, other) = (GuardedMemory(data), GuardedMemory(contexts))
        for level in CodecKernels.all {
          level.functions.count_groups(&groups, other.start, count)
          let ordered = GuardedMemory(count: count + Self.slack)
          level.functions.gather(&groups, own.start, other.start, count, ordered.start)
          #expect(ordered.prefix(count) == order.map { data[$0] }, "\(level.name) \(count)")
          let back = GuardedMemory(count: count + Self.slack)
          level.functions.scatter(&groups, ordered.start, other.start, count, back.start)
          #expect(back.prefix(count) == data, "\(level.name) \(count)")
        }
      }
    }
  }

  @Test func `histograms count every byte, and the sampled ones by bin`() {
    var generator = SeededGenerator(seed: Self.seed)
    for count in [0, 1, 3, 8, 9, 64, 65, 1001] {
      let data = bytes(count, &generator)
      let contexts = bytes(count, &generator)
      let twin = (0...255).map { value in UInt32(data.count { Int($0) == value }) }
      let bins = (0...255).map { UInt8($0 / 64) }
      let sampled = data.indices.filter { $0 / 64 % 3 == 0 }
      let (own, other) = (GuardedMemory(data), GuardedMemory(contexts))
      for level in CodecKernels.all {
        var counts = [UInt32](repeating: 9, count: 256)
        level.functions.histogram(own.start, count, &counts)
        #expect(counts == twin, "\(level.name), seed \(Self.seed)")
        var byBin = [UInt32](repeating: 0, count: 4 * 256)
        level.functions.histograms(own.start, other.start, count, 3, bins, &byBin)
        var expected = [UInt32](repeating: 0, count: 4 * 256)
        for index in sampled { expected[Int(contexts[index] / 64) * 256 + Int(data[index])] += 1 }
        #expect(byBin == expected, "\(level.name), seed \(Self.seed)")
      }
    }
  }

  @Test func `bitmap and non-zeros give the bytes back`() {
    var generator = SeededGenerator(seed: Self.seed)
    for count in [1, 7, 8, 9, 63, 64, 65, 1000] {
      for zeroPercent in [0, 50, 97, 100] {
        var data = bytes(count, &generator)
        for index in data.indices where Int.random(in: 0..<100, using: &generator) < zeroPercent {
          data[index] = 0
        }
        let own = GuardedMemory(data)
        for level in CodecKernels.all {
          let bitmap = GuardedMemory(count: (count + 7) / 8)
          level.functions.bitmap(own.start, count, bitmap.start)
          let bits: [Bool] = bitmap.prefix((count + 7) / 8).flatMap { (byte: UInt8) -> [Bool] in
            (0..<8).map { (bit: UInt8) -> Bool in byte >> bit & 1 == 1 }
          }
          let padding = [Bool](repeating: false, count: bits.count - count)
          #expect(bits == data.map { $0 != 0 } + padding, "\(level.name), seed \(Self.seed)")
          let nonzeros = GuardedMemory(count: count + Self.slack)
          let found = level.functions.compact(own.start, count, nonzeros.start)
          #expect(nonzeros.prefix(found) == data.filter { $0 != 0 }, "seed \(Self.seed)")
          let expanded = GuardedMemory(count: count + Self.slack)
          level.functions.expand(bitmap.start, nonzeros.start, count, expanded.start)
          #expect(expanded.prefix(count) == data, "\(level.name), seed \(Self.seed)")
        }
      }
    }
  }
}

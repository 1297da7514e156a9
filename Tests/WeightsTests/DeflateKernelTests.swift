import CKernels
import CZlib
import Storage
import Support
import Testing
import Weights

/// The deflate encoder and decoder of every level against plain Swift and against zlib.
@Suite struct DeflateKernelTests {
  private static let seed: UInt64 = 19

  /// Contents with the runs that they are cut into.
  private func samples() -> [(content: [UInt8], runs: [Int])] {
    var generator = SeededGenerator(seed: Self.seed)
    func bytes(_ count: Int, _ value: (inout SeededGenerator) -> Int) -> [UInt8] {
      (0..<count).map { _ in UInt8(truncatingIfNeeded: value(&generator)) }
    }
    let random = bytes(70_000) { Int.random(in: 0...255, using: &$0) }
    let skewed = bytes(60_000) { Int.random(in: 0...255, using: &$0).trailingZeroBitCount }
    let bell = bytes(40_000) { generator in
      (0..<4).reduce(0) { sum, _ in sum + Int.random(in: 0...20, using: &generator) }
    }
    // Counts like Fibonacci's numbers have the longest codes there can be.
    var (one, other) = (1, 1)
    let steep = (0..<22).flatMap { value -> [UInt8] in
      (one, other) = (other, one + other)
      return [UInt8](repeating: UInt8(value), count: one)
    }
    return [
      ([7], [1]), ([0, 0, 0], [3]), ([1, 2], [1, 1]), (random, [70_000]),
      (random, [1, 2, 65_535, 4_462]), (skewed, [60_000]), (skewed, [10, 4096, 55_894]),
      (bell, [40_000]), (steep.shuffled(using: &generator), [steep.count]),
      (skewed + random + bell, [60_000, 70_000, 40_000]),
      ([UInt8](repeating: 9, count: 5000), [5000]),
    ]
  }

  private func stream(
    _ level: CodecKernels, _ content: [UInt8], _ runs: [Int]
  ) -> [UInt8] {
    let own = GuardedMemory(content)
    let out = GuardedMemory(count: ckernels_deflate_bound(content.count, runs.count))
    let size = withExtendedLifetime(own) {
      level.functions.deflate(own.start, runs.map { UInt32($0) }, runs.count, out.start)
    }
    return out.prefix(size)
  }

  private func uncompress(_ stream: [UInt8], _ countMax: Int) -> [UInt8]? {
    var output = [UInt8](repeating: 0, count: countMax + 1)
    var size = UInt(countMax + 1)
    guard CZlib.uncompress(&output, &size, stream, UInt(stream.count)) == Z_OK else { return nil }
    return Array(output[..<Int(size)])
  }

  /// What a level makes of streams; nil for those that it leaves to zlib.
  private func inflate(
    _ level: CodecKernels, _ streams: [(bytes: [UInt8], count: Int)]
  ) -> [[UInt8]?] {
    let inputs = streams.map { GuardedMemory($0.bytes) }
    let outputs = streams.map { GuardedMemory(count: $0.count) }
    let parts = zip(inputs, outputs).map { input, output in
      ckernels_stream(
        bytes: input.start, count: input.bytes.count, out: output.start,
        out_count: output.bytes.count)
    }
    var done = [UInt8](repeating: 0, count: parts.count)
    withExtendedLifetime(inputs) { level.functions.inflate(parts, parts.count, &done) }
    return zip(done, outputs).map { $0 == 1 ? $1.prefix($1.bytes.count) : nil }
  }

  @Test func `every level writes the twin's stream, and zlib reads it`() {
    for (content, runs) in samples() {
      let twin = DeflateTwin.stream(of: content, runs: runs)
      for level in CodecKernels.all {
        #expect(stream(level, content, runs) == twin, "\(level.name), runs \(runs)")
      }
      #expect(uncompress(twin, content.count) == content, "runs \(runs)")
      #expect(InflateTwin.content(of: twin, count: content.count) == content, "runs \(runs)")
    }
  }

  @Test func `no code has more than twelve bits, and the limit is met`() {
    let counts = (0..<30).map { 1 << ($0 * 2 / 3) }
    let lengths = DeflateTwin.lengths(counts, limit: 12)
    #expect(lengths.max() == 12)
    #expect(lengths.reduce(0.0) { $0 + 1 / Double(1 << $1) } == 1)
  }

  @Test func `every level reads any number of streams side by side`() {
    let best = CodecKernels.best
    let all = samples().map { (bytes: stream(best, $0.content, $0.runs), content: $0.content) }
    for level in CodecKernels.all {
      for count in 1...all.count {
        let some = all.prefix(count)
        let contents = inflate(level, some.map { ($0.bytes, $0.content.count) })
        #expect(contents == some.map { $0.content }, "\(level.name), \(count) streams")
      }
    }
  }

  @Test func `another encoder's stream is left to zlib, and so is a wrong size`() {
    let text = Array(String(repeating: "so it goes, and so it goes. ", count: 99).utf8)
    var size = compressBound(UInt(text.count))
    var bytes = [UInt8](repeating: 0, count: Int(size))
    #expect(compress(&bytes, &size, text, UInt(text.count)) == Z_OK)
    let own = stream(.best, text, [text.count])
    // Each value is twice as frequent as the one before: codes of one bit to fifteen.
    let steep = (0..<15).flatMap { [UInt8](repeating: $0, count: 1 << $0) }
    let long = DeflateTwin.stream(of: steep, runs: [steep.count]) {
      DeflateTwin.lengths($0, limit: 15)
    }
    #expect(uncompress(long, steep.count) == steep)
    // One code more than there is room for, too long for the tables.
    let crowded = DeflateTwin.stream(of: text, runs: [text.count]) { counts in
      var lengths = DeflateTwin.lengths(counts, limit: 12)
      lengths[200] = 13
      return lengths
    }
    #expect(uncompress(crowded, text.count) == nil)
    for level in CodecKernels.all {
      #expect(inflate(level, [(Array(bytes[..<Int(size)]), text.count)]) == [nil])
      #expect(inflate(level, [(long, steep.count), (crowded, text.count)]) == [nil, nil])
      for count in [0, 1, text.count - 1, text.count + 1, 2 * text.count] {
        #expect(inflate(level, [(own, count)]) == [nil], "\(count) bytes")
      }
    }
  }

  /// Small streams, so that many can be damaged.
  private func smallSamples(_ generator: inout SeededGenerator) -> [[UInt8]] {
    (0..<200).map { number in
      let count = Int.random(in: 1...(number % 10 == 0 ? 9000 : 200), using: &generator)
      let mask: UInt8 = [1, 7, 31, 255].randomElement(using: &generator) ?? 1
      let content = (0..<count).map { _ in
        UInt8.random(in: 0...255, using: &generator) & mask
      }
      let run = Int.random(in: 1...count, using: &generator)
      return stream(.best, content, [run, count - run].filter { $0 > 0 })
    }
  }

  @Test func `a damaged stream is taken by every level or none, and only if zlib takes it`() {
    var generator = SeededGenerator(seed: Self.seed)
    let whole = smallSamples(&generator)
    let contents = whole.map { uncompress($0, 9000) ?? [] }
    var taken = 0
    for _ in 0..<20_000 {
      let index = Int.random(in: 0..<whole.count, using: &generator)
      var bytes = whole[index]
      var count = contents[index].count
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let early = Int.random(in: 0..<min(40, bytes.count), using: &generator)
        switch Int.random(in: 0...5, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes[early] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 3: bytes.remove(at: place)
        case 4: count += Int.random(in: -1...1, using: &generator)
        default: bytes = Array(bytes.prefix(place + 1))
        }
        if bytes.isEmpty { bytes = [0x78] }
      }
      count = max(0, count)
      let twin = InflateTwin.content(of: bytes, count: count)
      if let twin {
        taken += 1
        #expect(twin == uncompress(bytes, count), "\(bytes.hex), seed \(Self.seed)")
      }
      // Whole streams beside it must not be led astray.
      let other = (index + 1) % whole.count
      let streams = [(bytes, count), (whole[other], contents[other].count)]
      for level in CodecKernels.all {
        let same = inflate(level, streams) == [twin, contents[other]]
        #expect(same, "\(level.name), \(bytes.hex), seed \(Self.seed)")
      }
    }
    #expect(taken > 100)  // some changes undo each other or touch nothing that counts
  }
}

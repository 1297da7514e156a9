import Foundation
import Storage
import Support
import Testing
import Weights

@Suite struct CodecHostileTests {
  private static let seed: UInt64 = 5

  struct Sample {
    let name: String
    let record: [UInt8]
    let length: Int
    let base: [UInt8]?
  }

  /// Records of every mode and coding.
  private func samples() throws -> [Sample] {
    var data = CodecData(seed: Self.seed)
    let weights = data.content(.f32, bytes: 1027)
    var near = weights
    for index in stride(from: 0, to: 600, by: 40) { near[index] ^= 1 }
    var random = data.bytes(1027)
    for index in random.indices where index % 2 == 1 { random[index] = weights[index] ^ 1 }
    let text = Array(String(repeating: "the quick brown fox ", count: 30).utf8)
    let values = data.weights(20_000)
    let trained = data.trained(values, scale: 1e-3)
    let (old, new) = (CodecData.encode(values, .bf16), CodecData.encode(trained, .bf16))
    let counts = (0..<1600).map { _ in Double.random(in: 1...30_000, using: &data.generator) }
    let integers = CodecData.encode(counts, .i32)
    let later = CodecData.encode(counts.map { $0 + 0.01 }, .i32)
    func sample(
      _ name: String, _ content: [UInt8], _ element: DType?, _ base: [UInt8]? = nil
    ) throws -> Sample {
      let record = try ChunkCodec.encode(content, element, base: base).record
      return Sample(name: name, record: record, length: content.count, base: base)
    }
    return [
      try sample("raw", data.bytes(40), .f32),
      try sample("constant", [UInt8](repeating: 7, count: 100), .bf16),
      try sample("deflated", text, nil),
      try sample("planes", weights, .f32),
      try sample("difference", near, .f32, weights),
      try sample("equal", weights, .f32, weights),
      try sample("integers", later, .i32, integers),
      try sample("one plane constant", CodecData.encode(values.map { abs($0) + 4 }, .f16), .f16),
      try sample("words", CodecData.encode(values.prefix(300).map { $0 }, .f16), .f16),
      try sample("xor", random, nil, weights),
      try sample("groups", new, .bf16, old),
    ]
  }

  /// Decodes what may be damaged; anything but the right length or `corrupt` is recorded.
  private func decode(_ record: [UInt8], _ sample: Sample) -> [UInt8]? {
    do {
      return try ChunkCodec.decode(record, length: sample.length, base: sample.base)
    } catch let error as RegistryError {
      #expect(error.kind == .corrupt)
    } catch {
      Issue.record(error)
    }
    return nil
  }

  @Test func `every mode, coding and form is among the samples`() throws {
    let samples = try samples()
    #expect(Set(samples.map { $0.record[1] }) == [0, 1, 2, 3])
    var features: Set<String> = []
    for sample in samples {
      var reference = CodecReference(sample.record)
      _ = try reference.content(base: sample.base ?? [])
      features.formUnion(reference.features)
    }
    #expect(
      features.isSuperset(of: [
        "coding 0", "coding 1", "coding 2", "coding 3", "form 1", "form 2", "groups", "vectors",
        "no vector", "several streams", "mapping 0", "mapping 1", "mapping 2", "mapping 3",
        "mapping 4",
      ]), "\(features.sorted())")
  }

  @Test func `a record cut anywhere or with a byte more is corrupt`() throws {
    for sample in try samples() {
      for length in 0..<sample.record.count {
        #expect(decode(Array(sample.record.prefix(length)), sample) == nil, "\(sample.name)")
      }
      #expect(decode(sample.record + [0], sample) == nil, "\(sample.name)")
      #expect(decode(sample.record, sample) != nil, "\(sample.name)")
    }
  }

  @Test func `any changed byte gives an error or content of the right length`() throws {
    for sample in try samples() {
      for index in sample.record.indices {
        for change in [1, 0x80, 0xff, sample.record[index]] where change != 0 {
          var record = sample.record
          record[index] ^= change
          _ = decode(record, sample)
        }
      }
    }
  }

  @Test func `a changed bit inside a stream never gives other content`() throws {
    let sample = try #require(try samples().first { $0.name == "deflated" })
    let content = try #require(decode(sample.record, sample))
    for index in 8..<sample.record.count {
      var record = sample.record
      record[index] ^= 0x40
      // The few bits that pad the deflate data to a whole byte mean nothing.
      #expect(decode(record, sample) ?? content == content)
    }
  }

  @Test func `a header that lies is corrupt`() throws {
    let sample = try #require(try samples().first { $0.name == "difference" })
    // (offset, byte): version, mode, width, mapping, and lengths too short, too long and huge.
    let lies: [(Int, UInt8)] = [
      (0, 0), (0, 3), (1, 4), (1, 255), (2, 0), (2, 3), (2, 16), (3, 5), (3, 255), (4, 0), (5, 0),
      (5, 5), (6, 0x21), (7, 0x80), (7, 0xff),
    ]
    for (offset, byte) in lies {
      var record = sample.record
      record[offset] = byte
      #expect(decode(record, sample) == nil, "byte \(offset) = \(byte)")
    }
    for length in [0, 1, sample.length - 1, sample.length + 1, 1 << 20] {
      let other = Sample(name: "", record: [], length: length, base: sample.base)
      #expect(decode(sample.record, other) == nil, "\(length) bytes wanted")
    }
  }

  @Test func `parts of planes that lie are corrupt`() throws {
    // 40 words of one byte after a base: float difference, the base as it is, all vectors kept.
    let content = (0..<40).map { UInt8($0 / 2) }
    let base = [UInt8](repeating: 3, count: 40)
    let differences = SplitTwin(content, base, width: 1, mapping: 2, shift: 0).planes[0]
    let stream = DeflateTwin.stream(of: differences, runs: [40])
    let start: [UInt8] = [2, 3, 1, 2, 40, 0, 0, 0, 0, 0]
    let size = UInt8(stream.count)
    func isTaken(_ parts: [UInt8]...) -> Bool {
      let sample = Sample(name: "", record: [], length: 40, base: base)
      return decode(start + parts.joined(), sample) == content
    }
    #expect(isTaken([1, 3, 1, 1, 40, size], stream))
    #expect(isTaken([2, 0, 9, 3, 1, 1, 40, size], stream))  // the second group is empty
    let lies: [[UInt8]] = [
      [0, 3, 1, 1, 40, size], [33, 3, 1, 1, 40, size],  // groups
      [2, 8, 9, 3, 1, 1, 40, size], [3, 0, 9, 9, 3, 1, 1, 40, size],  // shift and order
      [2, 0, 0, 3, 1, 1, 40, size], [1, 4, 1, 1, 40, size],  // first group and coding
      [1, 3, 3, 1, 40, size], [1, 3, 2, 0, 1, 40, size], [1, 3, 2, 41, 1, 40, size],  // forms
      [1, 3, 1, 0], [1, 3, 1, 1, 39, size], [1, 3, 1, 1, 41, size], [1, 3, 1, 1, 0, size],
      [1, 3, 1, 2, 40, size, 1, 0], [1, 3, 1, 1, 40, size - 1], [1, 3, 1, 1, 40, size + 1],
      [1, 3, 1, 1, 0xa8, 0x80, 0x80, 0x80, 0x00, size], [1, 3, 1, 1, 40, 0xff, 0xff, 0xff, 0x7f],
    ]
    for lie in lies { #expect(!isTaken(lie, stream), "\(lie)") }
    for prediction in [1, 2, 255] as [UInt8] {
      var record = start + [1, 3, 1, 1, 40, size] + stream
      record[8] = prediction
      #expect(decode(record, Sample(name: "", record: [], length: 40, base: base)) == nil)
    }
  }

  /// A million changes of records; what is decoded is not looked at, since only a digest can tell.
  @Test func `a million damaged records never read or write outside`() throws {
    var generator = SeededGenerator(seed: Self.seed)
    let samples = try samples()
    let contents = samples.map { GuardedMemory(count: $0.length) }
    let bases = samples.map { $0.base.map { GuardedMemory($0) } }
    let levels = CodecKernels.all
    let room = GuardedMemory(count: 8 * (samples.map(\.record.count).max() ?? 0))
    defer { withExtendedLifetime((room, contents, bases)) {} }
    var decoded = 0
    for number in 0..<1_000_000 {
      // The long ones take a hundred times as long.
      let index = number % 500 == 0 ? samples.count - 1 : number % (samples.count - 1)
      let record = damaged(samples[index].record, samples, &generator)
      let place = UnsafeMutableRawBufferPointer(
        rebasing: room.bytes[(room.bytes.count - record.count)...])
      place.copyBytes(from: record)
      do {
        try ChunkCodec.decode(
          UnsafeRawBufferPointer(place), into: contents[index].bytes,
          base: bases[index].map { UnsafeRawBufferPointer($0.bytes) },
          kernels: levels[number % levels.count])
        decoded += 1
      } catch {
        guard error.kind != .corrupt else { continue }
        Issue.record(error)
      }
    }
    #expect(decoded > 1000 && decoded < 500_000, "\(decoded), seed \(Self.seed)")
  }

  /// A record with one to three changes, of a kind that a wire, a disk or an enemy makes.
  private func damaged(
    _ record: [UInt8], _ samples: [Sample], _ generator: inout SeededGenerator
  ) -> [UInt8] {
    var record = record
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let place = Int.random(in: 0..<record.count, using: &generator)
      switch Int.random(in: 0...6, using: &generator) {
      case 0, 1: record[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 2: record[place] = UInt8.random(in: 0...255, using: &generator)
      case 3: record[place] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
      case 4: record[Int.random(in: 0..<min(24, record.count), using: &generator)] &+= 1
      case 5: if record.count > 9 { record.removeLast(Int.random(in: 1..<9, using: &generator)) }
      default:
        let other = samples[Int.random(in: 0..<samples.count - 1, using: &generator)].record
        record = Array(record.prefix(place + 1)) + other.suffix(min(place, other.count))
      }
    }
    return record
  }

  @Test func `a stream that inflates to more than is declared is corrupt`() throws {
    // 2 MiB of three bytes in turn deflate to a few kilobytes.
    let bomb = (0..<ChunkCodec.contentBytesMax).map { UInt8($0 % 3) }
    let encoded = try ChunkCodec.encode(bomb, nil)
    #expect(encoded.record[1] == 2)
    #expect(encoded.record.count < 8192)
    var record = encoded.record
    record.replaceSubrange(4..<8, with: [100, 0, 0, 0])
    let small = Sample(name: "bomb", record: record, length: 100, base: nil)
    #expect(decode(record, small) == nil)
    // As the bitmap of a sparse plane of 100 words.
    let stream = Array(encoded.record[8...])
    let size = withUnsafeBytes(of: UInt32(stream.count).littleEndian) { Array($0) }
    let payload = size + stream
    let count = [UInt8(payload.count & 255), UInt8(payload.count >> 8), 0]
    let sparse: [UInt8] = [1, 3, 1, 0, 100, 0, 0, 0, 3] + count + payload
    #expect(decode(sparse, small) == nil)
    // As the bitmap of the vectors of 100 words.
    var vectors: [UInt8] = [2, 3, 1, 0, 100, 0, 0, 0, 1]
    vectors += [UInt8(stream.count & 127) | 128, UInt8(stream.count >> 7)] + stream
    #expect(decode(vectors + [2] + data100, small) == nil)
  }

  private var data100: [UInt8] { [UInt8](repeating: 1, count: 100) }

  @Test func `a record without its base is corrupt`() throws {
    let sample = try #require(try samples().first { $0.name == "difference" })
    let without = Sample(name: "", record: [], length: sample.length, base: nil)
    #expect(decode(sample.record, without) == nil)
    #expect(throws: RegistryError.self) {
      try [UInt8](repeating: 1, count: 7).withUnsafeBytes { try ChunkCodec.usesBase($0) }
    }
  }

  @Test func `random records never decode to a wrong length`() throws {
    var data = CodecData(seed: Self.seed)
    for number in 0..<20_000 {
      let length = Int.random(in: 0...64, using: &data.generator)
      let width = [1, 2, 4, 8].randomElement(using: &data.generator) ?? 1
      var record: [UInt8] = [
        UInt8.random(in: 1...2, using: &data.generator),
        UInt8.random(in: 0...3, using: &data.generator), UInt8(width),
        UInt8.random(in: 0...4, using: &data.generator), UInt8(length), 0, 0, 0,
      ]
      for _ in 0..<Int.random(in: 0...24, using: &data.generator) {
        let isSmall = Int.random(in: 0...9, using: &data.generator) < 8
        record.append(UInt8.random(in: 0...(isSmall ? 4 : 255), using: &data.generator))
      }
      record += data.bytes(Int.random(in: 0...80, using: &data.generator))
      let sample = Sample(name: "\(number)", record: record, length: length, base: data.bytes(64))
      if let content = decode(record, sample) { #expect(content.count == length) }
    }
  }
}

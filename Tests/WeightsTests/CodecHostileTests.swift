import Storage
import Support
import Testing
import Weights

@Suite struct CodecHostileTests {
  private static let seed: UInt64 = 5

  /// Records of every mode and coding, as the encoder makes them.
  static func samples() throws -> [RecordSample] {
    var data = CodecData(seed: seed)
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
    ) throws -> RecordSample {
      let record = try ChunkCodec.encode(content, element, base: base).record
      return RecordSample(name: name, record: record, length: content.count, base: base)
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

  @Test func `every mode, coding and form is among the samples`() throws {
    var features: Set<String> = []
    for sample in try Self.samples() {
      var reference = CodecReference(sample.record)
      _ = try reference.content(base: sample.base)
      features.formUnion(reference.features)
    }
    var wanted = ["form 1", "form 2", "groups", "streams 2"]
    wanted += (0...3).flatMap { ["version 2 mode \($0)", "coding \($0)"] }
    wanted += (0...4).map { "version 2 mapping \($0)" } + (0...2).map { "vectors \($0)" }
    #expect(features.isSuperset(of: wanted), "\(features.sorted())")
  }

  @Test func `a record cut anywhere or with a byte more is corrupt`() throws {
    for sample in try Self.samples() {
      for length in 0..<sample.record.count {
        #expect(sample.decode(Array(sample.record.prefix(length))) == nil, "\(sample.name)")
      }
      #expect(sample.decode(sample.record + [0]) == nil, "\(sample.name)")
      #expect(sample.decode(sample.record) != nil, "\(sample.name)")
    }
  }

  @Test func `a record with any byte changed is corrupt or means what the page says`() throws {
    for sample in try Self.samples() where sample.length < 2000 {
      for index in sample.record.indices {
        for change in [1, 0x80, 0xff, sample.record[index]] where change != 0 {
          var record = sample.record
          record[index] ^= change
          #expect(sample.decode(record) == sample.meaning(record), "\(sample.name), byte \(index)")
        }
      }
    }
  }

  @Test func `a changed bit inside a stream never gives other content`() throws {
    let sample = try #require(try Self.samples().first { $0.name == "deflated" })
    let content = try #require(sample.decode(sample.record))
    for index in 8..<sample.record.count {
      var record = sample.record
      record[index] ^= 0x40
      // The few bits that pad the deflate data to a whole byte mean nothing.
      #expect(sample.decode(record) ?? content == content)
    }
  }

  @Test func `a header that lies is corrupt`() throws {
    let sample = try #require(try Self.samples().first { $0.name == "difference" })
    // (offset, byte): version, mode, width, mapping, and lengths too short, too long and huge.
    let lies: [(Int, UInt8)] = [
      (0, 0), (0, 3), (1, 4), (1, 255), (2, 0), (2, 3), (2, 16), (3, 5), (3, 255), (4, 0), (5, 0),
      (5, 5), (6, 0x21), (7, 0x80), (7, 0xff),
    ]
    for (offset, byte) in lies {
      var record = sample.record
      record[offset] = byte
      #expect(sample.decode(record) == nil, "byte \(offset) = \(byte)")
    }
    for length in [0, 1, sample.length - 1, sample.length + 1, 1 << 20] {
      let other = RecordSample(length: length, base: sample.base)
      #expect(other.decode(sample.record) == nil, "\(length) bytes wanted")
    }
  }

  @Test func `parts of planes that lie are corrupt`() throws {
    // 40 words of one byte after a base: float difference, the base as it is, all vectors kept.
    let content = (0..<40).map { UInt8($0 / 2) }
    let base = [UInt8](repeating: 3, count: 40)
    let differences = SplitTwin(content, base, width: 1, mapping: 2, shift: 0).planes[0]
    let stream = DeflateTwin.stream(of: differences, runs: [40])
    let sample = RecordSample(length: 40, base: base)
    let start: [UInt8] = [2, 3, 1, 2, 40, 0, 0, 0, 0, 0]
    let size = UInt8(stream.count)
    #expect(sample.decode(start + [1, 3, 1, 1, 40, size] + stream) == content)
    // The second group is empty.
    #expect(sample.decode(start + [2, 0, 9, 3, 1, 1, 40, size] + stream) == content)
    let lies: [[UInt8]] = [
      [0, 3, 1, 1, 40, size], [33, 3, 1, 1, 40, size],  // groups
      [2, 8, 9, 3, 1, 1, 40, size], [3, 0, 9, 9, 3, 1, 1, 40, size],  // shift and order
      [2, 0, 0, 3, 1, 1, 40, size], [1, 4, 1, 1, 40, size],  // first group and coding
      [1, 3, 3, 1, 40, size], [1, 3, 2, 0, 1, 40, size], [1, 3, 2, 41, 1, 40, size],  // forms
      [1, 3, 0x05, 1, 40, size], [2, 0, 9, 3, 0x41, 1, 40, size],  // forms of no group
      [1, 3, 1, 0], [1, 3, 1, 1, 39, size], [1, 3, 1, 1, 41, size], [1, 3, 1, 1, 0, size],
      [1, 3, 1, 2, 40, size, 1, 0], [1, 3, 1, 1, 40, size - 1], [1, 3, 1, 1, 40, size + 1],
      [1, 3, 1, 1, 0xa8, 0x80, 0x80, 0x80, 0x00, size], [1, 3, 1, 1, 40, 0xff, 0xff, 0xff, 0x7f],
    ]
    for lie in lies { #expect(sample.decode(start + lie + stream) == nil, "\(lie)") }
    for prediction in [1, 2, 255] as [UInt8] {
      var record = start + [1, 3, 1, 1, 40, size] + stream
      record[8] = prediction
      #expect(sample.decode(record) == nil)
    }
  }

  @Test func `planes of version 1 that lie are corrupt`() throws {
    // Ten words of one byte, of which the last is not zero.
    let sample = RecordSample(length: 10)
    func decode(
      coding: UInt8 = 3, bitmap: [UInt8] = [0, 2], size: Int? = nil, nonzeros: [UInt8] = [7]
    ) -> [UInt8]? {
      let stream = DeflateTwin.stream(of: bitmap, runs: [bitmap.count])
      let payload = littleEndian(UInt64(size ?? stream.count), size: 4) + stream + nonzeros
      let header: [UInt8] = [1, 3, 1, 0, 10, 0, 0, 0, coding, UInt8(payload.count), 0, 0]
      return sample.decode(header + payload)
    }
    #expect(decode() == [0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
    #expect(decode(bitmap: [0, 0], nonzeros: []) == nil)
    #expect(decode(bitmap: [0, 6]) == nil)
    #expect(decode(bitmap: [0, 2, 0]) == nil)
    #expect(decode(nonzeros: []) == nil && decode(nonzeros: [7, 7]) == nil)
    #expect(decode(size: 0) == nil && decode(size: 200) == nil)
    for coding in [0, 1, 2, 4, 5, 255] as [UInt8] { #expect(decode(coding: coding) == nil) }
  }

  @Test func `a stream that inflates to more than is declared is corrupt`() throws {
    // 2 MiB of three bytes in turn deflate to a few kilobytes.
    let bomb = (0..<ChunkCodec.contentBytesMax).map { UInt8($0 % 3) }
    let encoded = try ChunkCodec.encode(bomb, nil)
    #expect(encoded.record[1] == 2)
    #expect(encoded.record.count < 8192)
    var record = encoded.record
    record.replaceSubrange(4..<8, with: [100, 0, 0, 0])
    let small = RecordSample(length: 100)
    #expect(small.decode(record) == nil)
    // As the bitmap of a sparse plane of 100 words.
    let stream = Array(encoded.record[8...])
    let size = withUnsafeBytes(of: UInt32(stream.count).littleEndian) { Array($0) }
    let payload = size + stream
    let count = [UInt8(payload.count & 255), UInt8(payload.count >> 8), 0]
    let sparse: [UInt8] = [1, 3, 1, 0, 100, 0, 0, 0, 3] + count + payload
    #expect(small.decode(sparse) == nil)
    // As the bitmap of the vectors of 100 words.
    var vectors: [UInt8] = [2, 3, 1, 0, 100, 0, 0, 0, 1]
    vectors += [UInt8(stream.count & 127) | 128, UInt8(stream.count >> 7)] + stream
    #expect(small.decode(vectors + [2] + data100) == nil)
  }

  private var data100: [UInt8] { [UInt8](repeating: 1, count: 100) }

  @Test func `a record without its base is corrupt`() throws {
    let sample = try #require(try Self.samples().first { $0.name == "difference" })
    #expect(RecordSample(length: sample.length).decode(sample.record) == nil)
    #expect(throws: RegistryError.self) {
      try [UInt8](repeating: 1, count: 7).withUnsafeBytes { try ChunkCodec.usesBase($0) }
    }
  }
}

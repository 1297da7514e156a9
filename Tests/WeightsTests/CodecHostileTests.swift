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
    for index in stride(from: 0, to: 1000, by: 40) { near[index] ^= 1 }
    var clustered = weights
    for index in 500..<1000 { clustered[index] = UInt8.random(in: 0...255, using: &data.generator) }
    let text = Array(String(repeating: "the quick brown fox ", count: 30).utf8)
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
      try sample("clustered", clustered, .f32, weights),
      try sample("equal", weights, .f32, weights),
      try sample("integers", data.content(.i64, bytes: 803), .i64),
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

  @Test func `every mode and coding is among the samples`() throws {
    let samples = try samples()
    #expect(Set(samples.map { $0.record[1] }) == [0, 1, 2, 3])
    let codings = samples.filter { $0.record[1] == 3 }.flatMap { sample in
      (0..<Int(sample.record[2])).map { sample.record[8 + 4 * $0] }
    }
    #expect(Set(codings) == [0, 1, 2, 3, 4])
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
      (0, 0), (0, 2), (1, 4), (1, 255), (2, 0), (2, 3), (2, 16), (3, 5), (3, 255), (4, 0), (5, 0),
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

  @Test func `lengths of planes that lie are corrupt`() throws {
    let sample = try #require(try samples().first { $0.name == "planes" })
    for plane in 0..<4 {
      for size: UInt32 in [0, 1, 2, 255, 0xffff, 0xff_ffff] {
        var record = sample.record
        let size = [0, 8, 16].map { UInt8(truncatingIfNeeded: size >> $0) }
        record.replaceSubrange(9 + 4 * plane..<12 + 4 * plane, with: size)
        if record != sample.record { #expect(decode(record, sample) == nil) }
      }
    }
  }

  @Test func `a stream that inflates to more than is declared is corrupt`() throws {
    // 2 MiB of two alternating bytes deflate to a few kilobytes.
    let bomb = (0..<ChunkCodec.contentBytesMax).map { UInt8($0 & 1) }
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
  }

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
    for _ in 0..<20_000 {
      let length = Int.random(in: 0...64, using: &data.generator)
      let width = [1, 2, 4, 8].randomElement(using: &data.generator) ?? 1
      var record: [UInt8] = [
        1, UInt8.random(in: 0...3, using: &data.generator), UInt8(width),
        UInt8.random(in: 0...4, using: &data.generator), UInt8(length), 0, 0, 0,
      ]
      for _ in 0..<width {
        let coding = UInt8.random(in: 0...4, using: &data.generator)
        let size = Bool.random(using: &data.generator) ? length / width : 0
        record += [coding, coding == 0 ? 0 : UInt8(size), 0, 0]
      }
      record += data.bytes(Int.random(in: 0...80, using: &data.generator))
      let sample = Sample(name: "", record: record, length: length, base: data.bytes(64))
      if let content = decode(record, sample) { #expect(content.count == length) }
    }
  }
}

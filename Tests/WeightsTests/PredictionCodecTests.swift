import Foundation
import Storage
import Support
import Testing
import Weights

@Suite struct PredictionCodecTests {
  private static let seed: UInt64 = 12

  /// A chunk with what predicts it.
  private struct Sample {
    let name: String
    let content: [UInt8]
    let element: DType
    let base: [UInt8]
    let prediction: Prediction
    var factor: [Float]?
    var record: [UInt8] = []

    /// The record with what decoding needs.
    var stored: RecordSample {
      let factor = factor.map { CodecData.encode($0.map(Double.init), .f32) }
      return RecordSample(
        name: name, record: record, length: content.count, base: base, factor: factor)
    }
  }

  private func encoded(_ sample: Sample) throws -> ChunkCodec.Encoded {
    try sample.content.withUnsafeBytes { content in
      try sample.base.withUnsafeBytes { base in
        try (sample.factor ?? []).withUnsafeBytes { factor in
          try ChunkCodec.encode(
            content, element: sample.element, base: base, prediction: sample.prediction,
            factor: sample.factor == nil ? nil : factor)
        }
      }
    }
  }

  /// What is predicted nearly right, of several types, with whole and cut rows.
  private func samples(_ count: Int) throws -> [Sample] {
    var data = CodecData(seed: Self.seed)
    func moved(_ bytes: [UInt8], _ width: Int) -> [UInt8] {
      var bytes = bytes
      for index in stride(from: 0, to: bytes.count, by: 37 * width) { bytes[index] ^= 1 }
      return bytes + [7, 9].prefix(width > 1 ? 1 : 0)
    }
    var samples: [Sample] = []
    let pairs: [(DType, DType)] = [
      (.f32, .bf16), (.bf16, .f32), (.f32, .f16), (.f32, .f8E4M3), (.f32, .f8E5M2), (.f64, .f32),
      (.f32, .f64),
    ]
    for (source, target) in pairs {
      let base = data.content(source, bytes: (count + 3) * source.sizeBytes)
      let content = PredictionTwin.cast(
        Array(base[(3 * source.sizeBytes)...]), from: source, to: target)
      samples.append(
        Sample(
          name: "\(source) to \(target)", content: moved(content, target.sizeBytes),
          element: target, base: base,
          prediction: .cast(.init(from: source, to: target, start: 3))))
    }
    let low: [(DType, DType, keepsZeros: Bool)] = [
      (.f32, .f32, false), (.bf16, .bf16, false), (.f32, .bf16, false), (.f64, .f64, false),
      (.f32, .f32, true), (.f32, .bf16, true),
    ]
    for (source, target, keepsZeros) in low {
      var base = data.content(source, bytes: count * source.sizeBytes)
      for index in base.indices where index / source.sizeBytes % 4 == 0 && keepsZeros {
        base[index] = 0
      }
      let columns = 96
      let product = Prediction.LowRank(
        cast: .init(from: source, to: target), rank: 4, columns: columns, firstColumn: 40,
        rowFactor: data.weights(4 * ((40 + count + columns - 1) / columns)).map(Float.init),
        keepsZeros: keepsZeros)
      let factor = data.weights(4 * columns).map(Float.init)
      let content = PredictionTwin.addProduct(product, factor, to: base)
      samples.append(
        Sample(
          name: "low rank \(source) to \(target) \(keepsZeros)",
          content: moved(content, target.sizeBytes), element: target, base: base,
          prediction: .lowRank(product), factor: factor))
    }
    for index in samples.indices { samples[index].record = try encoded(samples[index]).record }
    return samples
  }

  @Test func `what is predicted comes back, and a record says what it needs`() throws {
    for sample in try samples(3000) {
      let encoded = try encoded(sample)
      #expect(encoded.usesBase, "\(sample.name)")
      #expect(encoded.usesFactor == (sample.factor != nil), "\(sample.name)")
      #expect(encoded.record.count < sample.content.count / 4, "\(sample.name)")
      for level in CodecKernels.all {
        let isSame = sample.stored.decode(encoded.record, level) == sample.content
        #expect(isSame, "\(sample.name), \(level.name)")
      }
      let isRead = sample.stored.meaning(encoded.record) == sample.content
      #expect(isRead, "\(sample.name)")
    }
  }

  @Test func `a cast costs next to nothing`() throws {
    var data = CodecData(seed: Self.seed)
    let base = data.content(.f32, bytes: 4 << 16)
    for target in [DType.bf16, .f16, .f8E4M3, .f8E5M2, .f64] {
      let sample = Sample(
        name: "", content: PredictionTwin.cast(base, from: .f32, to: target), element: target,
        base: base, prediction: .cast(.init(from: .f32, to: target)))
      #expect(try encoded(sample).record.count == 13)
    }
  }

  @Test func `content that no prediction helps is stored without it`() throws {
    var data = CodecData(seed: Self.seed)
    let sample = Sample(
      name: "", content: data.bytes(4000), element: .bf16, base: data.bytes(8000),
      prediction: .cast(.init(from: .f32, to: .bf16)))
    let encoded = try encoded(sample)
    #expect(!encoded.usesBase && encoded.record.count == 4008)
    let isSame = sample.stored.decode(encoded.record) == sample.content
    #expect(isSame)
  }

  @Test func `a damaged prediction is corrupt or means what the page says`() throws {
    for sample in try samples(200) {
      let stored = sample.stored
      for length in 0..<stored.record.count {
        #expect(stored.decode(Array(stored.record.prefix(length))) == nil, "\(stored.name)")
      }
      #expect(stored.decode(stored.record + [0]) == nil)
      for index in stored.record.indices {
        for change in [1, 0x80, 0xff, stored.record[index]] where change != 0 {
          var record = stored.record
          record[index] ^= change
          #expect(stored.decode(record) == stored.meaning(record), "\(stored.name), byte \(index)")
        }
      }
    }
  }

  @Test func `a prediction that lies is corrupt`() throws {
    let cast = try #require(try samples(200).first)
    let lowRank = try #require(try samples(200).first { $0.factor != nil })
    #expect(cast.record[8...11] == [1, 2, 4, 3])
    #expect(lowRank.record[8...14] == [2, 2, 2, 0, 4, 96, 40])
    let big: [UInt8] = [0xff, 0xff, 0xff, 0x7f]
    let lies: [(Sample, Range<Int>, [UInt8])] = [
      (cast, 8..<9, [4]), (cast, 9..<10, [0]), (cast, 9..<10, [16]), (cast, 9..<10, [4]),
      (cast, 10..<11, [2]), (cast, 10..<11, [34]), (lowRank, 12..<13, [0]), (lowRank, 12..<13, [5]),
      (lowRank, 12..<13, big), (lowRank, 13..<14, [0]), (lowRank, 13..<14, [95]),
      (lowRank, 13..<14, big), (lowRank, 12..<14, big + big), (lowRank, 14..<15, [96]),
      (lowRank, 14..<15, big), (lowRank, 15..<16, big),
    ]
    for (sample, range, bytes) in lies {
      var record = sample.record
      record.replaceSubrange(range, with: bytes)
      #expect(sample.stored.decode(record) == nil, "\(sample.name) \(range) \(bytes)")
    }
    var other = lowRank
    other.factor?.removeLast()
    #expect(other.stored.decode(lowRank.record) == nil)
    other.factor = nil
    #expect(other.stored.decode(lowRank.record) == nil)
  }

  @Test func `the page's predicted records decode to the page's content`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Weights/Format.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let records = text.components(separatedBy: "```predicted\n").dropFirst().map { block in
      block.components(separatedBy: "```")[0].split(whereSeparator: \.isWhitespace)
        .compactMap { UInt8($0, radix: 16) }
    }
    let one = Prediction.Cast(from: .f32, to: .f32)
    let samples = [
      Sample(
        name: "cast", content: [0x80, 0x3f, 0x82, 0x3f, 0x80, 0xbf], element: .bf16,
        base: CodecData.encode([1, 1.01171875, -1], .f32),
        prediction: .cast(.init(from: .f32, to: .bf16))),
      Sample(
        name: "low rank", content: CodecData.encode([1.5, 2.25, 4, 4.5], .f32), element: .f32,
        base: CodecData.encode([1, 2, 3, 4], .f32),
        prediction: .lowRank(
          .init(cast: one, rank: 1, columns: 2, firstColumn: 0, rowFactor: [1, 2])),
        factor: [0.5, 0.25]),
      Sample(
        name: "zeros kept", content: CodecData.encode([1.5, 0, 4, 4.5], .f32), element: .f32,
        base: CodecData.encode([1, 0, 3, 4], .f32),
        prediction: .lowRank(
          .init(
            cast: one, rank: 1, columns: 2, firstColumn: 0, rowFactor: [1, 2], keepsZeros: true)),
        factor: [0.5, 0.25]),
    ]
    #expect(records.count == samples.count)
    for (record, sample) in zip(records, samples) {
      #expect(sample.stored.decode(record) == sample.content, "\(sample.name)")
      #expect(sample.stored.meaning(record) == sample.content, "\(sample.name)")
    }
    #expect(records.first == (try encoded(samples[0]).record))
  }
}

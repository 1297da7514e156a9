import Foundation
import Storage
import Support
import Testing
import Tracking

@Suite struct PointBlocks {
  @Test(arguments: 1...200)
  func `a block gives back every bit of its points`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let points = randomPoints(&generator)
    let decoded = try PointBlock.decode(try PointBlock.encode(points))
    #expect(decoded == points, "seed \(seed)")
  }

  @Test func `the ends of the integers survive as steps and times`() throws {
    let ends: [Int64] = [.min, .max, 0, -1, 1, .max, .min, .min + 1, .max - 1]
    let points = ends.flatMap { step in
      ends.map { Point(step: step, time: $0, value: Double(step)) }
    }
    #expect(try PointBlock.decode(try PointBlock.encode(points)) == points)
  }

  @Test func `special values survive and every NaN is one`() throws {
    let values: [Double] = [
      .nan, -.nan, .signalingNaN, Double(nan: 7, signaling: false), .infinity, -.infinity, -0.0, 0,
      .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1, 1e15, 1e-15, 1e22, 123456.789,
    ]
    let points = values.map { Point(step: 1, time: 1, value: $0) }
    let decoded = try PointBlock.decode(try PointBlock.encode(points))
    #expect(decoded == points)
    #expect(decoded.prefix(4).allSatisfy { $0.value.bitPattern == Double.nan.bitPattern })
    #expect(decoded[6].value.sign == .minus)
  }

  @Test func `the worked example of the format page is what the code writes`() throws {
    let page = try String(contentsOf: formatPage, encoding: .utf8)
    let blocks = page.split(separator: "```").filter { $0.hasPrefix("hex") }.map { block in
      block.split(separator: "\n").dropFirst().flatMap { line in
        line.prefix { $0 != "|" }.split(separator: " ").compactMap { UInt8($0, radix: 16) }
      }
    }
    try #require(blocks.count == 2)
    let points = [
      Point(step: 0, time: 1000, value: 0.5), Point(step: 10, time: 1040, value: 0.25),
      Point(step: 20, time: 1080, value: 0.125),
    ]
    #expect(PointBlock.payload(points[...]) == blocks[0])
    #expect(try PointBlock.decode(blocks[1]) == points)
    #expect(try PointBlock.encode(points) == blocks[1])
  }

  @Test(arguments: 1...300)
  func `a damaged block is corrupt or another block, never a crash`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var payload = PointBlock.payload(randomPoints(&generator)[...])
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let place = Int.random(in: 0..<min(payload.count, 40), using: &generator)
      payload[place] = UInt8.random(in: .min ... .max, using: &generator)
    }
    if Bool.random(using: &generator) { payload.removeLast(payload.count / 3) }
    let kind = try errorKind { _ = try PointBlock.decode(stored(payload)) }
    #expect(kind == nil || kind == .corrupt, "seed \(seed)")
  }

  @Test func `a stream that is cut or goes on is corrupt`() throws {
    let whole = try PointBlock.encode([Point(step: 1, time: 2, value: 3)])
    #expect(try errorKind { _ = try PointBlock.decode(whole + [0]) } == .corrupt)
    for count in 0..<whole.count {
      #expect(try errorKind { _ = try PointBlock.decode(Array(whole.prefix(count))) } == .corrupt)
    }
  }

  private var formatPage: URL {
    URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Tracking/BlockFormat.md").standardized
  }

  private func randomPoints(_ generator: inout SeededGenerator) -> [Point] {
    let kind = Int.random(in: 0..<6, using: &generator)
    return (0..<Int.random(in: 1...512, using: &generator)).map { index in
      let value: Double =
        switch kind {
        case 0: Double(bitPattern: .random(in: .min ... .max, using: &generator))
        case 1: Double(Int.random(in: 0...999_999, using: &generator)) / 1e6
        case 2: Double(Float.random(in: 0...1, using: &generator))
        case 3: Double(Int.random(in: -5...5, using: &generator)) * 1e14
        case 4: (Double(index) * 1e3).rounded() / 1e7
        default: [.nan, 0, -0.0, .infinity, 1e300][index % 5]
        }
      let step = kind == 0 ? Int64.random(in: .min ... .max, using: &generator) : Int64(index * 7)
      return Point(
        step: step, time: Int64.random(in: 0...Int64(1) << (index % 63), using: &generator),
        value: value)
    }
  }

  /// A zlib stream that holds bytes as they are, written by hand.
  private func stored(_ bytes: [UInt8]) -> [UInt8] {
    var low: UInt32 = 1
    var high: UInt32 = 0
    for byte in bytes {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    let count = UInt16(bytes.count)
    let sum = high << 16 | low
    return [0x78, 0x01, 0x01]
      + [count, ~count].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
      + bytes + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
  }
}

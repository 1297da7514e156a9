import Foundation
import Testing
import Weights

/// The worked example of Sources/Weights/Format.md.
@Suite struct CodecFormatTests {
  private let content: [UInt8] = [0x80, 0x3f, 0x81, 0x3f, 0x80, 0xbf, 0x2a]
  private let base: [UInt8] = [0x80, 0x3f, 0x80, 0x3f, 0x80, 0x3f]

  /// The blocks of hex on the page, as bytes.
  private func blocks() throws -> [[UInt8]] {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Weights/Format.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    return text.components(separatedBy: "```hex\n").dropFirst().map { block in
      let hex = block.components(separatedBy: "```")[0]
      return hex.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
    }
  }

  /// The first record of the page, put together from its fields.
  private var stored: [UInt8] {
    let planes = SplitTwin(content, base, width: 2, mapping: 3, shift: 0).planes
    let header: [UInt8] = [2, 3, 2, 3, UInt8(content.count), 0, 0, 0]
    return header + [0, 0, 1] + [2] + planes[0] + [2] + planes[1] + [content[6]]
  }

  @Test func `the page's records are these and decode to the page's content`() throws {
    let blocks = try blocks()
    #expect(blocks.count == 4)
    #expect(blocks.first == stored)
    #expect(blocks.map { $0.first } == [2, 2, 2, 1])
    for record in [blocks[0], blocks[1], blocks[3]] {
      for level in CodecKernels.all {
        #expect(
          try ChunkCodec.decode(record, length: 7, base: base, kernels: level) == content)
      }
      #expect(try record.withUnsafeBytes { try ChunkCodec.usesBase($0) })
      var reference = CodecReference(record)
      #expect(try reference.content(base: base) == content)
    }
  }

  @Test func `the encoder makes the page's records`() throws {
    let raw: [UInt8] = [2, 0, 1, 0, 7, 0, 0, 0]
    #expect(try ChunkCodec.encode(content, .bf16, base: base).record == raw + content)
    let words = CodecData.encode((1...16).map(Double.init), .bf16)
    let equal = try ChunkCodec.encode(words, .bf16, base: words)
    #expect(equal.record == (try blocks()[2]))
  }
}

import Foundation
import Storage
import Testing
import Weights

@Suite struct SafetensorsFileTests {
  /// Files that must be refused: their name, the words the sentence must have, their bytes.
  private static let hostile: [(String, String, [UInt8])] = {
    func tensor(
      _ dtype: String = "\"F32\"", _ shape: String = "[2]", _ offsets: String = "[0,8]",
      _ more: String = ""
    ) -> String {
      "\"t\":{\"dtype\":\(dtype),\"shape\":\(shape),\"data_offsets\":\(offsets)\(more)}"
    }
    func file(_ members: String..., size: Int = 8) -> [UInt8] {
      safetensors(
        header: "{\(members.joined(separator: ","))}", content: .init(repeating: 0, count: size))
    }
    let other = "\"u\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":"
    let deep = String(repeating: "[", count: 100_000)
    return [
      ("nothing", "0 bytes", []),
      ("seven bytes", "7 bytes", [1, 2, 3, 4, 5, 6, 7]),
      ("no header", "begin with {", UInt64(0).littleEndianBytes),
      ("header cut off", "cut off", UInt64(100).littleEndianBytes + [123]),
      ("header of 2^63 bytes", "header would have", (UInt64(1) << 63).littleEndianBytes + [123]),
      ("header of 100,000,001 bytes", "would have", UInt64(100_000_001).littleEndianBytes + [123]),
      ("an array", "begin with {", safetensors(header: "[]")),
      ("a blank first", "begin with {", safetensors(header: " {}")),
      ("not closed", "expected }", safetensors(header: "{\"__metadata__\":{}")),
      ("more after the end", "after the header's", safetensors(header: "{} {}")),
      ("content of nobody", "belong to none", file(size: 8)),
      ("truncated", "ends at byte 8 of 7", file(tensor(), size: 7)),
      ("content left over", "belong to none", file(tensor(), size: 9)),
      ("overlap", "overlaps", file(tensor(), other + "[4,8]}")),
      ("overlap inside", "overlaps", file(tensor(), other + "[2,6]}")),
      ("hole", "belong to none", file(tensor(), other + "[12,16]}", size: 16)),
      ("hole at the start", "belong to none", file(tensor("\"F32\"", "[2]", "[4,12]"), size: 12)),
      ("backwards", "before it begins", file(tensor("\"F32\"", "[2]", "[8,0]"))),
      ("size and shape differ", "another number", file(tensor("\"F32\"", "[3]"))),
      ("the same name twice", "stands twice", file(tensor(), tensor())),
      (
        "the same name escaped", "stands twice", file(tensor(), "\"\\u0074" + tensor().dropFirst(2))
      ),
      (
        "the same metadata twice", "twice",
        file("\"__metadata__\":{\"a\":\"\",\"a\":\"\"}", size: 0)
      ),
      ("two metadata", "twice", file("\"__metadata__\":{}", "\"__metadata__\":{}", size: 0)),
      ("metadata of nothing", "expected l", file("\"__metadata__\":nul", size: 0)),
      ("metadata of numbers", "expected \"", file("\"__metadata__\":{\"a\":1}", size: 0)),
      ("metadata nested", "expected \"", file("\"__metadata__\":{\"a\":\(deep)}", size: 0)),
      ("dtype twice", "odd", file(tensor("\"F32\"", "[2]", "[0,8]", ",\"dtype\":\"F32\""))),
      ("an unknown key", "odd", file(tensor("\"F32\"", "[2]", "[0,8]", ",\"x\":1"))),
      ("no dtype", "lacks", file("\"t\":{\"shape\":[2],\"data_offsets\":[0,8]}")),
      ("one offset", "lacks", file(tensor("\"F32\"", "[2]", "[0]"))),
      ("dtype a number", "expected \"", file(tensor("32"))),
      ("an endless dtype", "overlong", file(tensor("\"\(String(repeating: "F", count: 999))\""))),
      ("shape 2^63", "whole number", file(tensor("\"F32\"", "[9223372036854775808]"))),
      ("shape overflows", "counted", file(tensor("\"F32\"", "[4294967296,4294967296]"))),
      ("bytes overflow", "another", file(tensor("\"F32\"", "[4611686018427387904]"))),
      ("shape negative", "whole number", file(tensor("\"F32\"", "[-2]"))),
      ("shape a float", "expected ]", file(tensor("\"F32\"", "[2.0]"))),
      ("shape 1e1", "expected ]", file(tensor("\"F32\"", "[2e0]"))),
      ("shape 02", "whole number", file(tensor("\"F32\"", "[02]"))),
      ("shape deep", "whole number", file(tensor("\"F32\"", deep))),
      (
        "shape long", "too long",
        file(tensor("\"F32\"", "[\(String(repeating: "1,", count: 99))1]"))
      ),
      ("offset 2^64", "whole number", file(tensor("\"F32\"", "[2]", "[0,18446744073709551616]"))),
      ("offset 2^63 - 1", "of 8", file(tensor("\"F32\"", "[2]", "[0,9223372036854775807]"))),
      ("offset negative", "whole number", file(tensor("\"F32\"", "[2]", "[-1,8]"))),
      ("not UTF-8", "UTF-8", Self.notUTF8),
      ("a control character", "control", file("\"a\u{1}\":{}")),
      ("half a surrogate", "surrogate", file("\"\\ud800\":{}")),
      ("ends in a string", "inside a string", safetensors(header: "{\"abc")),
      ("ends in an escape", "inside a string", safetensors(header: "{\"abc\\\"")),
    ]
  }()

  private static var notUTF8: [UInt8] {
    let header = Array("{\"a".utf8) + [0xC3, 0x28] + Array("\":{}}".utf8)
    return UInt64(header.count).littleEndianBytes + header
  }

  @Test(arguments: hostile.map(\.0))
  func `a malformed file is refused with its fault, and nothing stays`(_ name: String) throws {
    let found = try #require(Self.hostile.first { $0.0 == name })
    try withBlobs { blobs in
      do {
        _ = try blobs.add(found.2, "model.safetensors")
        Issue.record("\(name) was taken")
      } catch let error as RegistryError {
        #expect(error.kind == .invalidInput)
        #expect(error.message.contains(found.1), "\(error.message)")
        #expect(error.message.utf8.count < 400)
      }
      let counts = try blobs.counts()
      #expect(counts.blobs == 0 && counts.chunks == 0 && counts.packs == 0)
    }
  }

  @Test func `a file whose metadata is null is taken, as the reference reader does`() throws {
    let content = safetensors([MadeTensor("a", [2], [1, 2])], metadata: " null ")
    try withBlobs { blobs in
      let added = try blobs.add(content, "model.safetensors")
      #expect(try blobs.export(added.digest) == content)
      #expect(try blobs.store.read(.weights) { try Tensor.list(of: added.digest, $0) }.count == 1)
    }
  }

  @Test func `a clause shows the start of a name, whatever the name is made of`() throws {
    let cluster = "e" + String(repeating: "\u{301}", count: 400_000)  // one character
    let header = "{\"\(cluster)\":{\"shape\":[],\"x\":0}}"
    try withBlobs { blobs in
      do {
        _ = try blobs.add(safetensors(header: header), "model.safetensors")
        Issue.record("it was taken")
      } catch let error as RegistryError {
        #expect(error.kind == .invalidInput && error.message.utf8.count < 400)
      }
    }
  }

  @Test func `the same bytes under another name are only bytes`() throws {
    for (name, _, content) in Self.hostile.prefix(5) {
      try withBlobs { blobs in
        let added = try blobs.add(content, "model.bin")
        #expect(try blobs.export(added.digest) == content, "\(name)")
      }
    }
  }

  @Test func `any random change of a header is refused or comes back byte for byte`() throws {
    var seed = Seeded(state: 11)
    let whole = safetensors([
      MadeTensor("a", [3], [1, 2, 3]), MadeTensor("b", "U8", [2, 2], [1, 2, 3, 4]),
    ])
    try withBlobs { blobs in
      for _ in 0..<500 {
        var content = whole
        for _ in 0..<Int.random(in: 1...3, using: &seed) {
          content[Int.random(in: content.indices, using: &seed)] = seed.bytes(1)[0]
        }
        do {
          let added = try blobs.add(content, "model.safetensors")
          #expect(try blobs.export(added.digest) == content)
        } catch let error as RegistryError {
          #expect(error.kind == .invalidInput, "\(error.message)")
        }
      }
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `names of any characters come back`() throws {
    let names = ["", "\\u0000", "a\\\"b", "é", "e\u{301}", "\\ud83d\\ude00", "__metadata__x", "//"]
    let tensors = names.map { MadeTensor($0, "U8", [1], [7]) }
    try withBlobs { blobs in
      let added = try blobs.add(safetensors(tensors), "model.safetensors")
      let listed = try blobs.store.read(.weights) { try Tensor.list(of: added.digest, $0) }
      #expect(Set(listed.map { Array($0.name.utf8) }).count == names.count)  // é and é are two
      #expect(listed.contains { $0.name.utf8.elementsEqual([0]) })
    }
  }

  @Test func `prefixes of wrappers do not count in a name`() {
    let bare = [
      "bert.encoder.x", "model.encoder.x", "base_model.model.bert.encoder.x", "encoder.x",
      "state_dict.model.encoder.x",
    ]
    for name in bare { #expect(TensorName.bare(name) == Array("encoder.x".utf8)) }
    #expect(TensorName.bare("bert.") == Array("bert.".utf8))
    #expect(TensorName.bare("alberta.x") == Array("alberta.x".utf8))
  }
}

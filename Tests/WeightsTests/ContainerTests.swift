import Foundation
import Storage
import Support
import Testing
import Weights

/// A tensor as a test expects it.
struct Expected: Equatable, CustomStringConvertible {
  let name: String
  let dtypeName: String
  let shape: [Int]
  let content: [UInt8]

  init(_ name: String, _ dtypeName: String, _ shape: [Int], _ content: [UInt8]) {
    self.name = name
    self.dtypeName = dtypeName
    self.shape = shape
    self.content = content
  }

  var description: String { "\(name) \(dtypeName) \(shape) \(content.count) B" }
}

extension BlobFixture {
  /// Stores a file, checks that it comes back byte for byte, and returns what was found in it.
  func cut(_ content: [UInt8], _ name: String = "file") throws -> (Container, [Expected]) {
    let digest = try add(content, name).digest
    #expect(try export(digest) == content)
    return try store.read(.weights) { db in
      let tensors = try Tensor.list(of: digest, db).map { tensor in
        var bytes: [UInt8] = []
        try tensor.forEachChunk(db) { bytes += $0 }
        return Expected(tensor.name, tensor.dtypeName, tensor.shape, bytes)
      }
      return (try Blob.get(digest, db).container, tensors)
    }
  }
}

@Suite struct ContainerTests {
  private static func bytes(_ count: Int, _ seed: UInt64 = 1) -> [UInt8] {
    var seed = Seeded(state: seed)
    return seed.bytes(count)
  }

  /// Stores a file and expects tensors in it.
  private func expect(
    _ content: [UInt8], _ container: Container, _ tensors: [Expected], _ what: String = ""
  ) throws {
    try withBlobs { blobs in
      let (found, cut) = try blobs.cut(content)
      #expect(found == container, "\(what)")
      #expect(cut == tensors, "\(what)")
      #expect(try Blob.verify(blobs.store, full: true) == [], "\(what)")
    }
  }

  @Test(arguments: [UInt32(2), 3])
  func `a GGUF file is cut into its tensors, the outermost dimension first`(
    _ version: UInt32
  ) throws {
    let large = Self.bytes(4 * 300 * 1000)
    let half = Self.bytes(2 * 7)
    let pairs = [
      GGUF.pair("general.name", 8, GGUF.text("tiny")), GGUF.pair("a", 0, [1]),
      GGUF.pair("b", 2, [1, 2]), GGUF.pair("c", 7, [1]), GGUF.pair("d", 10, .init(0..<8)),
      GGUF.pair(
        "words", 9,
        UInt32(8).littleEndianBytes + UInt64(2).littleEndianBytes + GGUF.text("x") + GGUF.text("yz")
      ),
      GGUF.pair(
        "nested", 9,
        UInt32(9).littleEndianBytes + UInt64(1).littleEndianBytes + UInt32(5).littleEndianBytes
          + UInt64(3).littleEndianBytes + .init(0..<12)),
    ]
    let tensors = [
      MadeBlock("w", 0, [300, 1000], large), MadeBlock("h", 1, [7], half),
      MadeBlock("s", 30, [], [1, 2]),
    ]
    for alignment in [32, 64] {
      let aligned = GGUF.pair(
        "general.alignment", 4, UInt32(alignment).littleEndianBytes)
      try expect(
        GGUF.file(
          tensors, pairs: pairs + (alignment == 32 ? [] : [aligned]), alignment: alignment,
          version: version), .gguf,
        [
          .init("w", "F32", [300, 1000], large), .init("h", "F16", [7], half),
          .init("s", "BF16", [], [1, 2]),
        ], "\(alignment)")
    }
  }

  @Test func `blocks of a GGUF file are opaque, of the size that their type says`() throws {
    let types: [(UInt32, String, Int, Int)] = [
      (2, "Q4_0", 32, 18), (8, "Q8_0", 32, 34), (12, "Q4_K", 256, 144), (14, "Q6_K", 256, 210),
      (22, "IQ2_S", 256, 82), (34, "TQ1_0", 256, 54), (39, "MXFP4", 32, 17),
    ]
    let made = types.map { type, name, count, size in
      MadeBlock(name, type, [3, 2 * count], Self.bytes(6 * size, UInt64(type)))
    }
    let expected = zip(types, made).map { Expected($0.1, $0.1, $1.shape, $1.content) }
    try expect(GGUF.file(made), .gguf, expected)
    // A type of the future ends where the next tensor begins.
    let future = [MadeBlock("x", 99, [5], Self.bytes(64)), MadeBlock("y", 0, [1], [1, 2, 3, 4])]
    try expect(
      GGUF.file(future), .gguf,
      [.init("x", "TYPE_99", [5], future[0].content), .init("y", "F32", [1], [1, 2, 3, 4])])
  }

  @Test func `arrays of numpy are cut, in any order, and of any byte order`() throws {
    let content = Self.bytes(24)
    let cases: [(String, Bool, [Int], String, [Int])] = [
      ("'<f4'", false, [2, 3], "F32", [2, 3]), ("'<f4'", true, [2, 3], "F32", [3, 2]),
      ("'>f4'", false, [6], ">F32", [6]), ("'|u1'", false, [24], "U8", [24]),
      ("'<i8'", false, [3, 1], "I64", [3, 1]), ("'<c8'", false, [3], "<c8", [3]),
      ("'<U2'", false, [3], "<U2", [3]), ("'|S3'", false, [8], "|S3", [8]),
    ]
    for version in UInt8(1)...3 {
      for (descr, isFortran, shape, name, found) in cases {
        let file = npy(descr, shape, content, isFortran: isFortran, version: version)
        try expect(file, .npy, [.init("arr_0", name, found, content)], descr)
      }
    }
    try expect(npy("'<f4'", [], [1, 2, 3, 4]), .npy, [.init("arr_0", "F32", [], [1, 2, 3, 4])])
    try expect(npy("'<f4'", [0, 5], []), .npy, [.init("arr_0", "F32", [0, 5], [])])
    // What follows the array stays in the file.
    try expect(
      npy("'<f4'", [1], [1, 2, 3, 4, 5]), .npy, [.init("arr_0", "F32", [1], [1, 2, 3, 4])])
  }

  @Test func `records and objects of numpy are bytes`() throws {
    for descr in ["'|O'", "[('a', '<f4'), ('b', '<i2')]"] {
      try expect(npy(descr, [4], Self.bytes(24)), .bytes, [], descr)
    }
  }

  @Test(arguments: [false, true])
  func `stored arrays of a npz are tensors, and deflated ones are bytes`(isLarge: Bool) throws {
    let one = Self.bytes(4_000_000)
    let two = Self.bytes(8, 2)
    var deflated = MadeEntry("packed.npy", npy("'<f4'", [2], two))
    deflated.method = 8
    let entries = [
      MadeEntry("layers/one.npy", npy("'<f4'", [1000, 1000], one)), deflated,
      MadeEntry("two.npy", npy("'<i8'", [], two)), MadeEntry("records.npy", npy("'|O'", [1], two)),
      MadeEntry("note.txt", two),
    ]
    try expect(
      zip(entries, isLarge: isLarge, comment: "a comment"), .npz,
      [.init("layers/one", "F32", [1000, 1000], one), .init("two", "I64", [], two)])
    try expect(zip([deflated], isLarge: isLarge), .bytes, [])
    try expect(zip([MadeEntry("a.txt", two)], isLarge: isLarge), .bytes, [])
    try expect(zip([]), .bytes, [])
  }

  @Test func `safetensors are known by their first bytes`() throws {
    let made = [MadeTensor("a", [3], [1, 2, 3]), MadeTensor("b", "U8", [2], [7, 8])]
    let expected = made.map { Expected($0.name, $0.dtype, $0.shape, $0.content) }
    try expect(safetensors(made), .safetensors, expected)
    try expect(safetensors(header: "{\"a\":1}"), .bytes, [])
  }

  @Test func `a tensor in one container is a difference to the same one in another`() throws {
    var seed = Seeded(state: 5)
    let values = seed.weights(100_000)
    let moved = zip(values, seed.weights(100_000)).map { $0 + $1 * 0.001 }
    let base = MadeTensor("layer.weight", [100, 1000], values)
    let child = MadeTensor("layer.weight", [100, 1000], moved)
    let pickle = PickleMaker.make { maker in
      maker.dict([
        ("layer.weight", { $0.tensor("FloatStorage", "0", count: 100_000, [100, 1000]) })
      ])
    }
    let files = [
      GGUF.file([MadeBlock("layer.weight", 0, [100, 1000], child.content)]),
      zip([MadeEntry("layer.weight.npy", npy("'<f4'", [100, 1000], child.content))]),
      torch(pickle, [("0", child.content)]),
    ]
    for file in files {
      try withBlobs { blobs in
        let parent = try blobs.add(safetensors([base]), "model.safetensors").digest
        let same = try blobs.add(safetensors([child]), "child", parents: [parent])
        #expect(try blobs.depths().max() == 1)
        let other = try blobs.add(file, "other", parents: [parent])
        // The values are one chunk, wherever they are.
        #expect(other.storedBytes < same.storedBytes / 10)
        #expect(try blobs.export(other.digest) == file)
      }
    }
  }
}

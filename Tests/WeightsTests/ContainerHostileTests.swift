import Foundation
import Storage
import Support
import Testing
import Weights

/// Files that claim what is not so: each comes back byte for byte, as bytes.
@Suite struct ContainerHostileTests {
  private static let content = [UInt8](repeating: 7, count: 64)
  private static let all = UInt64.max.littleEndianBytes

  /// A GGUF file whose one pair has this type and value.
  private static func pair(_ type: UInt32, _ value: [UInt8]) -> [UInt8] {
    GGUF.file([], pairs: [GGUF.pair("key", type, value)])
  }

  private static func tensor(
    _ type: UInt32 = 0, _ shape: [Int] = [16], offset: UInt64? = nil, size: Int = 64
  ) -> [UInt8] {
    var block = MadeBlock("w", type, shape, Array(content.prefix(size)))
    block.claimedOffset = offset
    return GGUF.file([block])
  }

  private static func entry(
    size: UInt32? = nil, offset: UInt32? = nil, _ name: String = "w.npy"
  ) -> MadeEntry {
    var entry = MadeEntry(name, npy("'<f4'", [16], content))
    entry.claimedSize = size
    entry.claimedOffset = offset
    return entry
  }

  /// An archive after a change of its end: 22 bytes, of 66 from the list's entry of a short name.
  private static func archive(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var file = zip([entry()])
    change(&file)
    return file
  }

  private static func many(_ count: Int) -> [UInt8] {
    GGUF.file((0..<count).map { MadeBlock("\($0)", 24, [1], [7]) })
  }

  private static let hostile: [(String, [UInt8])] = [
    ("GGUF alone", Array("GGUF".utf8)), ("GGUF 1", GGUF.file([], version: 1)),
    ("GGUF 4", GGUF.file([], version: 4)),
    ("GGUF of the other order", GGUF.file([], version: 3 << 24)),
    ("2^64 tensors", GGUF.file([], tensorCount: .max)),
    ("2^64 pairs", GGUF.file([], pairCount: .max)),
    ("2^17 + 1 tensors", GGUF.file([], tensorCount: 1 << 17 + 1)),
    ("a key of 2^64 bytes", GGUF.file([], pairs: [all])),
    ("a text of 2^64 bytes", pair(8, all)), ("a value of no type", pair(13, [])),
    ("an array of 2^64 numbers", pair(9, UInt32(4).littleEndianBytes + all)),
    ("an array of 2^64 texts", pair(9, UInt32(8).littleEndianBytes + all)),
    (
      "arrays in arrays",
      pair(
        9,
        [[UInt8]](
          repeating: UInt32(9).littleEndianBytes + UInt64(1).littleEndianBytes, count: 100_000
        ).flatMap { $0 })
    ),
    ("an alignment of 0", GGUF.file([], pairs: [GGUF.pair("general.alignment", 4, [0, 0, 0, 0])])),
    (
      "an alignment of 2^32",
      GGUF.file([], pairs: [GGUF.pair("general.alignment", 4, [255, 255, 255, 255])])
    ),
    ("a tensor beyond the end", tensor(offset: 1 << 40)),
    ("a tensor at 2^64", tensor(offset: .max)),
    ("a tensor at 2^63 - 1", tensor(offset: 1 << 63 - 1)),
    ("a tensor too long", tensor(0, [17])), ("2^62 elements", tensor(0, [1 << 62])),
    ("a product over 2^64", tensor(0, [1 << 40, 1 << 40])), ("-1 elements", tensor(0, [-1])),
    ("half a block", tensor(2, [16])),
    ("nine dimensions", tensor(0, [1, 1, 1, 1, 1, 1, 1, 1, 16])),
    (
      "tensors that overlap",
      {
        var blocks = [MadeBlock("a", 0, [16], content), MadeBlock("b", 0, [16], content)]
        blocks[1].claimedOffset = 32
        return GGUF.file(blocks)
      }()
    ),
    ("npy alone", [0x93] + Array("NUMPY".utf8)),
    ("npy 4", npy("'<f4'", [1], [0, 0, 0, 0], version: 4)),
    (
      "npy with a header of 2^32",
      Array(npy("'<f4'", [1], [], version: 2)[..<8]) + [255, 255, 255, 255]
    ),
    ("npy too short", npy("'<f4'", [17], content)),
    ("npy with a product over 2^64", npy("'<f4'", [1 << 40, 1 << 40], content)),
    ("npy of texts of 2^62 units", npy("'<U4611686018427387904'", [1], content)),
    ("zip without a list", Array(zip([entry()])[..<200])),
    ("an entry of 2^32 - 2 bytes", zip([entry(size: .max - 1)])),
    ("an entry at 2^32 - 2", zip([entry(offset: .max - 1)])),
    ("an entry that is not there", zip([entry(offset: 1)])),
    ("64-bit numbers that are missing", zip([entry(size: .max, offset: .max)])),
    ("entries at one place", zip([entry("a.npy"), entry(offset: 0, "b.npy")])),
    (
      "65,535 entries claimed",
      archive { $0.replaceSubrange($0.count - 12..<$0.count - 10, with: [255, 254]) }
    ),
    (
      "a list of 2^32 - 2 bytes",
      archive { $0.replaceSubrange($0.count - 10..<$0.count - 6, with: [254, 255, 255, 255]) }
    ),
    (
      "a list at 2^32 - 2",
      archive { $0.replaceSubrange($0.count - 6..<$0.count - 2, with: [254, 255, 255, 255]) }
    ),
    (
      "a list at 2^32 - 1",
      archive { $0.replaceSubrange($0.count - 6..<$0.count - 2, with: [255, 255, 255, 255]) }
    ),
    ("a comment cut off", archive { $0[$0.count - 2] = 9 }),
    (
      "storages at one place",
      zip(
        torchEntries(PickleMaker.make { $0.tensor(count: 16, "0") }, [("0", content)])
          + [
            { () -> MadeEntry in
              var entry = MadeEntry("m/data/1", content)
              entry.claimedOffset = 0
              entry.claimedSize = 5000
              return entry
            }()
          ])
    ),
    ("5,000 tensors of a byte", many(5000)),
    ("an old checkpoint cut off", Array(LegacyMaker.file(count: 4)[..<60])),
    ("an old storage of 2^63 - 1 floats", LegacyMaker.file(count: .max)),
    ("an old storage of -1 floats", LegacyMaker.file(count: -1)),
    ("an old storage that ends too early", LegacyMaker.file(count: 5)),
    ("an old storage of no name", LegacyMaker.file(count: 4, key: "9")),
    ("a header of 2^63", (UInt64(1) << 63).littleEndianBytes + Array("{}".utf8)),
  ]

  @Test(arguments: hostile.map(\.0))
  func `a file that is not what it claims is kept as bytes`(_ name: String) throws {
    let file = try #require(Self.hostile.first { $0.0 == name }?.1)
    try withBlobs { blobs in
      let (container, tensors) = try blobs.cut(file, "model.gguf")
      #expect(container == .bytes && tensors.isEmpty)
    }
  }

  @Test func `the files that the hostile ones were made from are well-formed`() throws {
    let files: [(Container, [UInt8])] = [
      (.gguf, Self.pair(8, GGUF.text("x"))), (.gguf, Self.tensor()), (.npz, zip([Self.entry()])),
      (.npz, Self.archive { _ in }), (.npy, npy("'<f4'", [16], Self.content)),
      (.torch, LegacyMaker.file(count: 4)), (.gguf, Self.many(4000)),
    ]
    for (container, file) in files {
      try withBlobs { blobs in
        let found = try blobs.cut(file).0
        #expect(found == container)
      }
    }
  }

  /// Well-formed files of all containers, small enough to be changed thousands of times.
  private static let seeds: [[UInt8]] = [
    GGUF.file(
      [
        MadeBlock("w", 0, [4, 2], Array(content[..<32])),
        MadeBlock("q", 2, [32], Array(content[..<18])),
      ],
      pairs: [
        GGUF.pair("general.alignment", 4, UInt32(32).littleEndianBytes),
        GGUF.pair(
          "t", 9, UInt32(8).littleEndianBytes + UInt64(1).littleEndianBytes + GGUF.text("ab")),
      ]),
    npy("'<f4'", [4, 2], Array(content[..<32])),
    zip([entry("a.npy"), MadeEntry("b.npy", npy("'<f8'", [1], Array(content[..<8])))]),
    zip([entry("a.npy")], isLarge: true),
    torch(
      PickleMaker.make { maker in
        maker.dict([
          ("a.weight", { $0.tensor("FloatStorage", "0", count: 16, [4, 4], strides: [1, 4]) }),
          ("b", { $0.dict([("c", { $0.tensor("HalfStorage", "1", count: 8, offset: 2, [3]) })]) }),
        ])
      }, [("0", content), ("1", Array(content[..<16]))]),
    LegacyMaker.file(count: 4),
  ]

  @Test(arguments: seeds.indices)
  func `any random change of a container comes back byte for byte`(_ index: Int) throws {
    var seed = Seeded(state: 61 + UInt64(index))
    let odd: [[UInt8]] = [
      Self.all, [255, 255, 255, 255], [0, 0, 0, 0], [255, 255, 255, 127], [0, 0, 0, 128],
    ]
    try withBlobs { blobs in
      var containers: Set<Container> = []
      for _ in 0..<400 {
        var file = Self.seeds[index]
        for _ in 0..<Int.random(in: 1...3, using: &seed) {
          let place = Int.random(in: file.indices, using: &seed)
          switch Int.random(in: 0..<8, using: &seed) {
          case 0: file.removeSubrange(place...)
          case 1: file.insert(contentsOf: seed.bytes(5), at: place)
          case 2:
            let number = odd[Int.random(in: odd.indices, using: &seed)]
            file.replaceSubrange(place..<min(place + number.count, file.count), with: number)
          case 3: file[place] ^= 1 << UInt8.random(in: 0..<8, using: &seed)
          default: file[place] = seed.bytes(1)[0]
          }
          if file.isEmpty { file = [0] }
        }
        let (container, tensors) = try blobs.cut(file)
        containers.insert(container)
        for tensor in tensors { #expect(tensor.content.count <= file.count) }
      }
      #expect(containers.count >= 2)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }
}

/// Checkpoints as PyTorch made them before 1.6.
enum LegacyMaker {
  /// One tensor of four floats, whose storage claims a count.
  static func file(count: Int, key: String = "94") -> [UInt8] {
    let magic: [UInt8] = [
      0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]
    var file = PickleMaker.make { $0.bytes += magic }
    file += PickleMaker.make { $0.int(1001) }
    file += PickleMaker.make { maker in maker.dict([("little_endian", { $0.bytes.append(0x88) })]) }
    file += PickleMaker.make { maker in
      maker.dict([
        (
          "w",
          { maker in
            maker.global("torch._utils", "_rebuild_tensor_v2")
            maker.op("(")
            maker.op("(")
            maker.text("storage")
            maker.global("torch", "FloatStorage")
            maker.text("94")
            maker.text("cpu")
            maker.int(count)
            maker.op("N")
            maker.op("t")
            maker.op("Q")
            maker.int(0)
            maker.ints([4])
            maker.ints([1])
            maker.bytes.append(0x89)
            maker.op("N")
            maker.op("t")
            maker.op("R")
          }
        )
      ])
    }
    file += PickleMaker.make { maker in
      maker.op("]")
      maker.text(key)
      maker.op("a")
    }
    return file + UInt64(bitPattern: Int64(count)).littleEndianBytes + (0..<16).map { UInt8($0) }
  }
}

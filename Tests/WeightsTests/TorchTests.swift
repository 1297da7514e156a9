import Foundation
import Storage
import Support
import Testing
import Weights

/// Checkpoints of PyTorch; what PyTorch itself wrote is in TorchPeerTests.
@Suite struct TorchTests {
  private static let content = (0..<96).map { UInt8($0) }

  /// Stores an archive and returns the tensors found in it.
  private func cut(
    _ pickle: [UInt8], _ storages: [(key: String, content: [UInt8])] = [("0", content)]
  ) throws -> [Expected] {
    try cut(archive: torch(pickle, storages))
  }

  private func cut(archive: [UInt8]) throws -> [Expected] {
    try withBlobs { blobs in
      let (container, tensors) = try blobs.cut(archive, "checkpoint.pt")
      #expect(container == .torch)
      #expect(try Blob.verify(blobs.store, full: true) == [])
      return tensors
    }
  }

  /// A pickle of one tensor with the name `w` on the storage `0` of 24 floats.
  private func one(
    _ shape: [Int], offset: Int = 0, strides: [Int]? = nil, type: String = "FloatStorage",
    count: Int = 24
  ) -> [UInt8] {
    PickleMaker.make { maker in
      maker.dict([
        ("w", { $0.tensor(type, "0", count: count, offset: offset, shape, strides: strides) })
      ])
    }
  }

  private static let unknown = [Expected("data/0", "UNKNOWN", [96], content)]

  @Test func `a tensor has the shape in which its values lie`() throws {
    let cases: [([Int], [Int]?, [Int])] = [
      ([4, 6], nil, [4, 6]), ([6, 4], [1, 6], [4, 6]), ([2, 3, 4], [1, 2, 6], [4, 3, 2]),
      ([24, 1], [1, 7], [24, 1]), ([1, 24], [0, 1], [1, 24]), ([24], nil, [24]),
    ]
    for (shape, strides, found) in cases {
      #expect(
        try cut(one(shape, strides: strides)) == [Expected("w", "F32", found, Self.content)],
        "\(shape) \(strides ?? [])")
    }
    // Values that lie apart: the storage as it is, by the tensor's name.
    for (shape, strides) in [([4, 3], [6, 1]), ([24, 2], [1, 0]), ([3], [5])] {
      #expect(
        try cut(one(shape, strides: strides)) == [Expected("w", "F32", [24], Self.content)])
    }
    #expect(try cut(one([0, 3])) == Self.unknown)  // shows none of its 24 values
  }

  @Test func `every type of storage has its name in safetensors`() throws {
    let types = [
      ("DoubleStorage", "F64", 8), ("HalfStorage", "F16", 2), ("BFloat16Storage", "BF16", 2),
      ("LongStorage", "I64", 8), ("IntStorage", "I32", 4), ("ShortStorage", "I16", 2),
      ("CharStorage", "I8", 1), ("ByteStorage", "U8", 1), ("BoolStorage", "BOOL", 1),
      ("ComplexFloatStorage", "C64", 8),
    ]
    for (type, name, size) in types {
      let pickle = one([96 / size], type: type, count: 96 / size)
      #expect(try cut(pickle) == [Expected("w", name, [96 / size], Self.content)], "\(type)")
    }
    #expect(try cut(one([96], type: "QInt8Storage", count: 96)) == Self.unknown)
    #expect(try cut(one([23], count: 23)) == Self.unknown)  // the storage has another size
    #expect(  // a tensor is larger than its storage
      try cut(one([5, 5])) == [Expected("w", "F32", [24], Self.content)])
  }

  @Test func `numbers in the other byte order are opaque`() throws {
    let archive = zip(torchEntries(one([24]), [("0", Self.content)], byteOrder: "big"))
    #expect(try cut(archive: archive) == [Expected("w", ">F32", [24], Self.content)])
  }

  @Test func `tensors that share a storage are its parts, and tied ones have the first name`()
    throws
  {
    let pickle = PickleMaker.make { maker in
      maker.dict([
        ("b", { $0.tensor("FloatStorage", "0", count: 24, offset: 8, [4, 2]) }),
        ("a", { $0.tensor("FloatStorage", "0", count: 24, [8]) }),
        ("tied", { $0.tensor("FloatStorage", "0", count: 24, [8]) }),
        ("inside", { $0.tensor("FloatStorage", "0", count: 24, offset: 2, [3]) }),
        ("beyond", { $0.tensor("FloatStorage", "0", count: 24, offset: 20, [5]) }),
      ])
    }
    #expect(
      try cut(pickle) == [
        Expected("a", "F32", [8], Array(Self.content[..<32])),
        Expected("b", "F32", [4, 2], Array(Self.content[32..<64])),
      ])
  }

  @Test func `tensors are named by the keys that lead to them`() throws {
    let pickle = PickleMaker.make { maker in
      maker.dict([
        (
          "optimizer",
          { maker in
            maker.op("}")
            maker.int(7)
            maker.dict([("exp_avg", { $0.tensor(count: 24, "0") })])
            maker.op("s")
          }
        ),
        (
          "list",
          { maker in
            maker.op("]")
            maker.op("(")
            maker.int(1)
            maker.tensor(count: 24, "1")
            maker.op("e")
          }
        ),
        (
          "module",
          { maker in
            // An object of a class that nobody knows, with its state.
            maker.global("my.models", "Net")
            maker.op(")")
            maker.bytes.append(0x81)
            maker.dict([
              (
                "_modules",
                {
                  $0.dict([
                    (
                      "fc",
                      {
                        $0.dict([
                          ("_parameters", { $0.dict([("weight", { $0.tensor(count: 24, "2") })]) })
                        ])
                      }
                    )
                  ])
                }
              )
            ])
            maker.op("b")
          }
        ),
      ])
    }
    let names = try cut(pickle, ["0", "1", "2"].map { ($0, Self.content) }).map(\.name)
    #expect(names == ["optimizer.7.exp_avg", "list.1", "module.fc.weight"])
  }

  @Test func `a storage that the pickle does not explain has its own key`() throws {
    let whole = one([24])
    var deep: [UInt8] = [0x80, 2]
    deep += [UInt8](repeating: 0x5D, count: 300_000) + [UInt8](repeating: 0x61, count: 299_999)
    let wrong: [(String, [UInt8])] = [
      ("empty", []), ("no pickle", Array("hello".utf8)), ("cut off", Array(whole.dropLast(9))),
      ("only an end", [0x80, 2, 0x2E]), ("an unknown opcode", [0x80, 2, 0x82, 1, 0x2E]),
      ("text opcodes", Array("I1\n.".utf8)), ("nothing on the stack", [0x80, 2, 0x61, 0x2E]),
      ("no mark", [0x80, 2, 0x74, 0x2E]), ("memo of nothing", [0x80, 2, 0x68, 9, 0x2E]),
      ("a memo at 2^32", [0x80, 2, 0x4E, 0x72, 255, 255, 255, 255, 0x2E]),
      ("a text of 2^64", [0x80, 2, 0x8D] + .init(repeating: 255, count: 8) + [0x2E]),
      ("a number of 2^31 bytes", [0x80, 2, 0x8B, 255, 255, 255, 127, 0x2E]),
      ("a number of -1 bytes", [0x80, 2, 0x8B, 255, 255, 255, 255, 0x2E]),
      ("pairs without a value", [0x80, 2, 0x7D, 0x28, 0x4E, 0x75, 0x2E]),
      ("a loop", [0x80, 2, 0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E]),
      ("a loop through itself", [0x80, 2, 0x7D, 0x71, 0, 0x4E, 0x68, 0, 0x73, 0x2E]),
      ("lists in lists", deep + [0x2E]), ("lists in lists, not closed", deep),
      ("an endless stack", .init(repeating: 0x4E, count: 2_000_000)),
      ("endless marks", .init(repeating: 0x28, count: 2_000_000)),
      ("endless lists", .init(repeating: 0x5D, count: 2_000_000)),
    ]
    for (what, pickle) in wrong { #expect(try cut(pickle) == Self.unknown, "\(what)") }
  }

  @Test func `a billion laughs are told once`() throws {
    let pickle = PickleMaker.make { maker in
      maker.op("]")
      for place in UInt8(0)..<60 {  // a list of ten times the last list, sixty times
        maker.bytes += [0x71, place, 0x30, 0x5D, 0x28]
        for _ in 0..<10 { maker.bytes += [0x68, place] }
        maker.op("e")
      }
      maker.tensor(count: 24, "0")
      maker.op("a")
    }
    #expect(try cut(pickle) == [Expected("10", "F32", [24], Self.content)])
  }

  @Test func `names that are too deep or too long are the storage's key`() throws {
    func pickle(depth: Int, key: String) -> [UInt8] {
      PickleMaker.make { maker in
        for _ in 0..<depth {
          maker.op("}")
          maker.text(key)
        }
        maker.tensor(count: 24, "0")
        for _ in 0..<depth { maker.op("s") }
      }
    }
    let deep = try cut(pickle(depth: 64, key: "a"))
    #expect(deep.map(\.name) == [Array(repeating: "a", count: 64).joined(separator: ".")])
    #expect(try cut(pickle(depth: 65, key: "a")) == Self.unknown)
    #expect(try cut(pickle(depth: 2, key: String(repeating: "k", count: 1000))) == Self.unknown)
  }

  @Test func `nothing that a pickle names is looked up`() throws {
    let pickle = PickleMaker.make { maker in
      maker.global("os", "system")
      maker.op("(")
      maker.text("touch /tmp/never")
      maker.op("t")
      maker.op("R")
    }
    #expect(try cut(pickle) == Self.unknown)
    #expect(!FileManager.default.fileExists(atPath: "/tmp/never"))
  }
}

extension PickleMaker {
  /// A tensor that is all of a storage of floats.
  mutating func tensor(count: Int, _ key: String) {
    tensor("FloatStorage", key, count: count, [count])
  }
}

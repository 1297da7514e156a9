import Foundation
import Support
import Testing

/// A base, a child and a grandchild of many types, whose chunks need every way of storing.
struct WalkedLineage {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// Imports the three, and bytes without a structure.
  mutating func fill(_ binary: Binary) throws {
    var tensors = base()
    var versions = [("base", tensors)]
    for name in ["child", "grandchild"] {
      tensors = moved(tensors)
      versions.append((name, tensors))
    }
    var parent: String?
    for (name, tensors) in versions {
      var file = SafetensorsFixture()
      for (name, dtype, bytes) in tensors {
        let width = Self.widths[dtype] ?? 1
        file.add(name, dtype, [bytes.count / width], bytes: bytes)
      }
      let folder = try file.write(to: binary.folder.appending(path: name))
      if let parent {
        try binary("version", "add", name, name, "--parent", parent, "--relation", "finetune")
      } else {
        try Data(String(repeating: "a line of text\n", count: 5000).utf8)
          .write(to: folder.appending(path: "notes.txt"))
        try Data(random(5001)).write(to: folder.appending(path: "noise.bin"))
        try binary("base", "add", name, "--name", name)
      }
      parent = "\(name):1"
    }
  }

  private static let widths = [
    "F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2,
  ]

  private typealias Tensors = [(name: String, dtype: String, bytes: [UInt8])]

  private mutating func random(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// Numbers as a layer has them: eight uniform ones added.
  private mutating func weights(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      (0..<8).reduce(Float(0)) { sum, _ in sum + .random(in: -0.02...0.02, using: &generator) }
    }
  }

  private mutating func base() -> Tensors {
    let floats = weights(70_000)
    let half = floats.map { UInt16($0.bitPattern >> 16) }
    let small = (0..<20_000).map { _ in Int16.random(in: -300...300, using: &generator) }
    return [
      ("f32", "F32", Self.bytes(floats.map(\.bitPattern))),
      ("resized", "F32", Self.bytes(weights(9_000).map(\.bitPattern))),
      ("bf16", "BF16", Self.bytes(half)),
      ("f64", "F64", Self.bytes(floats.prefix(9_000).map { Double($0).bitPattern })),
      ("f16", "F16", Self.bytes(half.map { $0 & 0x83FF | 0x2C00 })),
      ("f8", "F8_E4M3", half.map { UInt8(truncatingIfNeeded: $0 >> 4) }),
      ("i64", "I64", Self.bytes(small.map { Int64($0) })),
      ("i32", "I32", Self.bytes(small.map { Int32($0) })),
      ("i16", "I16", Self.bytes(small)),
      ("shared", "I32", Self.bytes(small.map { 0x0500_0000 + Int32($0) + 300 })),
      ("flags", "BOOL", small.map { $0 > 0 ? 1 : 0 }),
      ("ones", "F32", Self.bytes([UInt32](repeating: 0x3F80_0000, count: 5_000))),
      ("scalar", "F32", Self.bytes([UInt32(0x4000_0000)])),
      ("noise", "U8", random(3_333)),
    ]
  }

  /// What training makes of it: most values move a little, whole rows do not; one tensor shrinks.
  private mutating func moved(_ tensors: Tensors) -> Tensors {
    tensors.map { name, dtype, bytes in
      if name == "resized" { return (name, dtype, Array(bytes.dropLast(4_000))) }
      if ["ones", "noise"].contains(name) { return (name, dtype, bytes) }
      let width = Self.widths[dtype] ?? 1
      var bytes = bytes
      for row in stride(from: 0, to: bytes.count, by: 512) where row / 512 % 3 != 0 {
        for place in stride(from: row, to: min(row + 512, bytes.count), by: width) {
          // The lowest bits of the lowest byte, or one bit alone, which a XOR says best.
          let move = UInt8.random(in: 0...7, using: &generator)
          bytes[place] = name == "i16" ? bytes[place] ^ (move & 1) << 6 : bytes[place] &+ move
        }
      }
      return (name, dtype, bytes)
    }
  }

  private static func bytes<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
    words.flatMap { word in withUnsafeBytes(of: word.littleEndian, Array.init) }
  }
}

import Foundation
import Support
import Testing

/// A base, a child and a grandchild of many types, a cast and a merged adapter, whose chunks need
/// every way of storing.
struct WalkedLineage {
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// Imports the five, and bytes without a structure.
  mutating func fill(_ binary: Binary) throws {
    let base = base()
    let child = moved(base)
    let versions: [(name: String, parent: String?, tensors: Tensors)] = [
      ("base", nil, base),
      ("child", "base", child),
      ("grandchild", "child", moved(child)),
      ("cast", "base", Self.cast(base)),
      ("adapted", "base", adapted(base)),
    ]
    for (name, parent, tensors) in versions {
      var file = SafetensorsFixture()
      for (name, dtype, bytes) in tensors {
        let count = bytes.count / (Self.widths[dtype] ?? 1)
        let isMatrix = Self.matrixNames.contains(name)
        file.add(name, dtype, isMatrix ? [Self.rows, Self.columns] : [count], bytes: bytes)
      }
      let folder = try file.write(to: binary.folder.appending(path: name))
      if let parent {
        try binary(
          "version", "add", name, name, "--parent", "\(parent):1", "--relation", "finetune")
      } else {
        try Data(String(repeating: "a line of text\n", count: 5000).utf8)
          .write(to: folder.appending(path: "notes.txt"))
        try Data(random(5001)).write(to: folder.appending(path: "noise.bin"))
        try binary("base", "add", name, "--name", name)
      }
    }
  }

  private static let matrixNames = ["layer.weight", "pruned.weight"]
  private static let rows = 128
  private static let columns = 256

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

  /// A matrix of which a tenth is zero.
  private mutating func prunedWeights() -> [Float] {
    weights(Self.rows * Self.columns).map { value in
      Int.random(in: 0..<10, using: &generator) == 0 ? 0 : value
    }
  }

  private mutating func base() -> Tensors {
    let floats = weights(70_000)
    let half = floats.map { UInt16($0.bitPattern >> 16) }
    let small = (0..<20_000).map { _ in Int16.random(in: -300...300, using: &generator) }
    return [
      ("f32", "F32", Self.bytes(floats.map(\.bitPattern))),
      ("resized", "F32", Self.bytes(weights(9_000).map(\.bitPattern))),
      (Self.matrixNames[0], "F32", Self.bytes(weights(Self.rows * Self.columns).map(\.bitPattern))),
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
      (Self.matrixNames[1], "F32", Self.bytes(prunedWeights().map(\.bitPattern))),
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

  /// What is F32 as BF16: the nearest values, of two equally near the one with an even last bit.
  private static func cast(_ tensors: Tensors) -> Tensors {
    tensors.filter { $0.dtype == "F32" }.map { name, _, bytes in
      let halves = floats(bytes).map { value in
        let bits = value.bitPattern
        return UInt16((bits + 0x7FFF + bits >> 16 & 1) >> 16)
      }
      return (name, "BF16", Self.bytes(halves))
    }
  }

  /// The matrices with a product of rank 4 added, as an adapter that is merged adds it; zeros stay.
  private mutating func adapted(_ tensors: Tensors) -> Tensors {
    let rank = 4
    let down = weights(rank * Self.columns).map(Double.init)
    let up = weights(Self.rows * rank).map(Double.init)
    return tensors.filter { Self.matrixNames.contains($0.name) }.map { name, dtype, bytes in
      let sums = Self.floats(bytes).enumerated().map { place, value in
        let (row, column) = place.quotientAndRemainder(dividingBy: Self.columns)
        let product = (0..<rank).reduce(0) { sum, index in
          sum + up[row * rank + index] * down[index * Self.columns + column]
        }
        return value == 0 ? 0 : Float(Double(value) + product)
      }
      return (name, dtype, Self.bytes(sums.map(\.bitPattern)))
    }
  }

  private static func floats(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: 4).map { place in
      let bits = bytes[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return Float(bitPattern: bits)
    }
  }

  private static func bytes<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
    words.flatMap { word in withUnsafeBytes(of: word.littleEndian, Array.init) }
  }
}

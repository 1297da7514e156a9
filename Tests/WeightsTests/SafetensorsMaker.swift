import Foundation

/// Numbers that are the same for the same seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  /// Weights as a trained layer has them: small, around zero.
  mutating func weights(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      Float.random(in: -1...1, using: &self) * Float.random(in: 0...0.1, using: &self)
    }
  }
}

/// A tensor for a file that a test makes.
struct MadeTensor {
  var name: String
  var dtype = "F32"
  var shape: [Int]
  var content: [UInt8]

  init(_ name: String, _ dtype: String, _ shape: [Int], _ content: [UInt8]) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.content = content
  }

  init(_ name: String, _ shape: [Int], _ values: [Float]) {
    self.init(name, "F32", shape, values.flatMap { $0.bitPattern.littleEndianBytes })
  }

  /// The values of a tensor of F32.
  var values: [Float] {
    stride(from: 0, to: content.count, by: 4).map { start in
      Float(bitPattern: content[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
  }
}

extension FixedWidthInteger {
  var littleEndianBytes: [UInt8] { withUnsafeBytes(of: littleEndian) { Array($0) } }
}

/// The bytes of a safetensors file with these tensors in this order.
func safetensors(_ tensors: [MadeTensor], metadata: String = "{\"format\":\"pt\"}") -> [UInt8] {
  var offset = 0
  var members = ["\"__metadata__\":\(metadata)"]
  for tensor in tensors {
    let end = offset + tensor.content.count
    members.append(
      "\"\(tensor.name)\":{\"dtype\":\"\(tensor.dtype)\",\"shape\":\(tensor.shape),"
        + "\"data_offsets\":[\(offset),\(end)]}")
    offset = end
  }
  return safetensors(
    header: "{\(members.joined(separator: ","))}", content: tensors.flatMap(\.content))
}

/// The bytes of a file with this header, whatever it says, and this content.
func safetensors(header: String, content: [UInt8] = []) -> [UInt8] {
  UInt64(header.utf8.count).littleEndianBytes + Array(header.utf8) + content
}

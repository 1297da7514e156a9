import Foundation
import Support
import Testing
import Weights

/// Seeded content that looks like weights, and what training does to it.
struct CodecData {
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  /// Uniformly random bytes.
  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  /// A normally distributed number (Box and Muller).
  mutating func normal() -> Double {
    let u = Double.random(in: .leastNonzeroMagnitude..<1, using: &generator)
    let v = Double.random(in: 0..<1, using: &generator)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * v)
  }

  /// Weights of standard deviation 0.05, as a layer's are.
  mutating func weights(_ count: Int) -> [Double] { (0..<count).map { _ in 0.05 * normal() } }

  /// The weights after some training: each moved by about `scale` of the deviation.
  mutating func trained(_ weights: [Double], scale: Double) -> [Double] {
    weights.map { $0 + scale * 0.05 * normal() }
  }

  /// Content of any type: weights in floats' formats, small numbers in integers'.
  mutating func content(_ element: DType?, bytes count: Int) -> [UInt8] {
    guard let element else { return self.bytes(count).map { $0 & 31 } }
    let values = weights(count / element.sizeBytes + 1)
    return Array(CodecData.encode(values, element).prefix(count))
  }

  /// The ends of a type's range: zeros, subnormals, infinities, NaNs with any payload, extremes.
  mutating func extremes(_ element: DType, bytes count: Int) -> [UInt8] {
    let bits = 8 * element.sizeBytes
    let fractionBits = [.f64: 52, .f32: 23, .f16: 10, .bf16: 7, .f8E4M3: 3][element] ?? 2
    let fractions = UInt64.max >> UInt64(64 - fractionBits)
    let exponents = UInt64.max >> UInt64(65 - bits) & ~fractions
    let words = (0..<count / element.sizeBytes + 1).flatMap { _ -> [UInt8] in
      let any = generator.next()
      let magnitude: UInt64 =
        switch any >> 60 & 7 {
        case 0: 0
        case 1: any & fractions
        case 2: exponents
        case 3: exponents | any & fractions
        case 4: exponents | fractions
        case 5: exponents - 1
        case 6: 1
        default: any
        }
      return littleEndian(magnitude | (any >> 63) << UInt64(bits - 1), size: element.sizeBytes)
    }
    return Array(words.prefix(count))
  }

  /// Values in the format of a type; the narrowest floats are cut, not rounded.
  static func encode(_ values: [Double], _ element: DType) -> [UInt8] {
    values.flatMap { value -> [UInt8] in
      let single = Float(value).bitPattern
      let pattern: UInt64 =
        switch element {
        case .f64: value.bitPattern
        case .f32: UInt64(single)
        case .bf16: UInt64((single &+ 0x7fff &+ (single >> 16 & 1)) >> 16)
        case .f16: UInt64(narrow(single, bias: 15, fractionBits: 10))
        case .f8E5M2: UInt64(narrow(single, bias: 15, fractionBits: 2))
        case .f8E4M3: UInt64(narrow(single, bias: 7, fractionBits: 3))
        case .bool: value > 0 ? 1 : 0
        default: UInt64(bitPattern: Int64(value * 1000))
        }
      return littleEndian(pattern, size: element.sizeBytes)
    }
  }

  private static func narrow(_ single: UInt32, bias: Int, fractionBits: Int) -> Int {
    let exponentBits = bias == 15 ? 5 : 4
    let exponent = Int(single >> 23 & 255) - 127 + bias
    let sign = Int(single >> 31) << (exponentBits + fractionBits)
    guard exponent > 0 else { return sign }
    let fraction = Int(single & 0x7f_ffff) >> (23 - fractionBits)
    return sign | exponent << fractionBits | fraction
  }
}

extension ChunkCodec {
  /// Encodes arrays.
  static func encode(
    _ content: [UInt8], _ element: DType?, base: [UInt8]? = nil, kernels: CodecKernels = .best
  ) throws -> Encoded {
    let content = GuardedMemory(content)
    let base = base.map { GuardedMemory($0) }
    return try withExtendedLifetime((content, base)) {
      try encode(
        UnsafeRawBufferPointer(content.bytes), element: element,
        base: base.map { UnsafeRawBufferPointer($0.bytes) }, kernels: kernels)
    }
  }

  /// Decodes arrays.
  static func decode(
    _ record: [UInt8], length: Int, base: [UInt8]? = nil, factor: [UInt8]? = nil,
    kernels: CodecKernels = .best
  ) throws -> [UInt8] {
    let content = GuardedMemory(count: length)
    let record = GuardedMemory(record)
    let base = base.map { GuardedMemory($0) }
    let factor = factor.map { GuardedMemory($0) }
    return try withExtendedLifetime((record, base, factor)) {
      try decode(
        UnsafeRawBufferPointer(record.bytes), into: content.bytes,
        base: base.map { UnsafeRawBufferPointer($0.bytes) },
        factor: factor.map { UnsafeRawBufferPointer($0.bytes) }, kernels: kernels)
      return content.prefix(length)
    }
  }
}

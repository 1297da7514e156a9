extension DType {
  /// Reads content as numbers, each exactly, except integers beyond 2^53, which are rounded.
  ///
  /// - Parameter content: Little-endian elements; what is left of a broken last one is ignored.
  /// - Returns: One number an element.
  package func values(_ content: [UInt8]) -> [Double] {
    content.withUnsafeBytes { bytes in
      switch self {
      case .f64: Self.map(bytes) { Double(bitPattern: $0) }
      case .f32: Self.map(bytes) { (bits: UInt32) in Double(Float(bitPattern: bits)) }
      case .bf16:
        Self.map(bytes) { (bits: UInt16) in Double(Float(bitPattern: UInt32(bits) << 16)) }
      case .f16:
        Self.map(bytes) { (bits: UInt16) in Self.small(bits, exponent: 5, fraction: 10) }
      case .f8E5M2: Self.map(bytes) { (bits: UInt8) in Self.small(bits, exponent: 5, fraction: 2) }
      case .f8E4M3: Self.map(bytes, Self.e4m3)
      case .i64: Self.map(bytes) { (bits: UInt64) in Double(Int64(bitPattern: bits)) }
      case .i32: Self.map(bytes) { (bits: UInt32) in Double(Int32(bitPattern: bits)) }
      case .i16: Self.map(bytes) { (bits: UInt16) in Double(Int16(bitPattern: bits)) }
      case .i8: Self.map(bytes) { (bits: UInt8) in Double(Int8(bitPattern: bits)) }
      case .u64: Self.map(bytes) { (bits: UInt64) in Double(bits) }
      case .u32: Self.map(bytes) { (bits: UInt32) in Double(bits) }
      case .u16: Self.map(bytes) { (bits: UInt16) in Double(bits) }
      case .u8, .bool: Self.map(bytes) { (bits: UInt8) in Double(bits) }
      }
    }
  }

  private static func map<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ value: (Bits) -> Double
  ) -> [Double] {
    let size = MemoryLayout<Bits>.size
    return (0..<bytes.count / size).map { index in
      value(Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Bits.self)))
    }
  }

  /// A float with a sign, an exponent and a fraction, with infinities and NaN as IEEE 754 has them.
  private static func small<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bits: Bits, exponent exponentBits: Int, fraction fractionBits: Int
  ) -> Double {
    let fraction = UInt64(bits) & (1 << fractionBits - 1)
    let exponent = Int(UInt64(bits) >> fractionBits & (1 << exponentBits - 1))
    let sign: Double = UInt64(bits) >> (exponentBits + fractionBits) == 0 ? 1 : -1
    let bias = 1 << (exponentBits - 1) - 1
    if exponent == 1 << exponentBits - 1 { return fraction == 0 ? sign * .infinity : .nan }
    if exponent == 0 {
      return sign * Double(sign: .plus, exponent: 1 - bias - fractionBits, significand: 1)
        * Double(fraction)
    }
    let pattern = UInt64(exponent - bias + 1023) << 52 | fraction << UInt64(52 - fractionBits)
    return sign * Double(bitPattern: pattern)
  }

  /// The E4M3 of the open compute project's specification: no infinities, NaN only at all ones.
  private static func e4m3(_ bits: UInt8) -> Double {
    if bits & 0x7F == 0x7F { return .nan }
    guard bits & 0x78 == 0x78 else { return small(bits, exponent: 4, fraction: 3) }
    return (bits < 0x80 ? 1 : -1) * 256 * (1 + Double(bits & 7) / 8)
  }
}

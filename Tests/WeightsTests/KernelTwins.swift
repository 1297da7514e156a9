import Foundation

/// The mappings of words in plain Swift, written from Format.md, on words held in 64 bits.
struct MappingTwin {
  let mapping: Int
  let bits: UInt64

  private var mask: UInt64 { UInt64.max >> (64 - bits) }
  private var top: UInt64 { 1 << (bits - 1) }

  private func zigzag(_ d: UInt64) -> UInt64 { (d & top == 0 ? d << 1 : ~(d << 1)) & mask }
  private func unzigzag(_ y: UInt64) -> UInt64 { (y & 1 == 0 ? y >> 1 : ~(y >> 1)) & mask }
  private func ordered(_ x: UInt64) -> UInt64 { (x & top == 0 ? x | top : ~x) & mask }
  private func unordered(_ o: UInt64) -> UInt64 { (o & top == 0 ? ~o : o ^ top) & mask }

  func map(_ x: UInt64, _ b: UInt64) -> UInt64 {
    switch mapping {
    case 1: (x << 1 | x >> (bits - 1)) & mask
    case 2: zigzag((x &- b) & mask)
    case 3: zigzag((ordered(x) &- ordered(b)) & mask)
    case 4: x ^ b
    default: x
    }
  }

  func unmap(_ y: UInt64, _ b: UInt64) -> UInt64 {
    switch mapping {
    case 1: (y >> 1 | y << (bits - 1)) & mask
    case 2: (unzigzag(y) &+ b) & mask
    case 3: unordered((unzigzag(y) &+ ordered(b)) & mask)
    case 4: y ^ b
    default: y
    }
  }
}

/// The little-endian word at an index.
func word(_ bytes: [UInt8], _ index: Int, _ width: Int) -> UInt64 {
  (0..<width).reduce(0) { $0 | UInt64(bytes[index * width + $1]) << UInt64(8 * $1) }
}

/// The lowest bytes of a number, lowest first.
func littleEndian(_ value: UInt64, size: Int) -> [UInt8] {
  (0..<UInt64(size)).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// The sums of `ckernels_moments`, in the same order: pair i in lane i mod 8, lanes pairwise.
struct MomentsTwin {
  private(set) var nonfiniteA = 0
  private(set) var nonfiniteB = 0
  private(set) var count = 0
  private var lanes = [[Double]](repeating: [Double](repeating: 0, count: 8), count: 6)

  init(_ a: [Double], _ b: [Double]) {
    for (index, (x, y)) in zip(a, b).enumerated() {
      if !x.isFinite { nonfiniteA += 1 }
      if !y.isFinite { nonfiniteB += 1 }
      guard x.isFinite, y.isFinite else { continue }
      count += 1
      let terms = [x, y, x * x, y * y, x * y, (x - y) * (x - y)]
      for (sum, term) in terms.enumerated() { lanes[sum][index % 8] += term }
    }
  }

  /// The sums of a, b, a², b², ab and (a − b)².
  var sums: [Double] {
    lanes.map { s in
      let four = (0..<4).map { s[$0] + s[$0 + 4] }
      return (four[0] + four[2]) + (four[1] + four[3])
    }
  }
}

/// The value of a narrow float, by the definition of its format.
func narrowFloat(_ bits: Int, exponentBits: Int, fractionBits: Int, hasInfinity: Bool) -> Double {
  let sign = bits >> (exponentBits + fractionBits) == 0 ? 1.0 : -1.0
  let exponent = bits >> fractionBits & (1 << exponentBits - 1)
  let fraction = bits & (1 << fractionBits - 1)
  let bias = 1 << (exponentBits - 1) - 1
  let allOnes = exponent == 1 << exponentBits - 1
  if hasInfinity, allOnes { return fraction == 0 ? sign * .infinity : .nan }
  if !hasInfinity, allOnes, fraction == 1 << fractionBits - 1 { return .nan }
  let part = Double(fraction) / pow(2, Double(fractionBits))
  return exponent == 0
    ? sign * part * pow(2, Double(1 - bias)) : sign * (1 + part) * pow(2, Double(exponent - bias))
}

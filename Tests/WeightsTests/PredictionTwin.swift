import Foundation
import Weights

/// Predictions in plain Swift, written from Format.md.
enum PredictionTwin {
  /// What is known of a type of floats.
  private struct Layout {
    let exponentBits: Int
    let fractionBits: Int
    var hasInfinity = true

    var bias: Int { 1 << (exponentBits - 1) - 1 }
    var allOnes: Int { (1 << exponentBits - 1) << fractionBits }
    /// What nothing exceeds.
    var largest: Int { hasInfinity ? allOnes : allOnes + (1 << fractionBits) - 2 }
  }

  private static func layout(_ element: DType) -> Layout {
    switch element {
    case .f64: Layout(exponentBits: 11, fractionBits: 52)
    case .f32: Layout(exponentBits: 8, fractionBits: 23)
    case .f16: Layout(exponentBits: 5, fractionBits: 10)
    case .bf16: Layout(exponentBits: 8, fractionBits: 7)
    case .f8E5M2: Layout(exponentBits: 5, fractionBits: 2)
    default: Layout(exponentBits: 4, fractionBits: 3, hasInfinity: false)
    }
  }

  /// A value: its sign and its magnitude, or what else it is.
  private enum Value {
    case finite(Double)
    case infinite
    /// The fraction, moved up to 52 bits.
    case notNumber(Int)
  }

  private static func value(_ pattern: UInt64, _ element: DType) -> (isNegative: Bool, Value) {
    let layout = layout(element)
    let bits = layout.exponentBits + layout.fractionBits
    let magnitude = Int(pattern & (1 << UInt64(bits) - 1))
    let fraction = magnitude & (1 << layout.fractionBits - 1)
    let isNegative = pattern >> UInt64(bits) & 1 == 1
    if magnitude > layout.largest {
      return (isNegative, .notNumber(fraction << (52 - layout.fractionBits)))
    }
    if layout.hasInfinity, magnitude == layout.largest { return (isNegative, .infinite) }
    let exponent = magnitude >> layout.fractionBits
    let whole = Double(exponent == 0 ? fraction : fraction | 1 << layout.fractionBits)
    let power = max(exponent, 1) - layout.bias - layout.fractionBits
    return (isNegative, .finite(scalbn(whole, power)))
  }

  private static func pattern(_ value: Value, isNegative: Bool, _ element: DType) -> UInt64 {
    let layout = layout(element)
    let magnitude: Int
    switch value {
    case .finite(let value):
      let exponent = value == 0 ? 1 - layout.bias : max(Int(value.exponent), 1 - layout.bias)
      let places = scalbn(value, layout.fractionBits - exponent).rounded(.toNearestOrEven)
      let above = (exponent + layout.bias - 1) << layout.fractionBits
      magnitude = min(above + Int(places), layout.largest)
    case .infinite:
      magnitude = layout.largest
    case .notNumber(let fraction):
      let kept = fraction >> (52 - layout.fractionBits)
      let top = 1 << (layout.fractionBits - 1)
      switch element {
      case .f64, .f32: magnitude = layout.allOnes | (kept == 0 ? top : kept)
      case .f16: magnitude = layout.allOnes | top | kept
      case .bf16: magnitude = 0x7fc0
      default: magnitude = 0x7f
      }
    }
    let sign: UInt64 = isNegative ? 1 << UInt64(layout.exponentBits + layout.fractionBits) : 0
    return UInt64(magnitude) | sign
  }

  /// The pattern of a value in another type.
  static func cast(_ pattern: UInt64, from source: DType, to target: DType) -> UInt64 {
    let (isNegative, value) = value(pattern, source)
    return self.pattern(value, isNegative: isNegative, target)
  }

  /// The elements of a base that predict so many of a chunk, continued with zeros.
  static func elements(of base: [UInt8], _ cast: Prediction.Cast, count: Int) -> [UInt8] {
    let sizeBytes = count * cast.source.sizeBytes
    let elements = base.dropFirst(cast.start * cast.source.sizeBytes).prefix(sizeBytes)
    return elements + [UInt8](repeating: 0, count: sizeBytes - elements.count)
  }

  /// The values of a factor.
  static func floats(_ bytes: [UInt8]) -> [Float] {
    (0..<bytes.count / 4).map { Float(bitPattern: UInt32(word(bytes, $0, 4))) }
  }

  /// The elements of some bytes in another type.
  static func cast(_ bytes: [UInt8], from source: DType, to target: DType) -> [UInt8] {
    (0..<bytes.count / source.sizeBytes).flatMap { index in
      littleEndian(
        cast(word(bytes, index, source.sizeBytes), from: source, to: target),
        size: target.sizeBytes)
    }
  }

  /// The elements of some bytes plus a product of matrices.
  static func addProduct(
    _ product: Prediction.LowRank, _ columnFactor: [Float], to bytes: [UInt8]
  ) -> [UInt8] {
    let (source, target) = (product.cast.source, product.cast.target)
    return (0..<bytes.count / source.sizeBytes).flatMap { index in
      let pattern = word(bytes, index, source.sizeBytes)
      let row = (product.firstColumn + index) / product.columns
      let column = (product.firstColumn + index) % product.columns
      var sum = 0.0
      for k in 0..<product.rank {
        let term =
          Double(product.rowFactor[row * product.rank + k])
          * Double(columnFactor[k * product.columns + column])
        sum += term
      }
      var result = cast(pattern, from: source, to: .f64)
      let base = Double(bitPattern: result)
      if base.isFinite && !(product.keepsZeros && base == 0) {
        let total = base + sum
        result = total.isNaN ? 0x7ff8_0000_0000_0000 : total.bitPattern
      }
      return littleEndian(cast(result, from: .f64, to: target), size: target.sizeBytes)
    }
  }
}

import Foundation

/// A decimal number read from bytes without making a string of it.
package struct DecimalNumber {
  /// The nearest Double; infinite where the number is beyond its range.
  package let value: Double
  /// The index of the first byte after it.
  package let end: Int
  /// Whether JSON's grammar allows the spelling: no `+5`, `.5`, `5.` or `05`.
  package let isJSON: Bool

  /// Reads the longest number at an index; nil where none starts.
  ///
  /// Up to 15 digits and small powers of ten are exact in one operation; `strtod` rounds the rest.
  package init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    var cursor = Cursor(bytes: bytes, index: start)
    let sign = cursor.sign()
    let wholeStart = cursor.index
    let wholeCount = cursor.takeDigits()
    let hasPoint = cursor.take(46)
    let fractionCount = hasPoint ? cursor.takeDigits() : 0
    guard wholeCount + fractionCount > 0 else { return nil }
    let power = cursor.exponent() - fractionCount
    end = cursor.index
    let isPadded = wholeCount > 1 && bytes[wholeStart] == 48
    isJSON = sign != 43 && wholeCount > 0 && !(hasPoint && fractionCount == 0) && !isPadded
    if cursor.digits <= 15, power.magnitude < Self.powers.count {
      let scale = Self.powers[Int(power.magnitude)]
      let mantissa = Double(cursor.mantissa)
      let magnitude = power < 0 ? mantissa / scale : mantissa * scale
      value = sign == 45 ? -magnitude : magnitude
    } else {
      value = Self.rounded(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]

  private static func rounded(_ text: UnsafeRawBufferPointer) -> Double {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
      for index in 0..<text.count { copy[index] = CChar(bitPattern: text[index]) }
      copy[text.count] = 0
      return copy.baseAddress.map { strtod($0, nil) } ?? .nan
    }
  }

  private struct Cursor {
    let bytes: UnsafeRawBufferPointer
    var index: Int
    var mantissa: UInt64 = 0
    /// Digits of the mantissa, leading zeros aside.
    var digits = 0

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
      guard next == byte else { return false }
      index += 1
      return true
    }

    mutating func sign() -> UInt8? {
      guard let byte = next, byte == 45 || byte == 43 else { return nil }
      index += 1
      return byte
    }

    mutating func takeDigits() -> Int {
      let start = index
      while let byte = next, byte &- 48 < 10 {
        if digits < 19 { mantissa = mantissa &* 10 &+ UInt64(byte &- 48) }
        if digits > 0 || byte != 48 { digits += 1 }
        index += 1
      }
      return index - start
    }

    /// The exponent that follows; an `e` without digits is not part of the number.
    mutating func exponent() -> Int {
      let start = index
      guard let mark = next, mark | 32 == 101 else { return 0 }
      index += 1
      let isDown = sign() == 45
      var exponent = 0
      let firstDigit = index
      while let byte = next, byte &- 48 < 10 {
        exponent = min(exponent * 10 + Int(byte &- 48), 100_000)
        index += 1
      }
      if index == firstDigit { index = start }
      return isDown ? -exponent : exponent
    }
  }
}

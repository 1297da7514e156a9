package import Storage
import Weights

/// The optical recognition of handwritten digits: 1797 pictures of 8 × 8 pixels with their digits.
///
/// E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository,
/// https://doi.org/10.24432/C50P49, CC BY 4.0; the test part, as scikit-learn carries it. It comes
/// with the program, so that there is real input where there is no network.
package struct OpticalDigits: Sendable {
  /// How many pictures there are.
  package static let rowCount = 1797
  /// Pixels along each side of a picture.
  package static let side = 8
  /// How many pixels a picture has.
  package static let pixelCount = side * side
  /// The most ink in a pixel; the least is 0.
  package static let inkMax: UInt8 = 16

  /// The ink in each pixel, picture after picture, each row after row from the top.
  package let pixels: [UInt8]
  /// The digit that each picture shows.
  package let labels: [UInt8]

  /// Unpacks the pictures.
  ///
  /// - Throws: `corrupt` unless the text in this program is what was packed.
  package init() throws(RegistryError) {
    try self.init(packed: Self.packedText)
  }

  /// What `init(packed:)` unpacks.
  package static var packedText: [UInt8] { packed.withUTF8Buffer(Array.init) }

  /// Unpacks a text: lines of base 85, of a zlib stream of all labels, then all pixels by place in
  /// the picture, those of one place ordered by digit.
  ///
  /// - Throws: `corrupt` for any other text.
  package init(packed text: [UInt8]) throws(RegistryError) {
    let damaged = RegistryError(.corrupt, "the handwritten digits in this program are damaged")
    guard let stream = Self.bytes(ofBase85: text) else { throw damaged }
    var plain = [UInt8](repeating: 0, count: Self.rowCount * (1 + Self.pixelCount))
    do {
      try stream.withUnsafeBytes { stream in
        try plain.withUnsafeMutableBytes { try Deflate.inflate(stream, into: $0) }
      }
    } catch {
      throw damaged
    }
    let labels = Array(plain[..<Self.rowCount])
    guard labels.allSatisfy({ $0 < 10 }), plain.allSatisfy({ $0 <= Self.inkMax }) else {
      throw damaged
    }
    var pixels = [UInt8](repeating: 0, count: Self.rowCount * Self.pixelCount)
    let rows = labels.indices.sorted { (labels[$0], $0) < (labels[$1], $1) }
    for place in 0..<Self.pixelCount {
      for (rank, row) in rows.enumerated() {
        pixels[row * Self.pixelCount + place] = plain[(1 + place) * Self.rowCount + rank]
      }
    }
    (self.pixels, self.labels) = (pixels, labels)
  }

  /// The bytes of a text as Python's `base64.b85encode` writes it, newlines aside; nil for another.
  ///
  /// Five digits make four bytes, the first the highest; at the end, n + 1 digits make n bytes.
  static func bytes(ofBase85 text: [UInt8]) -> [UInt8]? {
    let newline = UInt8(ascii: "\n")
    let digits = text.lazy.filter { $0 != newline }
    guard digits.allSatisfy({ values[Int($0)] < 85 }) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 5 * 4)
    var (word, count) = (0 as UInt64, 0)
    for digit in digits {
      word = word * 85 + UInt64(values[Int(digit)])
      count += 1
      guard count == 5 else { continue }
      guard let whole = UInt32(exactly: word) else { return nil }
      bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: whole >> $0) }
      (word, count) = (0, 0)
    }
    guard count != 1 else { return nil }
    guard count > 0 else { return bytes }
    for _ in count..<5 { word = word * 85 + 84 }
    guard let last = UInt32(exactly: word) else { return nil }
    bytes += [24, 16, 8].prefix(count - 1).map { UInt8(truncatingIfNeeded: last >> $0) }
    return bytes
  }

  /// What each byte is worth as a digit of base 85; 255 for one that is none.
  private static let values: [UInt8] = {
    let alphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
    var values = [UInt8](repeating: 255, count: 256)
    for (value, byte) in alphabet.utf8.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()
}

extension OpticalDigits {
  /// The picture of a row, moved; what leaves its frame is lost, and what comes in is blank.
  ///
  /// - Parameters:
  ///   - row: Below `rowCount`.
  ///   - right: How many pixels it is moved to the right; below 0 to the left.
  ///   - down: How many pixels it is moved down; below 0 up.
  /// - Returns: The ink in each pixel, row after row from the top.
  package func picture(_ row: Int, right: Int = 0, down: Int = 0) -> [UInt8] {
    var moved = [UInt8](repeating: 0, count: Self.pixelCount)
    for y in 0..<Self.side {
      for x in 0..<Self.side {
        let (fromX, fromY) = (x - right, y - down)
        guard (0..<Self.side).contains(fromX), (0..<Self.side).contains(fromY) else { continue }
        moved[y * Self.side + x] = pixels[row * Self.pixelCount + fromY * Self.side + fromX]
      }
    }
    return moved
  }

  /// A picture turned by a quarter to the left.
  ///
  /// - Parameter picture: The ink in each pixel, row after row from the top.
  /// - Returns: The same of the turned picture.
  package static func turned(_ picture: [UInt8]) -> [UInt8] {
    picture.indices.map { picture[$0 % side * side + side - 1 - $0 / side] }
  }
}

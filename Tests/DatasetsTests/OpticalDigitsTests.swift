import Datasets
import Storage
import Testing

@Suite struct OpticalDigitsTests {
  /// What Tests/Python/pack_digits.py prints of scikit-learn 1.9's `load_digits()`.
  @Test func `the packed digits are scikit-learn's, byte for byte`() throws {
    let digits = try OpticalDigits()
    #expect(digits.labels.count == 1797)
    #expect(digits.pixels.count == 1797 * 64)
    #expect(digits.pixels.reduce(0) { $0 + Int($1) } == 561_718)
    let counts = (0..<10 as Range<UInt8>).map { digit in digits.labels.count { $0 == digit } }
    #expect(counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    #expect(
      Digest(of: digits.pixels).hex
        == "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3")
    #expect(
      Digest(of: digits.labels).hex
        == "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0")
  }

  @Test func `a damaged text gives an error, never other digits`() throws {
    let text = OpticalDigits.packedText
    for place in stride(from: 0, to: text.count, by: 997) where text[place] != 10 {
      var damaged = text
      damaged[place] = text[place] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
      let error = #expect(throws: RegistryError.self) { try OpticalDigits(packed: damaged) }
      #expect(error?.kind == .corrupt, "place \(place)")
    }
    let ascii = Array("a".utf8)
    for other in [
      [], ascii, Array("~~~~~".utf8), Array("aaaa\"".utf8), Array(text.dropLast()), text + ascii,
      text + text,
    ] {
      let error = #expect(throws: RegistryError.self) { try OpticalDigits(packed: other) }
      #expect(error?.kind == .corrupt)
    }
  }

  @Test func `a moved picture keeps what stays in its frame`() throws {
    let digits = try OpticalDigits()
    let row = 11
    let picture = Array(digits.pixels[row * 64..<(row + 1) * 64])
    #expect(digits.picture(row) == picture)
    let moved = digits.picture(row, right: 1, down: -1)
    for y in 0..<8 {
      for x in 0..<8 {
        let isInside = x >= 1 && y <= 6
        #expect(moved[y * 8 + x] == (isInside ? picture[(y + 1) * 8 + x - 1] : 0), "\(x), \(y)")
      }
    }
    #expect(digits.picture(row, right: 8) == [UInt8](repeating: 0, count: 64))
  }

  @Test func `a picture turned once has its right side on top, and four turns undo each other`() {
    let picture = (0..<64).map(UInt8.init)
    let turned = OpticalDigits.turned(picture)
    #expect(turned.prefix(8) == [7, 15, 23, 31, 39, 47, 55, 63])
    #expect(turned.suffix(8) == [0, 8, 16, 24, 32, 40, 48, 56])
    #expect((0..<3).reduce(turned) { picture, _ in OpticalDigits.turned(picture) } == picture)
  }
}

import Storage
import Support
import Testing

@Suite struct JSONTests {
  @Test(arguments: 1...200 as ClosedRange<UInt64>)
  func `what is written is read back`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let value = Self.value(depth: 4, &random)
    for text in [value.text(), value.text(indent: 2)] {
      #expect(try JSON.parse(Array(text.utf8)) == value, "seed \(seed)")
    }
    let canonical = value.text(canonical: true)
    #expect(try JSON.parse(Array(canonical.utf8)).text(canonical: true) == canonical)
  }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "[1 2]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "1.", ".5", "1e",
    "-",
    "+1", "nul", "truee", "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
    "\"\u{1}\"",
    "{\"a\":1,\"a\":2}", "{\"\\u0061\":1,\"a\":2}", "1 1", "[1]]", "NaN", "Infinity", "-Infinity",
  ]) func `malformed text is refused`(text: String) {
    let error = #expect(throws: RegistryError.self) { try JSON.parse(Array(text.utf8)) }
    #expect(error?.kind == .invalidInput)
  }

  @Test func `bytes that are no UTF-8 and endless nesting are refused`() {
    let nested = [UInt8](repeating: 91, count: 1_000_000)
    for bytes in [nested, [34, 0xFF, 34], [34, 0xC0, 0x80, 34], [34, 0xED, 0xA0, 0x80, 34]] {
      #expect(throws: RegistryError.self) { try JSON.parse(bytes) }
    }
  }

  @Test func `every cut of a text is refused without a trap`() throws {
    let text = Array(#"{"a": [1, -2.5e3, "x\né\ud83d\ude00"], "b": {"c": null}}"#.utf8)
    _ = try JSON.parse(text)
    for length in 0..<text.count {
      #expect(throws: RegistryError.self) { try JSON.parse(Array(text[..<length])) }
    }
  }

  @Test func `names that only look equal are two keys`() throws {
    let value = try JSON.parse(Array("{\"\u{E9}\": 1, \"e\u{301}\": 2}".utf8))
    #expect(value["\u{E9}"]?.integer == 1)
    #expect(value["e\u{301}"]?.integer == 2)
  }

  @Test func `numbers keep their value, and Python's words are numbers where allowed`() throws {
    #expect(try JSON.parse(Array("9223372036854775807".utf8)) == .integer(.max))
    #expect(try JSON.parse(Array("9223372036854775808".utf8)) == .number(9223372036854775808))
    #expect(try JSON.parse(Array("-Infinity".utf8), allowsNonFinite: true) == .number(-.infinity))
    #expect(try JSON.parse(Array("NaN".utf8), allowsNonFinite: true).double?.isNaN == true)
    #expect(JSON.number(.nan).text() == "\"NaN\"")
  }

  private static func value(depth: Int, _ random: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth == 0 ? 5 : 7), using: &random) {
    case 0: .null
    case 1: .bool(.random(using: &random))
    case 2: .integer(.random(in: .min ... .max, using: &random))
    case 3: .number(Double(bitPattern: .random(in: 0..<0x7FF0_0000_0000_0000, using: &random)))
    case 4: .string(text(&random))
    case 5:
      .array(
        (0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth: depth - 1, &random) })
    default:
      .object(
        (0..<Int.random(in: 0..<4, using: &random)).map {
          JSON.Member("\($0)" + text(&random), value(depth: depth - 1, &random))
        })
    }
  }

  private static func text(_ random: inout SeededGenerator) -> String {
    let scalars = (0..<Int.random(in: 0..<8, using: &random)).compactMap { _ in
      Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &random))
    }
    return String(String.UnicodeScalarView(scalars))
  }
}

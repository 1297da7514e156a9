import Storage
import Testing

@Suite struct ValueTests {
  @Test func `a digest is read from exactly 64 lower-case hex digits`() {
    let digest = Digest(of: Array("abc".utf8))
    #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(Digest(hex: digest.hex) == digest)
    for text in [
      "", "ba", digest.hex.uppercased(), digest.hex + "00", "../" + digest.hex.dropFirst(3),
    ] {
      #expect(Digest(hex: text) == nil)
    }
  }

  @Test func `content hashed in pieces has the digest of the whole`() {
    let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    var hasher = Digest.Hasher()
    for start in stride(from: 0, to: content.count, by: 77) {
      content[start..<min(start + 77, content.count)].withUnsafeBytes { hasher.update($0) }
    }
    #expect(hasher.finalize() == Digest(of: content))
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (1_763_910_000_125, "2025-11-23T15:00:00.125Z"),
    (-1, "1969-12-31T23:59:59.999Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
  ]) func `a time is written in ISO 8601`(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).iso8601 == text)
    _ = Timestamp(milliseconds: .max).iso8601
    _ = Timestamp(milliseconds: .min).iso8601
  }

  @Test(arguments: [
    ("plain", "plain"), ("", ""), ("a\nb\u{1B}[0m", "a\u{FFFD}b\u{FFFD}[0m"),
    (String(repeating: "a", count: 101), String(repeating: "a", count: 100) + "…"),
    (String(repeating: "é", count: 50), String(repeating: "é", count: 50)),
    (
      "e" + String(repeating: "\u{301}", count: 50),
      "e" + String(repeating: "\u{301}", count: 49) + "…"
    ),
  ]) func `text from outside is shown by its start, cut between scalars`(
    text: String, shown: String
  ) {
    #expect(text.excerpt.utf8.elementsEqual(shown.utf8))
  }
}

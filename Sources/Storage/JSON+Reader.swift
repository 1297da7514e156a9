extension JSON {
  /// Reads one JSON text strictly: RFC 8259, no key twice in an object, nothing after the value.
  ///
  /// - Parameters:
  ///   - bytes: The whole text in UTF-8.
  ///   - allowsNonFinite: Whether bare `NaN`, `Infinity` and `-Infinity` are numbers, as Python writes.
  /// - Returns: The value.
  /// - Throws: `invalidInput` with the byte offset of the first fault.
  /// - Complexity: O(n); at most 64 levels deep.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, allowsNonFinite: Bool = false
  ) throws(RegistryError) -> JSON {
    var reader = JSONReader(bytes: bytes, allowsNonFinite: allowsNonFinite)
    let value = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.offset == bytes.count else {
      throw reader.fault("unexpected content after the value")
    }
    return value
  }

  /// Reads one JSON text strictly; see the other overload.
  package static func parse(
    _ bytes: [UInt8], allowsNonFinite: Bool = false
  ) throws(RegistryError) -> JSON {
    try unsafeBytes(of: bytes) { buffer throws(RegistryError) in
      try parse(buffer, allowsNonFinite: allowsNonFinite)
    }
  }

  private static func unsafeBytes<Result>(
    of bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(RegistryError) -> Result
  ) throws(RegistryError) -> Result {
    let result: Swift.Result<Result, RegistryError> = bytes.withUnsafeBytes { buffer in
      do throws(RegistryError) { return .success(try body(buffer)) } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

private struct JSONReader {
  let bytes: UnsafeRawBufferPointer
  let allowsNonFinite: Bool
  var offset = 0

  static let depthMax = 64  // deeper than any config or header seen; bounds the recursion

  func fault(_ what: String) -> RegistryError {
    RegistryError(.invalidInput, "malformed JSON at byte \(offset): \(what)")
  }

  var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func skipBlanks() {
    while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { offset += 1 }
  }

  mutating func value(depth: Int) throws(RegistryError) -> JSON {
    guard depth < Self.depthMax else { throw fault("more than \(Self.depthMax) levels") }
    skipBlanks()
    switch next {
    case 123: return try object(depth: depth)
    case 91: return try array(depth: depth)
    case 34: return .string(try string())
    case 116: return try word("true", .bool(true))
    case 102: return try word("false", .bool(false))
    case 110: return try word("null", .null)
    case 78 where allowsNonFinite: return try word("NaN", .number(.nan))
    case 73 where allowsNonFinite: return try word("Infinity", .number(.infinity))
    case nil: throw fault("the text ends early")
    default: return try number()
    }
  }

  private mutating func word(_ text: String, _ value: JSON) throws(RegistryError) -> JSON {
    let end = offset + text.utf8.count
    guard end <= bytes.count, bytes[offset..<end].elementsEqual(text.utf8) else {
      throw fault("expected a value")
    }
    offset = end
    return value
  }

  private mutating func take(_ byte: UInt8, _ what: String) throws(RegistryError) {
    skipBlanks()
    guard next == byte else { throw fault("expected \(what)") }
    offset += 1
  }

  /// Whether a list goes on: takes `,` and says true, or the closing byte and says false.
  private mutating func goesOn(until close: UInt8) throws(RegistryError) -> Bool {
    skipBlanks()
    guard let byte = next, byte == 44 || byte == close else { throw fault("expected , or a close") }
    offset += 1
    return byte == 44
  }

  private mutating func array(depth: Int) throws(RegistryError) -> JSON {
    offset += 1
    skipBlanks()
    var elements: [JSON] = []
    if next == 93 {
      offset += 1
      return .array(elements)
    }
    repeat { elements.append(try value(depth: depth + 1)) } while try goesOn(until: 93)
    return .array(elements)
  }

  private mutating func object(depth: Int) throws(RegistryError) -> JSON {
    offset += 1
    skipBlanks()
    var members: [JSON.Member] = []
    var keys: Set<[UInt8]> = []
    if next == 125 {
      offset += 1
      return .object(members)
    }
    repeat {
      skipBlanks()
      guard next == 34 else { throw fault("expected a key in quotes") }
      let key = try string()
      guard keys.insert(Array(key.utf8)).inserted else {
        throw fault("the key '\(key.excerpt)' stands twice")
      }
      try take(58, ":")
      members.append(JSON.Member(key, try value(depth: depth + 1)))
    } while try goesOn(until: 125)
    return .object(members)
  }

  private mutating func string() throws(RegistryError) -> String {
    offset += 1
    let start = offset
    while let byte = next, byte != 34, byte != 92, byte >= 32 { offset += 1 }
    if next == 34 {
      defer { offset += 1 }
      return try text(Array(bytes[start..<offset]))
    }
    var out = Array(bytes[start..<offset])
    while true {
      guard let byte = next else { throw fault("the text ends inside a string") }
      offset += 1
      switch byte {
      case 34: return try text(out)
      case 92: try escape(into: &out)
      case 0..<32: throw fault("a control character in a string")
      default: out.append(byte)
      }
    }
  }

  private func text(_ utf8: [UInt8]) throws(RegistryError) -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw fault("a string is not UTF-8")
    }
    return text
  }

  private mutating func escape(into out: inout [UInt8]) throws(RegistryError) {
    guard let byte = next else { throw fault("the text ends inside a string") }
    offset += 1
    switch byte {
    case 34, 92, 47: out.append(byte)
    case 98: out.append(8)
    case 102: out.append(12)
    case 110: out.append(10)
    case 114: out.append(13)
    case 116: out.append(9)
    case 117: out += String(try scalar()).utf8
    default: throw fault("an unknown escape in a string")
    }
  }

  private mutating func scalar() throws(RegistryError) -> Character {
    var code = UInt32(try hexUnit())
    if (0xD800..<0xDC00).contains(code) {
      guard next == 92, offset + 1 < bytes.count, bytes[offset + 1] == 117 else {
        throw fault("half of a surrogate pair")
      }
      offset += 2
      let low = UInt32(try hexUnit())
      guard (0xDC00..<0xE000).contains(low) else { throw fault("half of a surrogate pair") }
      code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw fault("half of a surrogate pair") }
    return Character(scalar)
  }

  private mutating func hexUnit() throws(RegistryError) -> UInt16 {
    guard offset + 4 <= bytes.count else { throw fault("the text ends inside a string") }
    let digits = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
    guard !digits.hasPrefix("+"), !digits.hasPrefix("-"), let unit = UInt16(digits, radix: 16)
    else { throw fault("\\u needs four hex digits") }
    offset += 4
    return unit
  }

  private mutating func number() throws(RegistryError) -> JSON {
    let start = offset
    if next == 45 { offset += 1 }
    if allowsNonFinite, next == 73 { return try word("Infinity", .number(-.infinity)) }
    let whole = skipDigits()
    guard whole > 0, whole == 1 || bytes[offset - whole] != 48 else {
      throw fault("expected a value")
    }
    var isInteger = true
    if next == 46 {
      isInteger = false
      offset += 1
      guard skipDigits() > 0 else { throw fault("a number without digits after its point") }
    }
    if next == 101 || next == 69 {
      isInteger = false
      offset += 1
      if next == 43 || next == 45 { offset += 1 }
      guard skipDigits() > 0 else { throw fault("a number without digits in its exponent") }
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    if isInteger, let integer = Int64(text) { return .integer(integer) }
    guard let double = Double(text) else { throw fault("expected a value") }
    return .number(double)
  }

  private mutating func skipDigits() -> Int {
    let start = offset
    while let byte = next, (48...57).contains(byte) { offset += 1 }
    return offset - start
  }
}

/// A JSON value whose objects keep their order; NaN and infinities are written as strings.
package enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([Member])

  /// One key and value of an object.
  package struct Member: Sendable, Equatable {
    /// The key; compare its `utf8`, since `String` equality is canonical.
    package let key: String
    /// The value.
    package let value: JSON

    /// Makes a member.
    package init(_ key: String, _ value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// The member with exactly these bytes as its key; nil if there is none or this is no object.
  package subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  /// The string, if it is one.
  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The whole number, if it is one that fits.
  package var integer: Int64? {
    if case .integer(let number) = self { number } else { nil }
  }

  /// The number as a Double, if it is one.
  package var double: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .number(let number): number
    default: nil
    }
  }

  /// The elements, if it is an array.
  package var array: [JSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members, if it is an object.
  package var members: [Member]? {
    if case .object(let members) = self { members } else { nil }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral text: String) { self = .string(text) }
  package init(integerLiteral number: Int64) { self = .integer(number) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSON...) { self = .array(elements) }
  package init(dictionaryLiteral members: (String, JSON)...) {
    self = .object(members.map { Member($0.0, $0.1) })
  }

  /// A string, or null for nil.
  package init(_ text: String?) { self = text.map(JSON.string) ?? .null }
  /// A number, or null for nil.
  package init(_ number: Double?) { self = number.map(JSON.number) ?? .null }
  /// A whole number, or null for nil.
  package init(_ number: Int64?) { self = number.map(JSON.integer) ?? .null }
  /// A whole number, or null for nil.
  package init(_ number: Int?) { self = number.map { .integer(Int64($0)) } ?? .null }
  /// A time as ISO 8601, or null for nil.
  package init(_ time: Timestamp?) { self = time.map { .string($0.iso8601) } ?? .null }
}

extension JSON {
  /// The text of this value; objects in their order or, `canonical`, with keys sorted by their bytes.
  ///
  /// - Parameters:
  ///   - canonical: Whether equal objects must give equal bytes.
  ///   - indent: Spaces a level; nil for one line without blanks.
  /// - Returns: UTF-8 text without a newline at its end.
  package func text(canonical: Bool = false, indent: Int? = nil) -> String {
    var out: [UInt8] = []
    write(to: &out, canonical: canonical, indent: indent, level: 0)
    return String(decoding: out, as: UTF8.self)
  }

  private func write(to out: inout [UInt8], canonical: Bool, indent: Int?, level: Int) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let value): out += (value ? "true" : "false").utf8
    case .integer(let number): out += String(number).utf8
    case .number(let number): Self.write(number, to: &out)
    case .string(let text): Self.write(text, to: &out)
    case .array(let elements):
      Self.write(elements, "[", "]", to: &out, indent, level) { element, out in
        element.write(to: &out, canonical: canonical, indent: indent, level: level + 1)
      }
    case .object(let members):
      let ordered =
        canonical
        ? members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } : members
      Self.write(ordered, "{", "}", to: &out, indent, level) { member, out in
        Self.write(member.key, to: &out)
        out += (indent == nil ? ":" : ": ").utf8
        member.value.write(to: &out, canonical: canonical, indent: indent, level: level + 1)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], _ open: String, _ close: String, to out: inout [UInt8],
    _ indent: Int?, _ level: Int, _ body: (Element, inout [UInt8]) -> Void
  ) {
    func newline(_ level: Int) {
      guard let indent, !elements.isEmpty else { return }
      out.append(10)
      out += repeatElement(32, count: indent * level)
    }
    out += open.utf8
    for (index, element) in elements.enumerated() {
      if index > 0 { out.append(44) }
      newline(level + 1)
      body(element, &out)
    }
    newline(level)
    out += close.utf8
  }

  private static func write(_ number: Double, to out: inout [UInt8]) {
    if number.isNaN {
      out += "\"NaN\"".utf8
    } else if number.isInfinite {
      out += (number < 0 ? "\"-Infinity\"" : "\"Infinity\"").utf8
    } else {
      out += String(number).utf8
    }
  }

  private static func write(_ text: String, to out: inout [UInt8]) {
    out.append(34)
    for byte in text.utf8 {
      switch byte {
      case 34: out += "\\\"".utf8
      case 92: out += "\\\\".utf8
      case 10: out += "\\n".utf8
      case 13: out += "\\r".utf8
      case 9: out += "\\t".utf8
      case 0..<32, 127: out += ("\\u00" + [byte].hex).utf8
      default: out.append(byte)
      }
    }
    out.append(34)
  }
}

import Storage

/// A fault in a filter and where it is, counted in characters from 1.
struct FilterFault {
  let error: RegistryError

  init(_ column: Int, _ what: String, hint: String? = nil) {
    error = RegistryError(
      .invalidInput, "filter, column \(column): \(what)",
      hint: hint ?? "for example: val/f1 > 0.8 and params.lr < 1e-4 and tags.owner = \"ann\"")
  }
}

/// A word of the filter grammar.
struct FilterToken: Equatable {
  let kind: Kind
  /// Characters from 1.
  let column: Int

  enum Kind: Equatable {
    /// Outside quotes: a key, a number or a keyword.
    case word(String)
    /// A name with a part in back-ticks or double quotes: `metrics."val loss"`.
    case name(Name)
    /// '…' or "…"; what stands in double quotes may also be a key.
    case string(String, isKey: Bool)
    case comparison(Comparison)
    case open, close, comma, end
  }

  struct Name: Equatable {
    let entity: Entity?
    let key: String
  }

  /// What a name's part before the first dot says; ours and MLflow's words.
  enum Entity {
    case metric, parameter, tag, attribute

    init?(_ word: some StringProtocol) {
      switch word {
      case "metric", "metrics": self = .metric
      case "param", "params", "parameter", "parameters": self = .parameter
      case "tag", "tags": self = .tag
      case "attribute", "attributes", "attr", "run": self = .attribute
      default: return nil
      }
    }
  }

  /// The keyword or number in lower case; nil for anything but a bare word.
  var keyword: String? {
    if case .word(let text) = kind { text.lowercased() } else { nil }
  }

  /// The name that the token is at a place where a name is wanted.
  var name: Name? {
    switch kind {
    case .name(let name): return name
    case .string(let key, isKey: true): return Name(entity: nil, key: key)
    case .word(let text):
      let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let entity = Entity(parts[0]) else {
        return Name(entity: nil, key: text)
      }
      return Name(entity: entity, key: String(parts[1]))
    default: return nil
    }
  }

  /// Whether a character may stand in a bare word.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "(", ")", ",", "=", "!", "<", ">", "'", "\"", "`": false
    default: !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
    }
  }

  /// Cuts a filter into words; the last one is `end`.
  static func tokens(of text: String) throws(RegistryError) -> [FilterToken] {
    var scanner = FilterScanner(scalars: Array(text.unicodeScalars))
    var tokens: [FilterToken] = []
    repeat { tokens.append(try scanner.next()) } while tokens.last?.kind != .end
    return tokens
  }
}

private struct FilterScanner {
  let scalars: [Unicode.Scalar]
  var offset = 0

  var current: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

  mutating func next() throws(RegistryError) -> FilterToken {
    while let scalar = current, scalar.properties.isWhitespace { offset += 1 }
    let column = offset + 1
    guard let scalar = current else { return FilterToken(kind: .end, column: column) }
    return FilterToken(kind: try kind(scalar), column: column)
  }

  private mutating func kind(_ scalar: Unicode.Scalar) throws(RegistryError) -> FilterToken.Kind {
    switch scalar {
    case "(": return step(.open)
    case ")": return step(.close)
    case ",": return step(.comma)
    case "'": return .string(try quoted("'"), isKey: false)
    case "\"": return .string(try quoted("\""), isKey: true)
    case "`": return .name(FilterToken.Name(entity: nil, key: try quoted("`")))
    case "=", "!", "<", ">": return .comparison(try comparison())
    default: return try word()
    }
  }

  private mutating func step(_ kind: FilterToken.Kind) -> FilterToken.Kind {
    offset += 1
    return kind
  }

  private mutating func comparison() throws(RegistryError) -> Comparison {
    let start = offset
    while let scalar = current, "=!<>".unicodeScalars.contains(scalar) { offset += 1 }
    let text = String(String.UnicodeScalarView(scalars[start..<offset]))
    guard let comparison = Comparison(text) else {
      throw FilterFault(
        start + 1, "'\(text)' is no comparison", hint: "use one of =, !=, <, <=, >, >="
      ).error
    }
    return comparison
  }

  private mutating func word() throws(RegistryError) -> FilterToken.Kind {
    let start = offset
    while let scalar = current, FilterToken.isWord(scalar) { offset += 1 }
    guard offset > start else {
      throw FilterFault(start + 1, "a control character has no meaning here").error
    }
    let text = String(String.UnicodeScalarView(scalars[start..<offset]))
    guard let quote = current, quote == "`" || quote == "\"", text.hasSuffix("."),
      let entity = FilterToken.Entity(text.dropLast())
    else { return .word(text) }
    return .name(FilterToken.Name(entity: entity, key: try quoted(quote)))
  }

  /// The text between quotes; a doubled quote is one of them.
  private mutating func quoted(_ quote: Unicode.Scalar) throws(RegistryError) -> String {
    let start = offset
    var text = String.UnicodeScalarView()
    offset += 1
    while let scalar = current {
      offset += 1
      if scalar == quote {
        guard current == quote else { return String(text) }
        offset += 1
      }
      text.append(scalar)
    }
    throw FilterFault(
      start + 1, "the quote has no end", hint: "close it with \(Character(quote))"
    ).error
  }
}

import Storage

/// Reads the grammar by descent.
///
///     filter := all (OR all)*          all := one (AND one)*
///     one    := NOT one | '(' filter ')' | clause
///     clause := name (comparison value | [NOT] LIKE text | [NOT] ILIKE text
///               | [NOT] IN '(' value (',' value)* ')' | IS [NOT] NULL | IS [NOT] NAN)
struct FilterParser {
  let tokens: [FilterToken]
  private var index = 0
  private var clauseCount = 0

  init(tokens: [FilterToken]) {
    self.tokens = tokens
  }

  mutating func filter() throws(RegistryError) -> Filter {
    let filter = try anyOf(depth: 0)
    switch current.kind {
    case .end: return filter
    case .close: throw fault("this parenthesis was never opened")
    default: throw fault("expected 'and', 'or' or the end, found \(shown)")
    }
  }

  private var current: FilterToken { tokens[min(index, tokens.count - 1)] }

  private mutating func take(keyword: String) -> Bool {
    guard current.keyword == keyword else { return false }
    index += 1
    return true
  }

  private mutating func anyOf(depth: Int) throws(RegistryError) -> Filter {
    var parts = [try allOf(depth: depth)]
    while take(keyword: "or") { parts.append(try allOf(depth: depth)) }
    return parts.count == 1 ? parts[0] : .any(parts)
  }

  private mutating func allOf(depth: Int) throws(RegistryError) -> Filter {
    var parts = [try one(depth: depth)]
    while take(keyword: "and") { parts.append(try one(depth: depth)) }
    return parts.count == 1 ? parts[0] : .all(parts)
  }

  private mutating func one(depth: Int) throws(RegistryError) -> Filter {
    guard depth < Filter.depthMax else {
      throw fault("nested more than \(Filter.depthMax) levels deep")
    }
    if take(keyword: "not") { return .not(try one(depth: depth + 1)) }
    guard current.kind == .open else { return .clause(try clause()) }
    let opening = current
    index += 1
    let inner = try anyOf(depth: depth + 1)
    guard current.kind == .close else {
      if current.kind == .end {
        throw FilterFault(opening.column, "this parenthesis is never closed").error
      }
      throw fault("expected 'and', 'or' or ')', found \(shown)")
    }
    index += 1
    return inner
  }

  private mutating func clause() throws(RegistryError) -> Filter.Clause {
    clauseCount += 1
    guard clauseCount <= Filter.clausesMax else {
      throw fault("more than \(Filter.clausesMax) clauses")
    }
    let start = current
    guard let name = start.name, !["and", "or", "in", "is", "like"].contains(start.keyword)
    else { throw fault("expected a key, found \(shown)") }
    let field = try RunField(name, column: start.column)
    index += 1
    let test = try test(field)
    return Filter.Clause(field: field, test: test, column: start.column)
  }

  private mutating func test(_ field: RunField) throws(RegistryError) -> Filter.Test {
    if case .comparison(let comparison) = current.kind {
      index += 1
      return .compare(comparison, try literal(field))
    }
    if take(keyword: "is") { return try state(field) }
    let isNegated = take(keyword: "not")
    if take(keyword: "like") {
      return .like(try pattern(field), ignoresCase: false, isNegated: isNegated)
    }
    if take(keyword: "ilike") {
      return .like(try pattern(field), ignoresCase: true, isNegated: isNegated)
    }
    if take(keyword: "in") { return .isIn(try list(field), isNegated: isNegated) }
    throw fault(
      "expected a comparison after '\(field.name)', found \(shown)",
      hint: "use =, !=, <, <=, >, >=, like, ilike, in (…) or is null")
  }

  private mutating func state(_ field: RunField) throws(RegistryError) -> Filter.Test {
    let isNegated = take(keyword: "not")
    if take(keyword: "null") { return .isNull(isNegated: isNegated) }
    if case .metric = field, take(keyword: "nan") { return .isNaN(isNegated: isNegated) }
    throw fault("expected 'null' after 'is', found \(shown)")
  }

  private mutating func list(_ field: RunField) throws(RegistryError) -> [Filter.Literal] {
    guard current.kind == .open else { throw fault("expected '(' after 'in', found \(shown)") }
    var literals: [Filter.Literal] = []
    repeat {
      index += 1
      literals.append(try literal(field))
    } while current.kind == .comma
    guard current.kind == .close else { throw fault("expected ',' or ')', found \(shown)") }
    index += 1
    return literals
  }

  private mutating func pattern(_ field: RunField) throws(RegistryError) -> String {
    guard field.takesText else {
      throw fault("'\(field.name)' is a number, which 'like' does not match")
    }
    guard case .string(let text, _) = current.kind else {
      throw fault("expected a pattern in quotes, found \(shown)", hint: "for example: 'base-%'")
    }
    index += 1
    return field.stored(text)
  }

  private mutating func literal(_ field: RunField) throws(RegistryError) -> Filter.Literal {
    switch current.kind {
    case .string(let text, _):
      guard field.takesText || field.isTime else {
        throw fault(
          "'\(field.name)' is a number and never equals a text", hint: "leave the quotes out")
      }
      if field.isTime {
        guard let time = FilterTime.milliseconds(text) else {
          throw fault("'\(text)' is no time", hint: "write '2026-11-23' or '2026-11-23T18:30'")
        }
        index += 1
        return .number(Double(time))
      }
      index += 1
      return .text(field.stored(text))
    case .word(let word):
      guard let number = Parameter.number(word) else {
        throw fault(
          "expected a value, found \(shown)", hint: "put text in quotes: '\(word)'")
      }
      guard field.takesNumber else {
        throw fault("'\(field.name)' is a text", hint: "put the value in quotes: '\(word)'")
      }
      index += 1
      return .number(number)
    default: throw fault("expected a value, found \(shown)")
    }
  }

  private var shown: String {
    switch current.kind {
    case .word(let text): "'\(text)'"
    case .name(let name): "'\(name.key)'"
    case .string(let text, _): "'\(text)'"
    case .comparison(let comparison): "'\(comparison.rawValue)'"
    case .open: "'('"
    case .close: "')'"
    case .comma: "','"
    case .end: "the end"
    }
  }

  private func fault(_ what: String, hint: String? = nil) -> RegistryError {
    FilterFault(current.column, what, hint: hint).error
  }
}

extension RunField {
  fileprivate var takesText: Bool {
    switch self {
    case .attribute(let attribute): attribute.kind == .text
    case .metric: false
    case .parameter, .tag: true
    }
  }

  fileprivate var takesNumber: Bool {
    switch self {
    case .attribute(let attribute): attribute.kind != .text
    case .metric, .parameter: true
    case .tag: false
    }
  }

  fileprivate var isTime: Bool {
    if case .attribute(let attribute) = self { attribute.kind == .time } else { false }
  }
}

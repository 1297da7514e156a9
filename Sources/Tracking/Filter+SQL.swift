import GRDB

/// A query on `run` that grows; values are only ever bound.
struct RunQuery {
  private(set) var arguments: [any DatabaseValueConvertible] = []
  private var groups: [String] = []
  private let db: Database

  init(_ db: Database) {
    self.db = db
  }

  /// Binds a value and returns its mark.
  mutating func bind(_ value: any DatabaseValueConvertible) -> String {
    arguments.append(value)
    return "?\(arguments.count)"
  }

  /// Binds the number of a key, which may be unknown, and returns its mark.
  mutating func bind(key: String) throws -> String {
    bind(try KeyName.find(key, db) ?? -1)
  }

  /// What must precede `SELECT`.
  ///
  /// Each group in parentheses is a set of its own, because SQLite's parser nests no deeper than some tens.
  var prefix: String {
    guard !groups.isEmpty else { return "" }
    let sets = groups.enumerated().map { index, condition in
      "group\(index) AS MATERIALIZED (SELECT id FROM run WHERE \(condition))"
    }
    return "WITH " + sets.joined(separator: ", ") + " "
  }

  /// A condition on the row of `run` that is never null.
  mutating func condition(_ filter: Filter) throws -> String {
    switch filter {
    case .clause(let clause): return try condition(clause)
    case .not(let inner): return "run.id NOT IN \(try group(inner))"
    case .all(let parts):
      return try parts.map { try nested($0) }.joined(separator: " AND ")
    case .any(let parts):
      return try parts.map { try nested($0) }.joined(separator: " OR ")
    }
  }

  private mutating func nested(_ filter: Filter) throws -> String {
    switch filter {
    case .clause, .not: try condition(filter)
    case .all, .any: "run.id IN \(try group(filter))"
    }
  }

  private mutating func group(_ filter: Filter) throws -> String {
    groups.append(try condition(filter))
    return "group\(groups.count - 1)"
  }

  private mutating func condition(_ clause: Filter.Clause) throws -> String {
    switch clause.field {
    case .attribute(let attribute):
      if case .isNull(let isNegated) = clause.test {
        return "\(attribute.sql) IS \(isNegated ? "NOT " : "")NULL"
      }
      let column = Column(text: attribute.sql, number: attribute.sql)
      return "ifnull(\(test(clause.test, column)), 0)"
    case .metric(let key):
      return try condition(clause.test, key, "series", Column(text: "NULL", number: "latestValue"))
    case .parameter(let key):
      return try condition(clause.test, key, "parameter", Column(text: "value", number: "number"))
    case .tag(let key):
      return try condition(clause.test, key, "tag", Column(text: "value", number: "NULL"))
    }
  }

  private mutating func condition(
    _ test: Filter.Test, _ key: String, _ table: String, _ column: Column
  ) throws -> String {
    let rows = "(SELECT runId FROM \(table) WHERE keyNameId = \(try bind(key: key))"
    if case .isNull(let isNegated) = test {
      return "run.id \(isNegated ? "IN" : "NOT IN") \(rows))"
    }
    return "run.id IN \(rows) AND \(self.test(test, column)))"
  }

  /// Where a field's value is, by what it is compared with.
  private struct Column {
    let text: String
    let number: String
    /// Whether the number is a column that is null where the value is none, and not an attribute.
    var isStored: Bool { number == "latestValue" || number == "number" }
  }

  private mutating func test(_ test: Filter.Test, _ column: Column) -> String {
    switch test {
    case .compare(let comparison, let literal): return compare(comparison, literal, column)
    case .like(let pattern, let ignoresCase, let isNegated):
      let mark = bind(ignoresCase ? pattern : Self.glob(pattern))
      let word = ignoresCase ? "LIKE" : "GLOB"
      return "\(column.text) \(isNegated ? "NOT " : "")\(word) \(mark)"
    case .isIn(let literals, let isNegated):
      return list(literals, isNegated: isNegated, column)
    case .isNaN(let isNegated): return "\(column.number) IS \(isNegated ? "NOT " : "")NULL"
    case .isNull: return "1"
    }
  }

  /// One `IN` a kind of literal: a chain of `OR` is nested too deep for SQLite from 1,000 values on.
  private mutating func list(
    _ literals: [Filter.Literal], isNegated: Bool, _ column: Column
  ) -> String {
    let word = isNegated ? "NOT IN" : "IN"
    var numbers: [String] = []
    var texts: [String] = []
    for literal in literals {
      switch literal {
      case .number(let number): numbers.append(bind(number))
      case .text(let text): texts.append(bind(text))
      }
    }
    var parts: [String] = []
    if !numbers.isEmpty {
      let test = "\(column.number) \(word) (\(numbers.joined(separator: ", ")))"
      parts.append(isNegated && column.isStored ? "(\(column.number) IS NULL OR \(test))" : test)
    }
    if !texts.isEmpty { parts.append("\(column.text) \(word) (\(texts.joined(separator: ", ")))") }
    return "(" + parts.joined(separator: isNegated ? " AND " : " OR ") + ")"
  }

  /// A number that is there as another text, or as NaN, differs from every number and is nothing else.
  private mutating func compare(
    _ comparison: Comparison, _ literal: Filter.Literal, _ column: Column
  ) -> String {
    switch literal {
    case .number(let number):
      let test = "\(column.number) \(comparison.rawValue) \(bind(number))"
      return comparison == .notEqual && column.isStored
        ? "(\(column.number) IS NULL OR \(test))" : test
    case .text(let text): return "\(column.text) \(comparison.rawValue) \(bind(text))"
    }
  }

  /// SQLite's `LIKE` ignores the case of ASCII; `GLOB` does not.
  private static func glob(_ pattern: String) -> String {
    var glob = String.UnicodeScalarView()
    for scalar in pattern.unicodeScalars {
      switch scalar {
      case "%": glob.append("*")
      case "_": glob.append("?")
      case "*", "?", "[":
        glob.append("[")
        glob.append(scalar)
        glob.append("]")
      default: glob.append(scalar)
      }
    }
    return String(glob)
  }
}

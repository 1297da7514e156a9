package import Storage

/// A condition on runs, read from text and independent of how it is evaluated.
///
/// A clause on a key that the run lacks is false, `!=` included, except `is null`.
package indirect enum Filter: Equatable, Sendable {
  /// All of two or more.
  case all([Filter])
  /// Any of two or more.
  case any([Filter])
  case not(Filter)
  case clause(Clause)

  /// One field and what is asked of it.
  package struct Clause: Equatable, Sendable {
    /// What is looked at.
    package let field: RunField
    /// What is asked of it.
    package let test: Test
    /// Where the clause starts, in characters from 1, for a dialect that refuses it.
    package let column: Int

    /// Makes a clause whose literals fit the field.
    package init(field: RunField, test: Test, column: Int) {
      self.field = field
      self.test = test
      self.column = column
    }
  }

  /// What a clause asks; the literals fit the field.
  package enum Test: Equatable, Sendable {
    case compare(Comparison, Literal)
    /// `%` is any text and `_` any character.
    case like(String, ignoresCase: Bool, isNegated: Bool)
    case isIn([Literal], isNegated: Bool)
    case isNull(isNegated: Bool)
    /// Only of metrics.
    case isNaN(isNegated: Bool)
  }

  /// A value in a filter.
  package enum Literal: Equatable, Sendable {
    case number(Double)
    case text(String)
  }

  /// The longest text that is read.
  package static let bytesMax = 16 << 10
  /// The deepest nesting of parentheses and `not`.
  package static let depthMax = 100
  /// The most clauses in one filter.
  package static let clausesMax = 250

  /// Reads a filter.
  ///
  /// - Parameter text: `val/f1 > 0.8 and (params.lr < 1e-4 or tags.owner = "ann")`.
  /// - Returns: The condition.
  /// - Throws: `invalidInput` with the column of the fault and a hint.
  package static func parse(_ text: String) throws(RegistryError) -> Filter {
    guard text.utf8.count <= bytesMax else {
      throw RegistryError(
        .invalidInput, "the filter has \(text.utf8.count) bytes, \(bytesMax) are the most")
    }
    var parser = FilterParser(tokens: try FilterToken.tokens(of: text))
    return try parser.filter()
  }
}

/// How a field is compared with a value.
package enum Comparison: String, Sendable, CaseIterable {
  case equal = "="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="

  init?(_ text: String) {
    switch text {
    case "==": self = .equal
    case "<>": self = .notEqual
    default: self.init(rawValue: text)
    }
  }
}

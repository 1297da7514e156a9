package import Tracking

/// Runs and versions side by side: a column each, rows in sections, values as they were logged.
package struct Comparison: Sendable {
  /// The groups of rows, in the order in which they are shown.
  package enum Section: String, Sendable, CaseIterable {
    case parameters, data, code, metrics, cost
  }

  /// One of the things that are compared.
  package struct Column: Sendable {
    /// What the user typed.
    package let reference: String
    /// The run, or the run that made the version; nil for a version made elsewhere.
    package let run: Run?
    /// The version, `sections:2`: the one that was named, or the run's output.
    package let version: String?
    /// The version that Δ against the parent refers to; nil if there is none.
    package let parent: String?
  }

  /// What a column has in a row.
  package enum Value: Sendable, Equatable {
    case missing
    /// As it was given: `1.10` is another text than `1.1`.
    case text(String)
    case integer(Int64)
    case number(Double)

    /// The number that differences are taken of, if it is one.
    package var number: Double? {
      switch self {
      case .integer(let number): Double(number)
      case .number(let number): number
      case .missing, .text: nil
      }
    }

    /// Whether both say the same; NaN is equal to NaN.
    package static func == (left: Value, right: Value) -> Bool {
      switch (left, right) {
      case (.missing, .missing): true
      case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
      case (.integer(let a), .integer(let b)): a == b
      case (.number(let a), .number(let b)): a == b || a.isNaN && b.isNaN
      default: false
      }
    }
  }

  /// What numbers of a row are measured in.
  package enum Unit: String, Sendable {
    case none, seconds, bytes
  }

  /// One fact of all columns.
  package struct Row: Sendable {
    /// Where it belongs.
    package let section: Section
    /// The key: `lr`, `val/f1`, `commit`.
    package let name: String
    /// What its numbers are measured in.
    package let unit: Unit
    /// Which end is better; nil unless it is the task's primary metric.
    package let direction: Experiment.Direction?
    /// A value for each column.
    package let values: [Value]
    /// The parent's number for each column, where it may be compared.
    package let parentValues: [Double?]

    /// Whether not all columns have the same value.
    package var differs: Bool {
      values.contains { $0 != values.first }
    }

    /// The number less the first column's; nil for that column and where either is no number.
    package func deltaToFirst(column: Int) -> Double? {
      guard column > 0, values.indices.contains(column), let own = values[column].number,
        let first = values.first?.number
      else { return nil }
      return own - first
    }

    /// The number less the parent's; nil where either is missing or the two may not be compared.
    package func deltaToParent(column: Int) -> Double? {
      guard values.indices.contains(column), parentValues.indices.contains(column),
        let own = values[column].number, let parent = parentValues[column]
      else { return nil }
      return own - parent
    }
  }

  /// What is compared, in the order in which it was given.
  package let columns: [Column]
  /// All rows, section by section.
  package let rows: [Row]

  /// The rows of a section: those that differ or, `all`, every one.
  package func rows(in section: Section, all: Bool = false) -> [Row] {
    rows.filter { $0.section == section && (all || isShown($0)) }
  }

  /// How many rows are equal in all columns and hidden unless all are asked for.
  package var hiddenCount: Int {
    rows.count { !isShown($0) }
  }

  /// A single column has no differences to look for.
  private func isShown(_ row: Row) -> Bool {
    columns.count < 2 || row.differs
  }
}

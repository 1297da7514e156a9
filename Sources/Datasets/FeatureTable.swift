import Foundation
package import Storage

/// Rows of numbers, each with what is to be predicted of it: what a trainer learns from.
///
/// This room turns files into tables and says what a table must be before anything is trained on
/// it. `FeatureTable.read` reads CSV, JSONL or npy strictly: what is not a number, is missing or
/// does not fit is refused with its row and column, never repaired. `LabelMap` numbers the classes
/// of a training table, `HoldOut` sets rows aside for validation, `Standardisation` brings columns
/// to one scale. Every step is a function of its input and a seed alone.
package struct FeatureTable: Sendable {
  /// What is to be predicted of each row.
  package enum Target: Sendable {
    /// A class for each row.
    case labels(LabelColumn)
    /// A finite number for each row.
    case numbers([Float])
  }

  /// What kind of target a reader looks for.
  package enum TargetKind: Sendable {
    case labels, numbers
  }

  /// Where rows come from, for sentences.
  package enum RowOrigin: String, Sendable {
    /// Lines of a text, from 1 as an editor shows them.
    case line
    /// Rows of an array, from 0 as numpy counts them.
    case row
  }

  /// The file's name, for sentences.
  package let name: String
  /// The features' names; a file without names has `0`, `1` and so on.
  package let columns: [String]
  /// Finite numbers, row after row: row r, column c is at `r * columns.count + c`.
  package let features: [Float]
  /// What is to be predicted, for each row.
  package let target: Target
  /// The line or row of the file that each row starts at.
  package let rowNumbers: [UInt32]
  /// What `rowNumbers` count.
  package let rowOrigin: RowOrigin

  /// The most values that a table may hold: 2 GiB of features.
  package static let valueCountMax = 1 << 29
  /// The most columns that a table may have.
  package static let columnCountMax = 1 << 20
  /// The most rows that a table may have.
  package static let rowCountMax = 100_000_000

  /// The rows' number.
  package var rowCount: Int { rowNumbers.count }
  /// The features' number.
  package var columnCount: Int { columns.count }

  init(
    name: String, columns: [String], features: [Float], target: Target, rowNumbers: [UInt32],
    rowOrigin: RowOrigin
  ) {
    self.name = name
    self.columns = columns
    self.features = features
    self.target = target
    self.rowNumbers = rowNumbers
    self.rowOrigin = rowOrigin
  }

  /// Makes a table from numbers in memory; its rows count from 0.
  ///
  /// - Throws: `invalidInput` unless there is a label for each row, a finite number for each cell,
  ///   and a column.
  package init(
    name: String, columns: [String], features: [Float], labels: [String]
  ) throws(RegistryError) {
    var builder = TableBuilder(name: name, columns: columns, kind: .labels, rowOrigin: .row)
    try builder.checkColumns()
    guard labels.count.multipliedReportingOverflow(by: columns.count) == (features.count, false)
    else {
      throw RegistryError(
        .invalidInput,
        "\(name) has \(features.count) values for \(labels.count) rows of \(columns.count) columns")
    }
    for (row, label) in labels.enumerated() {
      let start = row * columns.count
      try builder.append(
        features[start..<start + columns.count].lazy.map(Double.init), label: label, number: row)
    }
    self = builder.table
  }

  /// The place of a row in its file: `line 7 of train.csv`.
  package func place(ofRow row: Int) -> String {
    Self.place(of: Int(rowNumbers[row]), rowOrigin, in: name)
  }

  static func place(of number: Int, _ origin: RowOrigin, in name: String) -> String {
    "\(origin.rawValue) \(number) of \(name)"
  }
}

extension FeatureTable {
  /// The rows with these indices, in this order.
  ///
  /// - Complexity: O(rows × columns).
  package func selecting(_ rows: [Int]) -> FeatureTable {
    var selected: [Float] = []
    selected.reserveCapacity(rows.count * columnCount)
    for row in rows {
      selected += features[row * columnCount..<(row + 1) * columnCount]
    }
    let target: Target =
      switch self.target {
      case .labels(let labels): .labels(labels.selecting(rows))
      case .numbers(let numbers): .numbers(rows.map { numbers[$0] })
      }
    return FeatureTable(
      name: name, columns: columns, features: selected, target: target,
      rowNumbers: rows.map { rowNumbers[$0] }, rowOrigin: rowOrigin)
  }

  /// Refuses a table whose columns are not those of the table that a model learns from.
  ///
  /// - Throws: `invalidInput` naming the first column that differs.
  package func checkColumns(match training: FeatureTable) throws(RegistryError) {
    guard columnCount == training.columnCount else {
      throw RegistryError(
        .invalidInput,
        "\(name) has \(Count(columnCount, "feature column")), but \(training.name) has "
          + "\(training.columnCount)")
    }
    let differing = zip(columns, training.columns).enumerated().first {
      !$1.0.utf8.elementsEqual($1.1.utf8)
    }
    guard let (index, (name, expected)) = differing else { return }
    throw RegistryError(
      .invalidInput,
      "feature column \(index + 1) of \(self.name) is \(Excerpt(name)), but "
        + "\(Excerpt(expected)) in \(training.name)",
      hint: "write both files with the same columns in the same order")
  }

  /// Refuses a table whose width is not a model's.
  ///
  /// - Parameters:
  ///   - count: How many features the model takes.
  ///   - model: The model as the user calls it.
  /// - Throws: `invalidInput` with both widths.
  package func checkColumnCount(_ count: Int, of model: String) throws(RegistryError) {
    guard columnCount != count else { return }
    throw RegistryError(
      .invalidInput,
      "\(name) has \(Count(columnCount, "feature column")), but \(model) takes \(count)")
  }

  /// The indices of columns that hold one value in all rows: a model learns nothing from them.
  ///
  /// A fact to warn of, not a fault: images have such borders, and `Standardisation` leaves such a
  /// column at zero.
  package var constantColumns: [Int] {
    guard rowCount > 0 else { return [] }
    var candidates = Array(0..<columnCount)
    for row in 1..<max(rowCount, 1) where !candidates.isEmpty {
      let start = row * columnCount
      candidates.removeAll { features[start + $0] != features[$0] }
    }
    return candidates
  }

  /// The sentence that warns of constant columns; nil where there is none.
  package var constantColumnsWarning: String? {
    let columns = constantColumns
    guard let first = columns.first else { return nil }
    let value = Excerpt(number: features[first])
    if columns.count == 1 {
      return "column \(Excerpt(self.columns[first])) of \(name) is \(value) in every row"
    }
    let names = columns.prefix(3).map { "\(Excerpt(self.columns[$0]))" }.joined(separator: ", ")
    let more = columns.count > 3 ? " and \(columns.count - 3) more" : ""
    return "\(columns.count) columns of \(name) never change: \(names)\(more)"
  }

  /// Refuses a training table from which nothing can be learned.
  ///
  /// - Throws: `invalidInput` without a row, with one class only, or when no column or target
  ///   changes.
  package func checkLearnable() throws(RegistryError) {
    guard rowCount > 0 else { throw RegistryError(.invalidInput, "\(name) has no rows") }
    switch target {
    case .labels(let labels):
      let used = labels.usedValues
      guard used.count > 1 else {
        throw RegistryError(
          .invalidInput,
          "every row of \(name) has the label \(Excerpt(used.first ?? "")), so there is nothing "
            + "to tell apart",
          hint: "a classifier needs rows of two classes or more")
      }
    case .numbers(let numbers):
      guard numbers.contains(where: { $0 != numbers[0] }) else {
        throw RegistryError(
          .invalidInput, "every row of \(name) has the target \(Excerpt(number: numbers[0]))")
      }
    }
    let constant = constantColumns
    guard constant.count < columnCount else {
      throw RegistryError(
        .invalidInput,
        columnCount == 1
          ? "column \(Excerpt(columns[0])) of \(name), the only one, is "
            + "\(Excerpt(number: features[0])) in every row"
          : "each of the \(columnCount) feature columns of \(name) holds one value in every row")
    }
  }
}

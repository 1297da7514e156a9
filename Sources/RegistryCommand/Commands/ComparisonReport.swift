import Storage
import Tracking
import Workspace

/// A comparison as a table: a row a fact, a column a run or version, differences beside the values.
struct ComparisonReport {
  private let comparison: Workspace.Comparison
  private let all: Bool
  private let isForPeople: Bool

  init(_ comparison: Workspace.Comparison, all: Bool, isForPeople: Bool) {
    self.comparison = comparison
    self.all = all
    self.isForPeople = isForPeople
  }

  var report: Report {
    let rows = Workspace.Comparison.Section.allCases.flatMap { comparison.rows(in: $0, all: all) }
    let hasParents = rows.contains { row in
      comparison.columns.indices.contains { row.deltaToParent(column: $0) != nil }
    }
    var table = Table(
      "rows", columns(hasParents: hasParents), emptyText: "nothing differs")
    var section: Workspace.Comparison.Section?
    for row in rows {
      let title = row.section == section && isForPeople ? "" : row.section.rawValue
      table.add(cells(row, title: title, hasParents: hasParents))
      section = row.section
    }
    var report = Report()
    report.data("columns", columnsJSON)
    report.add(table)
    if comparison.hiddenCount > 0, !all {
      report.notes.append("\(comparison.hiddenCount) equal hidden, --all shows them")
    }
    return report
  }

  private var columnsJSON: JSON {
    .array(
      comparison.columns.map { column in
        [
          "reference": .string(column.reference), "runId": JSON(column.run?.id.hex),
          "runName": JSON(column.run?.name), "version": JSON(column.version),
          "parent": JSON(column.parent),
        ]
      })
  }

  private func columns(hasParents: Bool) -> [Table.Column] {
    var columns: [Table.Column] = [
      .init("section", "", pinned: true), .init("name", "", pinned: true),
    ]
    for (index, column) in comparison.columns.enumerated() {
      let (key, name) = ("\(index + 1)", column.reference)
      columns.append(
        .init(key, name.printable, group: "values", heading: name, pinned: true, flexible: true))
      if index > 0 {
        columns.append(.init(key, "Δ", group: "deltas", heading: "delta \(name)", pinned: true))
      }
      if hasParents {
        columns.append(
          .init(key, "Δ parent", group: "parentDeltas", heading: "parentDelta \(name)"))
      }
    }
    return columns
  }

  private func cells(
    _ row: Workspace.Comparison.Row, title: String, hasParents: Bool
  ) -> [Table.Cell] {
    let best = bestColumn(row)
    var cells: [Table.Cell] = [
      .init(
        title.isEmpty ? .structure(.string(row.section.rawValue), text: "") : .text(title), .dim),
      .init(.text(row.name), row.direction == nil ? .plain : .bold),
    ]
    for (index, value) in row.values.enumerated() {
      cells.append(.init(self.value(value, row), index == best ? .good : .plain))
      if index > 0 { cells.append(delta(row.deltaToFirst(column: index), row)) }
      if hasParents { cells.append(delta(row.deltaToParent(column: index), row)) }
    }
    return cells
  }

  private func value(
    _ value: Workspace.Comparison.Value, _ row: Workspace.Comparison.Row
  ) -> Value {
    switch (value, row.unit) {
    case (.missing, _): .none
    case (.text(let text), _): .text(text)
    case (.integer(let number), .bytes): .bytes(number)
    case (.integer(let number), _): .integer(number)
    case (.number(let number), .seconds): .seconds(number)
    case (.number(let number), _): .number(number)
    }
  }

  private func delta(_ number: Double?, _ row: Workspace.Comparison.Row) -> Table.Cell {
    guard let number, row.section == .metrics || row.section == .cost else {
      return .init(.structure(.null, text: ""))
    }
    let style: Style =
      switch row.direction {
      case nil: .dim
      case let direction?:
        number == 0 ? .dim : direction.isBetter(number, than: 0) ? .good : .bad
      }
    switch row.unit {
    case .none: return .init(.difference(number), style)
    case .seconds, .bytes:
      let sign = number < 0 ? "−" : "+"
      let size = abs(number)
      guard number != 0 else { return .init(.structure(.number(0), text: "0"), .dim) }
      let text =
        row.unit == .seconds
        ? Value.duration(size) : Int64(exactly: size).map(Value.size) ?? size.fourDigits
      return .init(.structure(.number(number), text: sign + text), style)
    }
  }

  /// The column with the best value of a primary metric.
  private func bestColumn(_ row: Workspace.Comparison.Row) -> Int? {
    guard let direction = row.direction else { return nil }
    var best: Int?
    for (index, value) in row.values.enumerated() {
      guard let number = value.number, !number.isNaN else { continue }
      guard let holder = best, let other = row.values[holder].number else {
        best = index
        continue
      }
      if direction.isBetter(number, than: other) { best = index }
    }
    return best
  }
}

import Catalog
import Storage
import Tracking

/// A page of runs as a table: who and how first, then the metric that counts, then the rest.
struct RunTable {
  let page: RunPage
  /// How many runs the question has on all pages.
  let total: Int
  /// The columns that were asked for; nil leaves the choice to the table.
  let fields: [RunField]?
  /// The only experiment of the page; nil for all.
  let experiment: Experiment?
  let best: RunID?
  /// Runs that have died without a word.
  let lost: Set<RunID>
  /// What the runs made.
  let versions: [RunID: String]

  var report: Report {
    let fields = fields ?? chosenFields
    var table = Table("runs", columns(fields), emptyText: emptyText)
    for row in page.rows { table.add(cells(row, fields)) }
    var report = Report(table)
    if total > page.rows.count {
      report.line("\(page.rows.count) of \(total) runs (--limit, --where)", .dim)
    }
    return report
  }

  private var emptyText: String {
    experiment.map { "no run of \($0.name.printable) matches" } ?? "no run matches"
  }

  private var primary: String? { experiment?.task?.metric }

  private func columns(_ fields: [RunField]) -> [Table.Column] {
    let own = [
      Table.Column("id", "run", pinned: true), .init("name", pinned: true),
      .init("experiment", hidden: experiment != nil), .init("status", pinned: true),
      .init("reason", hidden: true), .init("isBest", hidden: true),
    ]
    let rest: [Table.Column] = [
      .init("version"), .init("durationSeconds", "took"), .init("startedAt", "started"),
    ]
    return own
      + fields.enumerated().map { index, field in
        .init(field.key, title(field), group: field.group, pinned: index == 0 && isPrimary(field))
      } + rest
  }

  private func title(_ field: RunField) -> String {
    if case .parameter(let key) = field { return key.printable }
    return field.name.printable
  }

  private func isPrimary(_ field: RunField) -> Bool {
    primary.map { field == .metric($0) } ?? false
  }

  private func cells(_ row: RunRow, _ fields: [RunField]) -> [Table.Cell] {
    let run = row.run
    let isBest = run.id == best
    let state = RunState(run, isLost: lost.contains(run.id))
    let own: [Table.Cell] = [
      .init(.structure(.string(run.id.hex), text: run.id.short), .accent),
      .init(.structure(.string(run.name), text: run.name + (isBest ? " ★" : ""))),
      .init(.text(row.experimentName)),
      .init(state.value, state.outcome.style), .init(.init(state.reason?.rawValue)),
      .init(.structure(.bool(isBest), text: "")),
    ]
    let rest: [Table.Cell] = [
      .init(.init(versions[run.id])),
      .init(run.durationSeconds.map { .seconds($0) } ?? .none, .dim),
      .init(.age(run.startTime), .dim),
    ]
    return own
      + fields.map { field in
        let value = Self.value(row, field)
        return .init(value, isBest && isPrimary(field) ? .good : .plain)
      } + rest
  }

  private static func value(_ row: RunRow, _ field: RunField) -> Value {
    switch (field, row.value(field)) {
    case (_, nil): .none
    case (.attribute(.duration), .number(let seconds)?): .seconds(seconds)
    case (.attribute(.cpuSeconds), .number(let seconds)?): .seconds(seconds)
    case (.attribute(.memoryPeakBytes), .integer(let bytes)?): .bytes(bytes)
    case (.attribute(.started), _): .time(row.run.startTime)
    case (.attribute(.ended), _): row.run.endTime.map { .time($0) } ?? .none
    case (_, .number(let number)?): .number(number)
    case (_, .integer(let number)?): .integer(number)
    case (_, .string(let text)?): .text(text)
    case (_, let json?): .structure(json, text: json.text())
    }
  }

  /// The primary metric, the parameters that differ, then all other metrics and parameters.
  private var chosenFields: [RunField] {
    var metrics: [String] = []
    var parameters: [String: Set<String>] = [:]
    var counts: [String: Int] = [:]
    var seen: Set<String> = []
    for row in page.rows {
      for metric in row.metrics where seen.insert(metric.key).inserted {
        metrics.append(metric.key)
      }
      for parameter in row.parameters {
        parameters[parameter.key, default: []].insert(parameter.value)
        counts[parameter.key, default: 0] += 1
      }
    }
    let keys = parameters.keys.sorted()
    let differing = keys.filter { key in
      (parameters[key]?.count ?? 0) > 1 || counts[key] != page.rows.count
    }
    let same = keys.filter { !differing.contains($0) }
    let first = primary.map { [RunField.metric($0)] } ?? []
    let others = metrics.filter { $0 != primary }.map { RunField.metric($0) }
    return first + differing.map { .parameter($0) } + others + same.map { .parameter($0) }
  }
}

extension RunField {
  fileprivate var key: String {
    switch self {
    case .attribute(let attribute): attribute.rawValue
    case .metric(let key), .parameter(let key), .tag(let key): key
    }
  }

  fileprivate var group: String? {
    switch self {
    case .attribute: nil
    case .metric: "metrics"
    case .parameter: "params"
    case .tag: "tags"
    }
  }
}

/// How a run is doing, in a sign and a word.
struct RunState {
  let outcome: Value.Outcome
  let status: Run.Status
  let reason: Run.Reason?

  /// Looks at a run; one that has died without a word counts as failed.
  init(_ run: Run, isLost: Bool) {
    status = isLost ? .failed : run.status
    reason = isLost ? .lost : run.reason
    outcome =
      switch status {
      case .finished: reason == nil ? .ok : .warn
      case .failed, .killed: .fail
      case .running: .running
      case .scheduled: .none
      }
  }

  var value: Value {
    let word = status.rawValue.lowercased() + (reason.map { " (\($0.rawValue))" } ?? "")
    return .state(outcome, word: word, exact: status.rawValue)
  }
}

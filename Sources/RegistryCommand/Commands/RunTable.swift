import Catalog
import Storage
import Tracking

/// A page of runs as a table: who and how first, then the metric that counts, then the rest.
struct RunTable {
  let page: RunPage
  /// How many runs the question has on all pages.
  let total: Int
  /// Exactly these columns; nil leaves the choice to the table.
  let columns: [RunColumn]?
  /// The experiment of all runs of the page, if it is one.
  let experiment: Experiment?
  /// What the question sorts by and looks at, attributes apart.
  let asked: [RunField]
  /// Whether the question named the experiment, so that people need not read it in each row.
  let isNamed: Bool
  let best: RunID?
  /// Runs that have died without a word.
  let lost: Set<RunID>
  /// What the runs made.
  let versions: [RunID: String]
  /// What people read where there is no run.
  let emptyText: String

  var report: Report {
    let columns = columns ?? chosenColumns
    let metrics = columns.compactMap(\.metricKey)
    var table = Table(
      "runs",
      columns.map {
        $0.tableColumn(
          beside: metrics, primary: primary, hides: hidden, hidesTags: self.columns == nil)
      }, emptyText: emptyText)
    if self.columns == nil { table.groups = ["metrics", "params", "tags"] }
    table.hint = "--columns"
    for row in page.rows { table.add(columns.map { cell(row, $0) }) }
    var report = Report(table)
    if total > page.rows.count {
      report.notes.append("\(page.rows.count) of \(total) runs (--limit)")
    }
    return report
  }

  /// Columns that only programs get.
  private var hidden: [RunAttribute] {
    guard columns == nil else { return [] }
    return isNamed ? [.experiment, .reason] : [.reason]
  }

  private var primary: String? { experiment?.task?.metric }

  private func cell(_ row: RunRow, _ column: RunColumn) -> Table.Cell {
    let run = row.run
    let state = RunState(run, isLost: lost.contains(run.id))
    let isBest = run.id == best
    switch column {
    case .version: return .init(.init(versions[run.id]))
    case .isBest: return .init(.structure(.bool(isBest), text: ""))
    case .field(.attribute(.id)):
      return .init(.structure(.string(run.id.hex), text: run.id.short), .accent)
    case .field(.attribute(.name)):
      return .init(.structure(.string(run.name), text: run.name + (isBest ? " ★" : "")))
    case .field(.attribute(.status)): return .init(state.value, state.outcome.style)
    case .field(.attribute(.reason)): return .init(.init(state.reason?.rawValue))
    case .field(.attribute(.started)): return .init(.age(run.startTime), .dim)
    case .field(.attribute(.ended)):
      return .init(run.endTime.map { .age($0) } ?? .none, .dim)
    case .field(.attribute(.duration)):
      return .init(run.durationSeconds.map { .seconds($0) } ?? .none, .dim)
    case .field(let field):
      return .init(Self.value(row, field), isBest && column.metricKey == primary ? .good : .plain)
    }
  }

  private static func value(_ row: RunRow, _ field: RunField) -> Value {
    switch (field, row.value(field)) {
    case (_, nil): .none
    case (.attribute(.cpuSeconds), .number(let seconds)?): .seconds(seconds)
    case (.attribute(.memoryPeakBytes), .integer(let bytes)?): .bytes(bytes)
    case (_, .number(let number)?): .number(number)
    case (_, .integer(let number)?): .integer(number)
    case (_, .string(let text)?): .text(text)
    case (_, let json?): .structure(json, text: json.text())
    }
  }

  /// Who and how, what was asked by, parameters that differ, other metrics and parameters, cost.
  private var chosenColumns: [RunColumn] {
    var metrics: [RunField] = []
    var values: [String: Set<String>] = [:]
    var counts: [String: Int] = [:]
    var seen: Set<String> = []
    for row in page.rows {
      for metric in row.metrics where seen.insert(metric.key).inserted {
        metrics.append(.metric(metric.key))
      }
      for parameter in row.parameters {
        values[parameter.key, default: []].insert(parameter.value)
        counts[parameter.key, default: 0] += 1
      }
    }
    // A key that only some runs have differs less than one that all of them have.
    let keys = values.keys.sorted { (-(counts[$0] ?? 0), $0) < (-(counts[$1] ?? 0), $1) }
    let differing = keys.filter { (values[$0]?.count ?? 0) > 1 }.map { RunField.parameter($0) }
    let same = keys.filter { values[$0]?.count == 1 }.sorted().map { RunField.parameter($0) }
    let tags = Set(page.rows.flatMap { $0.tags.map(\.key) }).sorted().map { RunField.tag($0) }
    var first = (primary.map { [RunField.metric($0)] } ?? []) + asked
    if first.isEmpty { first = Array((metrics.filter(Self.isHeldOut) + metrics).prefix(2)) }
    var taken: Set<RunField> = []
    let fields = (first + differing + metrics + same + tags).filter { taken.insert($0).inserted }
    let own: [RunAttribute] = [.id, .name, .experiment, .status, .reason]
    return own.map { .field(.attribute($0)) } + [.isBest] + fields.map { .field($0) }
      + [.version, .field(.attribute(.duration)), .field(.attribute(.started))]
  }

  /// Whether a metric by its name is of rows that were held out, which tells more of a run.
  private static func isHeldOut(_ field: RunField) -> Bool {
    guard case .metric(let key) = field else { return false }
    return ["val", "eval", "test"].contains { key.hasPrefix($0) }
  }
}

/// A column of a table of runs.
enum RunColumn {
  case field(RunField)
  /// The version that the run made.
  case version
  case isBest

  /// Reads a name as a person types it, or as it stands in a heading.
  init(_ text: String) throws(RegistryError) {
    switch text {
    case "version", "made": self = .version
    case "isBest": self = .isBest
    default: self = .field(try RunField(text))
    }
  }

  var metricKey: String? {
    if case .field(.metric(let key)) = self { key } else { nil }
  }

  /// How the column is headed; a parameter says so where a metric has the same name.
  fileprivate func tableColumn(
    beside metrics: [String], primary: String?, hides hidden: [RunAttribute], hidesTags: Bool
  ) -> Table.Column {
    switch self {
    case .version: return .init("version")
    case .isBest: return .init("isBest", hidden: true)
    case .field(.attribute(.id)): return .init("id", "run", pinned: true)
    case .field(.attribute(.name)): return .init("name", pinned: true)
    case .field(.attribute(.status)): return .init("status", pinned: true)
    case .field(.attribute(.duration)): return .init("durationSeconds", "took")
    case .field(.attribute(.started)): return .init("startedAt", "started")
    case .field(.attribute(.ended)): return .init("endedAt", "ended")
    case .field(.attribute(let attribute)):
      return .init(attribute.rawValue, hidden: hidden.contains(attribute))
    case .field(.metric(let key)):
      return .init(key, key.printable, group: "metrics", pinned: key == primary)
    case .field(.parameter(let key)):
      let title = metrics.contains(key) ? "params.\(key)" : key
      return .init(key, title.printable, group: "params", flexible: true)
    case .field(.tag(let key)):
      return .init(
        key, "tags.\(key)".printable, group: "tags", flexible: true, hidden: hidesTags)
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

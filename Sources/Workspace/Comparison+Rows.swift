import Storage
import Tracking

extension Comparison {
  /// Everything that is known of one column.
  struct Facts {
    var parameters: [Parameter] = []
    var seed: Int64?
    var source = RunSource()
    /// The versions it started from and is: name, then reference.
    var data: [(name: String, value: Value)] = []
    /// The latest value of each metric.
    var metrics: [(key: String, value: Double)] = []
    /// The parent's metrics, if they come from the same task.
    var parentMetrics: [(key: String, value: Double)] = []
    var usage = Run.Usage()
    var durationSeconds: Double?
    /// Of the files of the version.
    var sizeBytes: Int64?
    /// The primary metric of its task.
    var primary: (key: String, direction: Experiment.Direction)?
  }

  /// Makes the rows from the facts of each column.
  static func rows(_ facts: [Facts]) -> [Row] {
    parameterRows(facts) + dataRows(facts) + codeRows(facts) + metricRows(facts) + costRows(facts)
  }

  private static func parameterRows(_ facts: [Facts]) -> [Row] {
    let given = table(
      .parameters, facts.map { $0.parameters.map { ($0.key, .text($0.value)) } })
    let seeds = row(.parameters, "seed", facts.map { Value($0.seed) })
    let freezes = row(
      .parameters, "freeze",
      facts.map { Value($0.source.freeze.isEmpty ? nil : $0.source.freeze.joined(separator: " ")) })
    // A parameter that a script logs under the same key is the row that people look for.
    let extra = [seeds, freezes].compactMap { $0 }.filter { row in
      !given.contains { $0.name.utf8.elementsEqual(row.name.utf8) }
    }
    return given + extra
  }

  private static func dataRows(_ facts: [Facts]) -> [Row] {
    table(.data, facts.map { $0.data.map { ($0.name, $0.value) } })
  }

  private static func codeRows(_ facts: [Facts]) -> [Row] {
    let commits = facts.map { Value($0.source.gitCommit.map { String($0.prefix(12)) }) }
    let changes = facts.map { fact in
      // Two dirty trees are the same code only when their differences are the same bytes.
      Value(
        fact.source.gitCommit.map { _ in
          let tracked = fact.source.gitDiff.map { "dirty " + Digest(of: $0).short }
          let untracked = fact.source.untrackedCount.flatMap { $0 > 0 ? "\($0) untracked" : nil }
          let words = [tracked, untracked].compactMap { $0 }
          return words.isEmpty ? "clean" : words.joined(separator: ", ")
        })
    }
    let commands = facts.map {
      Value($0.source.command.isEmpty ? nil : ShellWords.text($0.source.command))
    }
    return [
      row(.code, "commit", commits), row(.code, "tree", changes), row(.code, "command", commands),
    ].compactMap { $0 }
  }

  private static func metricRows(_ facts: [Facts]) -> [Row] {
    table(.metrics, facts.map { $0.metrics.map { ($0.key, .number($0.value)) } }).map { row in
      let primary = facts.compactMap(\.primary).filter {
        $0.key.utf8.elementsEqual(row.name.utf8)
      }
      let directions = Set(primary.map(\.direction))
      return Row(
        section: .metrics, name: row.name, unit: .none,
        direction: directions.count == 1 ? directions.first : nil, values: row.values,
        parentValues: facts.map { fact in
          fact.parentMetrics.first { $0.key.utf8.elementsEqual(row.name.utf8) }?.value
        })
    }
  }

  private static func costRows(_ facts: [Facts]) -> [Row] {
    let wall = facts.map { Value($0.usage.wallSeconds ?? $0.durationSeconds) }
    let memory = facts.map { Value($0.usage.memoryPeakBytes) }
    return [
      row(.cost, "wall", wall, .seconds),
      row(.cost, "cpu", facts.map { Value($0.usage.cpuSeconds) }, .seconds),
      row(.cost, "memory", memory, .bytes),
      row(.cost, "size", facts.map { Value($0.sizeBytes) }, .bytes),
    ].compactMap { $0 }
  }

  /// A row for every key that any column has, in the order of their bytes.
  private static func table(
    _ section: Section, _ columns: [[(key: String, value: Value)]]
  ) -> [Row] {
    var values: [[UInt8]: [Value]] = [:]
    for (place, column) in columns.enumerated() {
      for (key, value) in column {
        let missing = [Value](repeating: .missing, count: columns.count)
        values[Array(key.utf8), default: missing][place] = value
      }
    }
    return values.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap {
      row(section, String(decoding: $0.key, as: UTF8.self), $0.value)
    }
  }

  /// A row, unless no column has anything to say in it.
  private static func row(
    _ section: Section, _ name: String, _ values: [Value], _ unit: Unit = .none
  ) -> Row? {
    guard values.contains(where: { $0 != .missing }) else { return nil }
    return Row(
      section: section, name: name, unit: unit, direction: nil, values: values,
      parentValues: values.map { _ in nil })
  }
}

extension Comparison.Value {
  fileprivate init(_ text: String?) {
    self = text.map(Self.text) ?? .missing
  }

  fileprivate init(_ number: Int64?) {
    self = number.map(Self.integer) ?? .missing
  }

  fileprivate init(_ number: Double?) {
    self = number.map(Self.number) ?? .missing
  }
}

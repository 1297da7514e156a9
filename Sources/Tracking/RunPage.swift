import Foundation
import GRDB
package import Storage

/// Runs with the values that were asked for.
package struct RunPage: Sendable, Equatable {
  /// The runs in the order of the question.
  package let rows: [RunRow]
  /// Where the next page starts; nil after the last.
  package let nextOffset: Int?
}

/// One run with the values that were asked for, each kind by key.
package struct RunRow: Sendable, Equatable {
  /// The run.
  package let run: Run
  /// The name of its experiment.
  package let experimentName: String
  /// The latest point of each series.
  package internal(set) var metrics: [Metric] = []
  /// Parameters.
  package internal(set) var parameters: [Parameter] = []
  /// Tags.
  package internal(set) var tags: [Tag] = []

  /// A series by its latest point.
  package struct Metric: Sendable, Equatable {
    /// The key.
    package let key: String
    /// The latest point.
    package let latest: Point
  }

  /// What a table shows in one column; nil where the run has none, or it was not read.
  package func value(_ field: RunField) -> JSON? {
    switch field {
    case .attribute(.experiment): .string(experimentName)
    case .attribute(let attribute): attribute.value(run)
    case .metric(let key): Self.find(key, metrics, \.key).map { .number($0.latest.value) }
    case .parameter(let key): Self.find(key, parameters, \.key).map { .string($0.value) }
    case .tag(let key): Self.find(key, tags, \.key).map { .string($0.value) }
    }
  }

  /// The element with a key, of elements in byte order of their keys.
  private static func find<Element>(
    _ key: String, _ elements: [Element], _ keyOf: (Element) -> String
  ) -> Element? {
    var range = elements.indices
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      let other = keyOf(elements[middle])
      if other.utf8.elementsEqual(key.utf8) { return elements[middle] }
      let isBelow = other.utf8.lexicographicallyPrecedes(key.utf8)
      range = isBelow ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return nil
  }

  /// Reads runs by row with two queries a kind, only the columns' keys.
  static func fetch(
    _ ids: [Int64], _ columns: [RunField]?, keyCountMax: Int, _ db: Database
  ) throws -> [RunRow] {
    guard !ids.isEmpty else { return [] }
    let list = JSON.array(ids.map(JSON.integer)).text()
    var rows: [Int64: RunRow] = [:]
    let runs = try Row.fetchCursor(
      db,
      sql: """
        SELECT run.*, experiment.name AS experimentName
        FROM run JOIN experiment ON experiment.id = run.experimentId
        WHERE run.id IN (SELECT value FROM json_each(?))
        """,
      arguments: [list])
    while let row = try runs.next() {
      rows[row["id"]] = RunRow(run: Run(row: row), experimentName: row["experimentName"])
    }
    func read(_ columnsSQL: String, _ table: String, _ keys: [String]?, _ add: (Row) -> Void) throws
    {
      guard keys?.isEmpty != true else { return }
      let wanted =
        try keys?.compactMap { try KeyName.find($0, db) }
        ?? frequentKeys(table, list, countMax: keyCountMax, db)
      let cursor = try Row.fetchCursor(
        db,
        sql: """
          SELECT runId, name, \(columnsSQL) FROM \(table) JOIN keyName ON keyName.id = keyNameId
          WHERE runId IN (SELECT value FROM json_each(?1))
            AND keyNameId IN (SELECT value FROM json_each(?2))
          ORDER BY name
          """,
        arguments: [list, JSON.array(wanted.map(JSON.integer)).text()])
      while let row = try cursor.next() { add(row) }
    }
    let metricKeys = columns?.compactMap { if case .metric(let key) = $0 { key } else { nil } }
    try read("latestStep, latestTime, latestValue", "series", metricKeys) { row in
      let latest = Point(step: row[2], time: row[3], value: row[4] ?? .nan)
      rows[row[0]]?.metrics.append(Metric(key: row[1], latest: latest))
    }
    let parameterKeys = columns?.compactMap {
      if case .parameter(let key) = $0 { key } else { nil }
    }
    try read("value", "parameter", parameterKeys) { row in
      rows[row[0]]?.parameters.append(Parameter(row[1], row[2]))
    }
    let tagKeys = columns?.compactMap { if case .tag(let key) = $0 { key } else { nil } }
    try read("value", "tag", tagKeys) { row in
      rows[row[0]]?.tags.append(Tag(row[1], row[2]))
    }
    return ids.compactMap { rows[$0] }
  }

  /// The keys of primary metrics, then those that most of the runs have, then the oldest.
  private static func frequentKeys(
    _ table: String, _ runs: String, countMax: Int, _ db: Database
  ) throws -> [Int64] {
    try Int64.fetchAll(
      db,
      sql: """
        SELECT keyNameId FROM \(table) WHERE runId IN (SELECT value FROM json_each(?1))
        GROUP BY keyNameId
        ORDER BY keyNameId IN (
            SELECT keyName.id FROM experiment JOIN keyName ON keyName.name = experiment.metric
            WHERE experiment.id IN (
              SELECT experimentId FROM run WHERE id IN (SELECT value FROM json_each(?1)))) DESC,
          count(*) DESC, keyNameId
        LIMIT ?2
        """,
      arguments: [runs, countMax])
  }
}

extension RunAttribute {
  /// The attribute as JSON; nil where the run has none, and for the experiment's name.
  fileprivate func value(_ run: Run) -> JSON? {
    switch self {
    case .id: .string(run.id.hex)
    case .name: .string(run.name)
    case .status: .string(run.status.rawValue)
    case .reason: run.reason.map { .string($0.rawValue) }
    case .experiment: nil
    case .started: JSON(run.startTime)
    case .ended: run.endTime.map { JSON($0) }
    case .duration: run.durationSeconds.map { .number($0) }
    case .user: run.user.map { .string($0) }
    case .host: run.host.map { .string($0) }
    case .seed: run.seed.map { .integer($0) }
    case .exitStatus: run.usage.exitStatus.map { .integer(Int64($0)) }
    case .cpuSeconds: run.usage.cpuSeconds.map { .number($0) }
    case .memoryPeakBytes: run.usage.memoryPeakBytes.map { .integer($0) }
    }
  }
}

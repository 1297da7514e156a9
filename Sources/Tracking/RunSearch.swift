package import GRDB
package import Storage

/// A question for a page of runs.
package struct RunSearch: Sendable {
  /// Which runs by lifecycle; MLflow's run view.
  package enum View: Sendable {
    case active, deleted, all
  }

  /// Only these experiments' runs; nil for all experiments that are not deleted.
  package var experimentIds: [Int64]?
  /// Which runs by lifecycle.
  package var view: View = .active
  /// The condition; nil for none.
  package var filter: Filter?
  /// The order; ties, and no keys, go by start time from the latest, then by id.
  package var sort: [SortKey] = []
  /// What is read of each run beside its attributes; nil for everything, within `keyCountMax`.
  package var columns: [RunField]?
  /// Without columns: at most so many keys of metrics, of parameters and of tags on one page.
  ///
  /// Primary metrics of the runs' tasks go first, then what most runs of the page have.
  package var keyCountMax = 200
  /// At most so many runs.
  package var limit = 50
  /// How many runs to leave out first.
  package var offset = 0

  /// One key of the order.
  package struct SortKey: Sendable, Equatable {
    /// What is compared.
    package let field: RunField
    /// Whether the greatest comes first; NaN, then missing come last either way.
    package let isDescending: Bool

    /// Makes a key.
    package init(_ field: RunField, isDescending: Bool) {
      self.field = field
      self.isDescending = isDescending
    }

    /// Reads `val/f1` or, from the greatest, `-val/f1`.
    package init(_ text: String) throws(RegistryError) {
      isDescending = text.hasPrefix("-")
      field = try RunField(isDescending ? String(text.dropFirst()) : text)
    }
  }

  /// Asks for the latest runs.
  package init() {}

  /// The page.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: The runs with their values, in order.
  /// - Throws: SQLite's errors.
  /// - Complexity: One query for the ids, one for the attributes, one each for metrics, parameters, tags.
  package func page(_ db: Database) throws -> RunPage {
    let limit = max(0, min(limit, 50_000))
    var query = RunQuery(db)
    let conditions = try conditions(&query)
    let (joins, order) = try order(&query)
    let marks = [query.bind(limit + 1), query.bind(max(0, offset))]
    let sql = """
      \(query.prefix)SELECT run.id FROM run \(joins)
      WHERE \(conditions)
      ORDER BY \(order) LIMIT \(marks[0]) OFFSET \(marks[1])
      """
    let ids = try Int64.fetchAll(db, sql: sql, arguments: StatementArguments(query.arguments))
    let rows = try RunRow.fetch(Array(ids.prefix(limit)), columns, keyCountMax: keyCountMax, db)
    return RunPage(rows: rows, nextOffset: ids.count > limit ? max(0, offset) + limit : nil)
  }

  /// How many runs the question has on all its pages.
  package func count(_ db: Database) throws -> Int {
    var query = RunQuery(db)
    let conditions = try conditions(&query)
    return try Int.fetchOne(
      db, sql: "\(query.prefix)SELECT count(*) FROM run WHERE \(conditions)",
      arguments: StatementArguments(query.arguments)) ?? 0
  }

  /// How SQLite answers, a line a step, for tests and for people who wonder.
  package func plan(_ db: Database) throws -> [String] {
    var query = RunQuery(db)
    let conditions = try conditions(&query)
    let (joins, order) = try order(&query)
    return try Row.fetchAll(
      db,
      sql: """
        EXPLAIN QUERY PLAN \(query.prefix)SELECT run.id FROM run \(joins)
        WHERE \(conditions) ORDER BY \(order) LIMIT 50
        """,
      arguments: StatementArguments(query.arguments)
    ).map { $0["detail"] }
  }

  private func conditions(_ query: inout RunQuery) throws -> String {
    var conditions: [String] = []
    switch view {
    case .active: conditions.append("run.lifecycleStage = 'active'")
    case .deleted: conditions.append("run.lifecycleStage = 'deleted'")
    case .all: break
    }
    if let experimentIds {
      let marks = experimentIds.map { query.bind($0) }
      conditions.append("run.experimentId IN (\(marks.joined(separator: ", ")))")
    } else {
      conditions.append(
        "run.experimentId IN (SELECT id FROM experiment WHERE lifecycleStage = 'active')")
    }
    if let filter { conditions.append("(\(try query.condition(filter)))") }
    return conditions.joined(separator: " AND ")
  }

  private func order(_ query: inout RunQuery) throws -> (joins: String, order: String) {
    var joins: [String] = []
    var terms: [String] = []
    for (index, key) in sort.enumerated() {
      let direction = key.isDescending ? "DESC" : "ASC"
      let table = "sort\(index)"
      func join(_ source: String, _ key: String) throws {
        joins.append(
          "LEFT JOIN \(source) AS \(table) "
            + "ON \(table).runId = run.id AND \(table).keyNameId = \(try query.bind(key: key))")
        terms.append("\(table).runId IS NULL")
      }
      func add(_ value: String) {
        terms += ["\(value) IS NULL", "\(value) \(direction)"]
      }
      switch key.field {
      case .attribute(let attribute): add(attribute.sql)
      case .metric(let key):
        try join("series", key)
        add("\(table).latestValue")
      case .parameter(let key):
        try join("parameter", key)
        add("\(table).number")
        add("\(table).value")
      case .tag(let key):
        try join("tag", key)
        add("\(table).value")
      }
    }
    terms += ["run.startTime DESC", "run.uuid"]
    return (joins.joined(separator: " "), terms.joined(separator: ", "))
  }
}

package import GRDB
import Storage

/// One metric of one run in summary; lists read nothing else.
package struct Series: Sendable, Equatable {
  /// The metric's key: `val/f1`.
  package let key: String
  /// How many points there are.
  package internal(set) var count: Int
  /// How many of them are NaN.
  package internal(set) var nanCount: Int
  /// The least step.
  package internal(set) var minStep: Int64
  /// The greatest step.
  package internal(set) var maxStep: Int64
  /// The greatest by step, then time, then value, where NaN is above every number.
  package internal(set) var latest: Point
  /// The least value that is not NaN; nil if there is none.
  package internal(set) var min: Extreme?
  /// The greatest value that is not NaN; nil if there is none.
  package internal(set) var max: Extreme?
  /// The sum of all that is not NaN.
  package internal(set) var sum: Double

  /// Where a series is least or greatest.
  package struct Extreme: Sendable, Equatable {
    /// The value.
    package let value: Double
    /// The first step that has it.
    package let step: Int64
  }

  /// The mean of all that is not NaN; nil if there is none.
  package var mean: Double? { count > nanCount ? sum / Double(count - nanCount) : nil }

  /// A new series from its first points, in order.
  init?(key: String, _ points: [Point]) {
    guard let first = points.first, let last = points.last else { return nil }
    self.key = key
    count = 0
    nanCount = 0
    minStep = first.step
    maxStep = last.step
    latest = last
    sum = 0
    include(points)
  }

  /// Counts further points, in order.
  mutating func include(_ points: [Point]) {
    guard let first = points.first, let last = points.last else { return }
    let summary = PointSummary(points[...])
    count += points.count
    nanCount += summary.nanCount
    minStep = Swift.min(minStep, first.step)
    maxStep = Swift.max(maxStep, last.step)
    latest = Swift.max(latest, last)
    sum += summary.sum
    if let new = summary.min, min.map({ Self.precedes(new, $0, <) }) ?? true { min = new }
    if let new = summary.max, max.map({ Self.precedes(new, $0, >) }) ?? true { max = new }
  }

  init(key: String, row: Row) throws(RegistryError) {
    self.key = key
    count = try row.value("count")
    nanCount = try row.value("nanCount")
    minStep = try row.value("minStep")
    maxStep = try row.value("maxStep")
    latest = Point(
      step: try row.value("latestStep"), time: try row.value("latestTime"),
      value: try row.value("latestValue") ?? .nan)
    sum = try row.value("sum") ?? .nan
    if let value: Double = try row.value("minValue"),
      let step: Int64 = try row.value("minValueStep")
    {
      min = Extreme(value: value, step: step)
    }
    if let value: Double = try row.value("maxValue"),
      let step: Int64 = try row.value("maxValueStep")
    {
      max = Extreme(value: value, step: step)
    }
  }

  private static func precedes(
    _ new: Extreme, _ old: Extreme, _ isBetter: (Double, Double) -> Bool
  ) -> Bool {
    isBetter(new.value, old.value) || new.value == old.value && new.step < old.step
  }
}

/// Least, greatest and sum of points in order.
struct PointSummary {
  private(set) var nanCount = 0
  private(set) var sum = 0.0
  private(set) var min: Series.Extreme?
  private(set) var max: Series.Extreme?

  init(_ points: ArraySlice<Point>) {
    var low = Double.infinity
    var high = -Double.infinity
    var lowStep: Int64?
    var highStep: Int64?
    for point in points {
      if point.value.isNaN {
        nanCount += 1
        continue
      }
      sum += point.value
      if point.value < low || lowStep == nil {
        low = point.value
        lowStep = point.step
      }
      if point.value > high || highStep == nil {
        high = point.value
        highStep = point.step
      }
    }
    min = lowStep.map { Series.Extreme(value: low, step: $0) }
    max = highStep.map { Series.Extreme(value: high, step: $0) }
  }
}

extension Run {
  /// The run's series, by key.
  package func series(_ db: Database) throws -> [Series] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT name, series.* FROM series JOIN keyName ON keyName.id = keyNameId
        WHERE runId = ? ORDER BY name
        """,
      arguments: [row]
    ).map { try Series(key: try $0.value("name"), row: $0) }
  }

  /// The series with this key; nil if nothing was logged under it.
  package func findSeries(_ key: String, _ db: Database) throws -> Series? {
    try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT * FROM series
          WHERE runId = ? AND keyNameId = (SELECT id FROM keyName WHERE name = ?)
          """), arguments: [row, key]
    ).map { try Series(key: key, row: $0) }
  }
}

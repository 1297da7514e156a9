package import GRDB
import Storage

/// A series whose stored points are damaged or do not add up to its summary; `verify` reports them.
package struct SeriesFault: Sendable, Equatable {
  /// The run.
  package let runId: RunID
  /// The metric's key.
  package let key: String
  /// What is wrong, a clause.
  package let what: String

  /// Reads every block of every series.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: The faults, none for a sound store.
  /// - Throws: SQLite's errors; `corrupt` for a row that says neither run nor key.
  /// - Complexity: Decodes all points, about 20 million a second.
  package static func all(_ db: Database) throws -> [SeriesFault] {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT series.*, run.uuid, keyName.name FROM series
        JOIN run ON run.id = series.runId JOIN keyName ON keyName.id = series.keyNameId
        """)
    var faults: [SeriesFault] = []
    while let row = try rows.next() {
      let runId: RunID = try row.value("uuid")
      let key: String = try row.value("name")
      do {
        let found = try points(of: try row.value("runId"), try row.value("keyNameId"), db)
        let told = try PointSums(series: row)
        guard found.tailCount == (try row.value("tailCount") as Int) else {
          throw fault("other points are in rows than its summary says")
        }
        guard found.sums.agrees(with: told) else {
          throw fault("the points differ from the series' summary")
        }
      } catch let error as RegistryError where error.kind == .corrupt {
        faults.append(SeriesFault(runId: runId, key: key, what: error.message))
      }
    }
    return faults
  }

  /// Adds up all points of a series; throws `corrupt` for the first block that is not what it says.
  private static func points(
    of runId: Int64, _ keyId: Int64, _ db: Database
  ) throws -> (sums: PointSums, tailCount: Int) {
    let tail = try PointStore.tail(runId, keyId, db)
    var sums = PointSums(tail)
    let blocks = try Row.fetchCursor(
      db, sql: "SELECT * FROM pointBlock WHERE runId = ? AND keyNameId = ?",
      arguments: [runId, keyId])
    while let block = try blocks.next() {
      let points = try PointStore.block(try block.value("id"), db)
      let found = PointSums(points)
      guard try found.agrees(with: PointSums(block: block)),
        try points.map(\.time).min() == block.value("minTime"),
        try points.map(\.time).max() == block.value("maxTime"),
        zip(points, points.dropFirst()).allSatisfy(<)
      else { throw fault("a block of points differs from its summary") }
      sums.include(found)
    }
    return (sums, tail.count)
  }

  private static func fault(_ what: String) -> RegistryError { RegistryError(.corrupt, what) }
}

/// What points add up to, counted or as a row tells it.
private struct PointSums {
  private var count = 0
  private var nanCount = 0
  private var minStep: Int64?
  private var maxStep: Int64?
  private var latest: Point?
  private var min: Series.Extreme?
  private var max: Series.Extreme?
  private var sum = 0.0
  /// Of the values without their signs: how far the sums of two orders may be apart.
  private var size = 0.0

  /// Counts points in order.
  init(_ points: [Point]) {
    let summary = PointSummary(points[...])
    count = points.count
    nanCount = summary.nanCount
    minStep = points.first?.step
    maxStep = points.last?.step
    latest = points.last
    min = summary.min
    max = summary.max
    sum = summary.sum
    size = points.reduce(0) { $1.value.isNaN ? $0 : $0 + $1.value.magnitude }
  }

  /// What a row of `series` tells.
  init(series row: Row) throws(RegistryError) {
    try self.init(block: row)
    latest = Point(
      step: try row.value("latestStep"), time: try row.value("latestTime"),
      value: try row.value("latestValue") ?? .nan)
    if let value = min?.value, let step: Int64 = try row.value("minValueStep") {
      min = Series.Extreme(value: value, step: step)
    }
    if let value = max?.value, let step: Int64 = try row.value("maxValueStep") {
      max = Series.Extreme(value: value, step: step)
    }
  }

  /// What a row of `pointBlock` tells, which says neither the latest point nor the steps of extremes.
  init(block row: Row) throws(RegistryError) {
    count = try row.value("count")
    nanCount = try row.value("nanCount")
    minStep = try row.value("minStep")
    maxStep = try row.value("maxStep")
    min = (try row.value("minValue") as Double?).map { Series.Extreme(value: $0, step: .min) }
    max = (try row.value("maxValue") as Double?).map { Series.Extreme(value: $0, step: .min) }
    sum = try row.value("sum") ?? .nan
  }

  /// Counts what other points of the series add up to.
  mutating func include(_ other: PointSums) {
    count += other.count
    nanCount += other.nanCount
    minStep = [minStep, other.minStep].compactMap(\.self).min()
    maxStep = [maxStep, other.maxStep].compactMap(\.self).max()
    latest = [latest, other.latest].compactMap(\.self).max()
    min = [min, other.min].compactMap(\.self).min { ($0.value, $0.step) < ($1.value, $1.step) }
    max = [max, other.max].compactMap(\.self).min { (-$0.value, $0.step) < (-$1.value, $1.step) }
    sum += other.sum
    size += other.size
  }

  /// Whether a row tells the same, as far as it tells anything.
  func agrees(with told: PointSums) -> Bool {
    func same(_ one: Series.Extreme?, _ other: Series.Extreme?) -> Bool {
      one?.value == other?.value && (other?.step == .min || one?.step == other?.step)
    }
    // SQLite keeps no sign of a zero.
    let isSameLatest =
      told.latest.map { told in
        latest?.step == told.step && latest?.time == told.time
          && (latest?.value == told.value || latest?.value.isNaN == true && told.value.isNaN)
      } ?? true
    // Each addition rounds once, and points come in another order than they were added up.
    let isSameSum =
      sum == told.sum || sum.isNaN && told.sum.isNaN || size.isInfinite
      || abs(sum - told.sum) <= size * Double(count) * 0x1p-52
    return count == told.count && nanCount == told.nanCount && minStep == told.minStep
      && maxStep == told.maxStep && isSameLatest && same(min, told.min) && same(max, told.max)
      && isSameSum
  }
}

package import GRDB
import Storage

/// Neighbouring points of a series, summed up for a plot.
package struct PointBucket: Sendable, Equatable {
  /// The least step.
  package internal(set) var minStep: Int64
  /// The greatest step.
  package internal(set) var maxStep: Int64
  /// How many points there are.
  package internal(set) var count: Int
  /// How many of them are NaN.
  package internal(set) var nanCount: Int
  /// The least value that is not NaN; nil if there is none.
  package internal(set) var min: Double?
  /// The greatest value that is not NaN; nil if there is none.
  package internal(set) var max: Double?
  /// The sum of all that is not NaN.
  package internal(set) var sum: Double

  /// The mean of all that is not NaN; nil if there is none.
  package var mean: Double? { count > nanCount ? sum / Double(count - nanCount) : nil }

  fileprivate init(_ point: Point) {
    minStep = point.step
    maxStep = point.step
    count = 1
    nanCount = point.value.isNaN ? 1 : 0
    min = point.value.isNaN ? nil : point.value
    max = min
    sum = min ?? 0
  }

  fileprivate init(row: Row) throws(RegistryError) {
    minStep = try row.value("minStep")
    maxStep = try row.value("maxStep")
    count = try row.value("count")
    nanCount = try row.value("nanCount")
    min = try row.value("minValue")
    max = try row.value("maxValue")
    sum = try row.value("sum") ?? .nan
  }

  fileprivate func merged(_ other: PointBucket) -> PointBucket {
    var both = self
    both.minStep = Swift.min(minStep, other.minStep)
    both.maxStep = Swift.max(maxStep, other.maxStep)
    both.count += other.count
    both.nanCount += other.nanCount
    both.min = [min, other.min].compactMap(\.self).min()
    both.max = [max, other.max].compactMap(\.self).max()
    both.sum += other.sum
    return both
  }

  /// Where the bucket lies between the ends of the series, 0 … 1.
  fileprivate func position(_ low: Int64, _ high: Int64) -> Double {
    let middle = Double(minStep) / 2 + Double(maxStep) / 2
    return (middle - Double(low)) / Swift.max(1, Double(high) - Double(low))
  }
}

extension Run {
  /// A metric in at most so many buckets of steps, for a plot; every point is in one of them.
  ///
  /// - Parameters:
  ///   - key: The metric's key.
  ///   - countMax: How many buckets the plot has room for.
  ///   - db: An open read of the catalog.
  /// - Returns: The buckets by step; they overlap only where one block of points reaches over an edge.
  /// - Throws: `corrupt` for a damaged block.
  /// - Complexity: Decodes at most `countMax` blocks; a longer series is summed from its blocks' rows.
  package func buckets(_ key: String, countMax: Int, _ db: Database) throws -> [PointBucket] {
    guard countMax > 0, let series = try findSeries(key, db),
      let keyId = try KeyName.find(key, db)
    else { return [] }
    let room = min(countMax, 1_000_000)
    var buckets: [Int: PointBucket] = [:]
    func add(_ bucket: PointBucket) {
      let position = bucket.position(series.minStep, series.maxStep)
      let index = min(room - 1, max(0, Int(position * Double(room))))
      buckets[index] = buckets[index]?.merged(bucket) ?? bucket
    }
    let blockCount = try Int.fetchOne(
      db, sql: "SELECT count(*) FROM pointBlock WHERE runId = ? AND keyNameId = ?",
      arguments: [row, keyId])
    if blockCount ?? 0 <= room {
      let points = try points(key, db)
      while let point = try points.next() { add(PointBucket(point)) }
    } else {
      let rows = try Row.fetchCursor(
        db,
        sql: """
          SELECT minStep, maxStep, count, nanCount, minValue, maxValue, sum FROM pointBlock
          WHERE runId = ? AND keyNameId = ?
          """,
        arguments: [row, keyId])
      while let row = try rows.next() { add(try PointBucket(row: row)) }
      for point in try PointStore.tail(row, keyId, db) { add(PointBucket(point)) }
    }
    return buckets.sorted { $0.key < $1.key }.map(\.value)
  }
}

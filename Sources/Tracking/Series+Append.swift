import CZlib
import Foundation
package import GRDB
package import Storage

extension Run {
  /// Stores points: all of them or, when it throws, none; acknowledged once the transaction is committed.
  ///
  /// - Parameters:
  ///   - batch: The points; it is left as it is.
  ///   - now: The time of points without one.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: How many points are new; those equal in step, time and value to a stored one are not.
  /// - Throws: `refused` for a deleted run; `invalidInput` when a series has no further step.
  /// - Complexity: About 0.3 µs a point; no statement a point except for the last 511 of a series.
  @discardableResult
  package func append(_ batch: PointBatch, now: Timestamp = .now, _ db: Database) throws -> Int {
    var count = 0
    try append(batch, now, db) { column, refusal throws in
      if let refusal { throw RegistryError(.invalidInput, refusal.reason) }
      count += column
    }
    return count
  }

  /// Stores the points that their series can take, for senders that cannot be told of the others.
  ///
  /// - Parameters:
  ///   - batch: The points; it is left as it is.
  ///   - now: The time of points without one.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: What was left out; usually nothing.
  /// - Throws: `refused` for a deleted run.
  package func appendWhatFits(
    _ batch: PointBatch, now: Timestamp = .now, _ db: Database
  ) throws -> [PointBatch.Refusal] {
    var refused: [PointBatch.Refusal] = []
    try append(batch, now, db) { _, refusal in refused += refusal.map { [$0] } ?? [] }
    return refused
  }

  private func append(
    _ batch: PointBatch, _ now: Timestamp, _ db: Database,
    _ stored: (_ count: Int, PointBatch.Refusal?) throws -> Void
  ) throws {
    try checkActive(db)
    var writer = SeriesWriter(row, db)
    for column in batch.columns where !column.entries.isEmpty {
      let (count, refusal) = try writer.append(column, now: now.milliseconds)
      try stored(count, refusal)
    }
  }

  /// Packs what waits in tails, where a block is smaller than its rows.
  func sealSeries(_ db: Database) throws {
    var writer = SeriesWriter(row, db)
    let keyIds = try Int64.fetchAll(
      db, sql: "SELECT keyNameId FROM series WHERE runId = ? AND tailCount >= ?",
      arguments: [row, SeriesWriter.sealedMin])
    for keyId in keyIds { try writer.seal(keyId) }
  }
}

/// Writes the series of one run: rows for a tail of at most 511 points, blocks for the rest.
struct SeriesWriter {
  /// Fewer points than this stay rows when a run ends.
  static let sealedMin = 16

  private let runId: Int64
  private let db: Database
  /// Made for the first block: a compressor costs more than a few points.
  private var compressor: Deflate?

  init(_ runId: Int64, _ db: Database) {
    self.runId = runId
    self.db = db
  }

  mutating func append(
    _ column: PointBatch.Column, now: Int64
  ) throws -> (count: Int, refusal: PointBatch.Refusal?) {
    let keyId = try KeyName.put(column.name, noun: "metric", db)
    let row = try Row.fetchOne(
      db.cachedStatement(sql: "SELECT * FROM series WHERE runId = ? AND keyNameId = ?"),
      arguments: [runId, keyId])
    let stored = row.map { Series(key: column.name, row: $0) }
    let tailCount: Int = row?["tailCount"] ?? 0
    var (points, refusal) = column.points(after: stored?.maxStep, now: now)
    if let stored, let first = points.first, first.step <= stored.maxStep {
      try removeStored(&points, keyId)
    }
    guard !points.isEmpty, var series = stored ?? Series(key: column.name, points) else {
      return (0, refusal)
    }
    if stored != nil { series.include(points) }
    let isSealed = tailCount + points.count >= PointBlock.countMax
    try put(series, keyId, tailCount: isSealed ? 0 : tailCount + points.count)
    guard isSealed else {
      try addTail(points, keyId)
      return (points.count, refusal)
    }
    let tail = tailCount > 0 ? try takeTail(keyId) : []
    var all = tail + points
    all.normalize()
    try addBlocks(all, keyId)
    return (points.count, refusal)
  }

  mutating func seal(_ keyId: Int64) throws {
    try addBlocks(try takeTail(keyId), keyId)
    try db.execute(
      sql: "UPDATE series SET tailCount = 0 WHERE runId = ? AND keyNameId = ?",
      arguments: [runId, keyId])
  }

  /// Takes away points that the tail or a block has; only blocks that can have one are decoded.
  private func removeStored(_ points: inout [Point], _ keyId: Int64) throws {
    points.subtract(try PointStore.tail(runId, keyId, db))
    guard let first = points.first, let last = points.last else { return }
    let times = points.lazy.map(\.time)
    let blocks = try Row.fetchCursor(
      db.cachedStatement(
        sql: """
          SELECT content FROM pointBlock
          WHERE runId = ? AND keyNameId = ? AND minStep <= ? AND maxStep >= ?
            AND minTime <= ? AND maxTime >= ?
          """),
      arguments: [runId, keyId, last.step, first.step, times.max(), times.min()])
    while let block = try blocks.next() {
      points.subtract(try PointBlock.decode(Array(block[0] as Data)))
    }
  }

  private func put(_ series: Series, _ keyId: Int64, tailCount: Int) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO series
          (runId, keyNameId, count, tailCount, nanCount, minStep, maxStep, latestStep, latestTime,
           latestValue, minValue, minValueStep, maxValue, maxValueStep, sum)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (runId, keyNameId) DO UPDATE SET
          count = excluded.count, tailCount = excluded.tailCount, nanCount = excluded.nanCount,
          minStep = excluded.minStep, maxStep = excluded.maxStep,
          latestStep = excluded.latestStep, latestTime = excluded.latestTime,
          latestValue = excluded.latestValue, minValue = excluded.minValue,
          minValueStep = excluded.minValueStep, maxValue = excluded.maxValue,
          maxValueStep = excluded.maxValueStep, sum = excluded.sum
        """
    ).execute(arguments: [
      runId, keyId, series.count, tailCount, series.nanCount, series.minStep, series.maxStep,
      series.latest.step, series.latest.time, series.latest.value, series.min?.value,
      series.min?.step, series.max?.value, series.max?.step, series.sum,
    ])
  }

  private func addTail(_ points: [Point], _ keyId: Int64) throws {
    let statement = try db.cachedStatement(
      sql: "INSERT INTO pointTail (runId, keyNameId, step, time, bits) VALUES (?, ?, ?, ?, ?)")
    for point in points {
      try statement.execute(arguments: [
        runId, keyId, point.step, point.time, Int64(bitPattern: point.value.bitPattern),
      ])
    }
  }

  private func takeTail(_ keyId: Int64) throws -> [Point] {
    let points = try PointStore.tail(runId, keyId, db)
    try db.cachedStatement(sql: "DELETE FROM pointTail WHERE runId = ? AND keyNameId = ?")
      .execute(arguments: [runId, keyId])
    return points
  }

  /// Writes blocks of nearly equal size.
  private mutating func addBlocks(_ points: [Point], _ keyId: Int64) throws {
    let deflate = try compressor ?? Deflate(strategy: Z_RLE)
    compressor = deflate
    let blockCount = (points.count + PointBlock.countMax - 1) / PointBlock.countMax
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO pointBlock
          (runId, keyNameId, count, nanCount, minStep, maxStep, minTime, maxTime,
           minValue, maxValue, sum, content)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for number in 0..<blockCount {
      let start = points.count * number / blockCount
      let block = points[start..<(points.count * (number + 1) / blockCount)]
      let summary = PointSummary(block)
      let times = block.lazy.map(\.time)
      try statement.execute(arguments: [
        runId, keyId, block.count, summary.nanCount, block.first?.step, block.last?.step,
        times.min(), times.max(), summary.min?.value, summary.max?.value, summary.sum,
        Data(try PointBlock.encode(block, deflate)),
      ])
    }
  }
}

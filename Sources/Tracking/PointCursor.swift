import Foundation
package import GRDB
import Storage

/// The points of a series in order, read block by block.
package final class PointCursor: Cursor {
  /// Blocks overlap in steps only where points came out of order; then they are read together.
  private struct Part {
    let minStep: Int64
    let maxStep: Int64
    let blockId: Int64?  // nil is the tail
  }

  private let db: Database
  private let tail: [Point]
  private let parts: [Part]
  private var nextPart = 0
  private var points: [Point] = []
  private var nextPoint = 0

  fileprivate init(_ runId: Int64, _ keyId: Int64, _ db: Database) throws {
    self.db = db
    tail = try PointStore.tail(runId, keyId, db)
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT id, minStep, maxStep FROM pointBlock WHERE runId = ? AND keyNameId = ?
        ORDER BY minStep
        """,
      arguments: [runId, keyId])
    var parts = try rows.map {
      Part(
        minStep: try $0.value("minStep"), maxStep: try $0.value("maxStep"),
        blockId: try $0.value("id"))
    }
    if let first = tail.first, let last = tail.last {
      let place = parts.firstIndex { $0.minStep > first.step } ?? parts.count
      parts.insert(Part(minStep: first.step, maxStep: last.step, blockId: nil), at: place)
    }
    self.parts = parts
  }

  package func next() throws -> Point? {
    if nextPoint == points.count {
      points = try readParts()
      nextPoint = 0
      if points.isEmpty { return nil }
    }
    nextPoint += 1
    return points[nextPoint - 1]
  }

  /// The next part and all that overlap with it, in order.
  private func readParts() throws -> [Point] {
    var found: [Point] = []
    var maxStep = Int64.min
    while nextPart < parts.count, found.isEmpty || parts[nextPart].minStep <= maxStep {
      let part = parts[nextPart]
      found += try part.blockId.map { try PointStore.block($0, db) } ?? tail
      maxStep = Swift.max(maxStep, part.maxStep)
      nextPart += 1
    }
    found.normalize()
    return found
  }
}

/// Reads the tables of points.
enum PointStore {
  /// The tail of a series, in order.
  static func tail(_ runId: Int64, _ keyId: Int64, _ db: Database) throws -> [Point] {
    let statement = try db.cachedStatement(
      sql: "SELECT step, time, bits FROM pointTail WHERE runId = ? AND keyNameId = ?")
    var points = try Row.fetchAll(statement, arguments: [runId, keyId]).map { row in
      Point(
        step: try row.value(at: 0), time: try row.value(at: 1),
        value: Double(bitPattern: UInt64(bitPattern: try row.value(at: 2))))
    }
    points.normalize()
    return points
  }

  /// The points of one block, in order.
  static func block(_ id: Int64, _ db: Database) throws -> [Point] {
    let statement = try db.cachedStatement(sql: "SELECT content FROM pointBlock WHERE id = ?")
    guard let content = try Data.fetchOne(statement, arguments: [id]) else { return [] }
    return try PointBlock.decode(Array(content))
  }
}

extension Run {
  /// The points of a metric by step, time and value; none for an unknown key.
  ///
  /// - Parameters:
  ///   - key: The metric's key.
  ///   - db: An open read of the catalog, in which alone the cursor may be used.
  /// - Returns: A cursor.
  /// - Throws: SQLite's errors; the cursor throws `corrupt` for a damaged block.
  /// - Complexity: One block in memory, or as many as overlap in steps.
  package func points(_ key: String, _ db: Database) throws -> PointCursor {
    try PointCursor(row, try KeyName.find(key, db) ?? 0, db)
  }
}

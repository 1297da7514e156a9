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
  /// - Throws: SQLite's errors.
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
      let series = Series(key: row["name"], row: row)
      guard let what = try fault(of: series, row["runId"], row["keyNameId"], row["tailCount"], db)
      else { continue }
      faults.append(SeriesFault(runId: row["uuid"], key: series.key, what: what))
    }
    return faults
  }

  private static func fault(
    of series: Series, _ runId: Int64, _ keyId: Int64, _ tailCount: Int, _ db: Database
  ) throws -> String? {
    let tail = try PointStore.tail(runId, keyId, db)
    guard tail.count == tailCount else { return "\(tailCount) points in rows expected" }
    var count = tail.count
    var latest = tail.last
    let blocks = try Row.fetchCursor(
      db,
      sql: "SELECT id, count, minStep, maxStep FROM pointBlock WHERE runId = ? AND keyNameId = ?",
      arguments: [runId, keyId])
    while let block = try blocks.next() {
      let points: [Point]
      do {
        points = try PointStore.block(block["id"], db)
      } catch let error as RegistryError {
        return error.message
      }
      let isSound =
        points.count == block["count"] && points.first?.step == block["minStep"]
        && points.last?.step == block["maxStep"] && zip(points, points.dropFirst()).allSatisfy(<)
      guard isSound else { return "a block of points differs from its summary" }
      count += points.count
      latest = [latest, points.last].compactMap(\.self).max()
    }
    guard count == series.count, latest?.step == series.latest.step,
      latest?.time == series.latest.time
    else { return "the points differ from the series' summary" }
    return nil
  }
}

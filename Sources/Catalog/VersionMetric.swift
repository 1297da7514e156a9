package import GRDB
import Storage

/// A metric that was brought with a version made elsewhere.
package struct VersionMetric: Sendable {
  /// The key: `val/f1`.
  package let key: String
  /// The value, which may be NaN.
  package let value: Double
  /// Who says so, for people.
  package let source: String

  /// Makes a metric of a version to come.
  package init(_ key: String, _ value: Double, source: String) {
    self.key = key
    self.value = value + 0  // SQLite keeps no -0, the event would
    self.source = source
  }

  /// Refuses keys that no table could show.
  func check() throws(RegistryError) {
    guard !key.utf8.isEmpty, key.utf8.count <= 255 else {
      throw RegistryError(
        .invalidInput, "the metric key has \(key.utf8.count) bytes; it needs 1 to 255")
    }
    guard !key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw RegistryError(.invalidInput, "the metric key has a control character")
    }
  }
}

extension Version {
  /// The metrics that were brought with it, by key; its run's are in Tracking.
  package func metrics(_ db: Database) throws -> [VersionMetric] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM versionMetric WHERE versionId = ? ORDER BY key", arguments: [id]
    ).map { VersionMetric($0["key"], $0["value"] ?? .nan, source: $0["source"]) }
  }
}

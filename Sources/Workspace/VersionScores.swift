package import Catalog
package import GRDB
import Storage
package import Tracking

/// A version's metrics with the experiment they come from; only those of one task are compared.
package struct VersionScores: Sendable {
  /// The version.
  package let version: Version
  /// The run that made it; nil for a version made elsewhere.
  package let run: Run?
  /// The experiment of its run, else the task of its model; nil if it has neither.
  package let experimentId: Int64?
  /// The latest value by step of each of its run's metrics, then what was brought with it.
  package let scores: [Score]

  /// One metric of a version.
  package struct Score: Sendable, Equatable {
    /// The key: `val/f1`.
    package let key: String
    /// The value, which may be NaN.
    package let value: Double
    /// The run's id, or who says so.
    package let source: String
  }

  /// Reads the metrics of a version.
  package static func get(_ version: Version, _ db: Database) throws -> VersionScores {
    let run = try Reference.findRun(of: version, db)
    let logged = try run.map { run in
      try run.series(db).map {
        Score(key: $0.key, value: $0.latest.value, source: "run \(run.id.short)")
      }
    }
    let brought = try version.metrics(db).map {
      Score(key: $0.key, value: $0.value, source: $0.source)
    }
    return VersionScores(
      version: version, run: run,
      experimentId: try run?.experimentId
        ?? Experiment.find(modelId: version.modelId, db)?.id,
      scores: (logged ?? []) + brought)
  }

  /// The value of a metric; the run's goes before what was brought.
  package func find(_ key: String) -> Score? {
    scores.first { $0.key.utf8.elementsEqual(key.utf8) }
  }

  /// Whether its metrics may be compared with another version's.
  package func isComparable(with other: VersionScores) -> Bool {
    experimentId != nil && experimentId == other.experimentId
  }
}

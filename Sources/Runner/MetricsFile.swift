import Storage
import Tracking

/// What became of `REGISTRY_METRICS` beside lines at its end, kept as a check of the run.
///
/// Lines are read once: a file that takes the place of another, or was emptied, is read from its
/// start after the rest of the one before. Which file an offset counts in is stored with it, in
/// this check or, before any change, in the spool's plan. After a crash a file that was emptied
/// and has grown over the offset since is told only by a line that does not end there.
struct MetricsFile: Equatable {
  /// The check's rule.
  static let rule = "metrics-file"

  /// The file that is read, as `FileIdentity.text`.
  var file: String?
  private(set) var replacedCount: Int64 = 0
  private(set) var truncatedCount: Int64 = 0

  /// Goes on from the check of who read before, else from the file that the spool was made with.
  init(_ check: RunCheck?, plan: Spool.Plan) {
    file = check?.evidence["file"]?.string ?? plan.metricsFile
    replacedCount = check?.evidence["replacedCount"]?.integer ?? 0
    truncatedCount = check?.evidence["truncatedCount"]?.integer ?? 0
  }

  mutating func note(_ change: Tail.Change, file: String?) {
    switch change {
    case .replaced: replacedCount += 1
    case .truncated: truncatedCount += 1
    }
    self.file = file
  }

  var check: RunCheck {
    RunCheck(
      rule: Self.rule, .warn,
      evidence: [
        "replacedCount": .integer(replacedCount), "truncatedCount": .integer(truncatedCount),
        "file": JSON(file),
      ])
  }
}

package import Storage
package import Tracking

/// Fills a store with runs of 80 values each, as the benchmarks and the bar want them.
///
/// Parameter `lr` and metric `val/f1` vary; metrics have one point each.
///
/// - Parameters:
///   - count: How many runs, in one experiment `bulk`.
///   - store: A store open for writing.
/// - Returns: The experiment.
/// - Throws: SQLite's errors.
@discardableResult
package func addBulkRuns(count: Int, to store: Store) throws -> Experiment {
  var generator = SeededGenerator(seed: 20_000)
  let experiment = try store.write { db in try Experiment.add("bulk", db) }
  var batch = PointBatch()
  let keys = try (["val/f1", "loss"] + (2..<49).map { "metric/\($0)" }).map { try batch.key($0) }
  for start in stride(from: 0, to: count, by: 1000) {
    try store.write { db in
      for index in start..<min(start + 1000, count) {
        var new = Run.Start(experimentId: experiment.id)
        new.name = "bulk-\(index)"
        new.sharesName = true
        new.user = "ann"
        new.host = "bench"
        new.startTime = Timestamp(milliseconds: 1_790_000_000_000 + Int64(index) * 1000)
        let run = try Run.add(new, db)
        let rate = ["1e-5", "3e-5", "1e-4", "3e-4", "1e-3"][
          Int.random(in: 0..<5, using: &generator)]
        let parameters = (1..<20).map { Parameter("param\($0)", "value-\(index % ($0 + 1))") }
        try run.logParameters([Parameter("lr", rate)] + parameters, db)
        let tags = (1..<11).map { Tag("tag\($0)", "value-\(index % ($0 * 3))") }
        try run.setTags([Tag("owner", index % 2 == 0 ? "ann" : "ben")] + tags, db)
        for key in keys {
          batch.add(key, step: 100, time: 1, value: .random(in: 0...1, using: &generator))
        }
        try run.append(batch, db)
        batch.removeAll()
      }
    }
  }
  return experiment
}

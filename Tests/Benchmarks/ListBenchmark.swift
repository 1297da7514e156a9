import Foundation
import GRDB
import Storage
import Support
import Tracking

/// Bar: `run ls` and a filtered, sorted page of 20,000 runs × 80 values under 150 ms as a whole process.
func benchmarkList() throws {
  let runs = 20_000
  try withTemporaryFolder { folder in
    let store = try Store.open(try Store.create(in: folder).folder, .write)
    var random = SeededGenerator(seed: 1)
    let experiment = try store.write { try Experiment.add("bench", $0) }
    for start in stride(from: 0, to: runs, by: 1000) {
      try store.write { db in
        for number in start..<start + 1000 { try addRun(number, experiment, &random, db) }
      }
    }
    try store.checkpoint(.catalog)
    try store.close()
    let filter = "metrics.m7 > 0.5 and params.p3 < 0.2 and tags.t1 = \"value-7\""
    for (name, arguments) in [
      ("plain", ["run", "ls", "bench"]),
      ("filtered", ["run", "ls", "bench", "--where", filter, "--sort", "-m9", "--limit", "100"]),
      ("sorted", ["run", "ls", "bench", "--sort", "-m9", "--limit", "100"]),
      ("json", ["run", "ls", "bench", "--sort", "-m9", "--limit", "100", "--json"]),
    ] {
      let timing = try Timing.measure(rounds: 11) {
        let outcome = try Product.start(arguments, in: folder).finish()
        guard outcome.status == 0, outcome.output.count > 100 else {
          throw Product.Failure(arguments: arguments, outcome: outcome)
        }
      }
      report(
        "list",
        [
          "page": .string(name), "runs": .integer(Int64(runs)), "valuesPerRun": 80,
          "milliseconds": milliseconds(timing.median),
          "worstMilliseconds": milliseconds(timing.worst), "barMilliseconds": 150,
        ])
    }
  }
}

/// A run with 20 parameters, 11 tags and 49 metrics.
private func addRun(
  _ number: Int, _ experiment: Experiment, _ random: inout SeededGenerator, _ db: Database
) throws {
  let run = try Run.add(Run.Start(experimentId: experiment.id), db)
  try run.logParameters(
    (0..<20).map { Parameter("p\($0)", String(Double.random(in: 0..<1, using: &random))) }, db)
  try run.setTags((0..<11).map { Tag("t\($0)", "value-\((number + $0) % 50)") }, db)
  var batch = PointBatch()
  for metric in 0..<49 {
    let key = try batch.key("m\(metric)")
    batch.add(key, step: 1, time: nil, value: .random(in: 0..<1, using: &random))
  }
  _ = try run.append(batch, db)
  try run.finish(.finished, db)
}

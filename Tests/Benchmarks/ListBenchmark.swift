import Foundation
import Storage
import Support

/// Bar: `run ls` and a filtered, sorted page of 20,000 runs × 80 values under 150 ms as a whole process.
func benchmarkList() throws {
  let runs = 20_000
  try withTemporaryFolder { folder in
    let store = try Store.open(try Store.create(in: folder).folder, .write)
    try addBulkRuns(count: runs, to: store)
    try store.checkpoint(.catalog)
    try store.close()
    let filter = "val/f1 > 0.8 and params.lr < 1e-4 and tags.owner = \"ann\""
    let page = ["--sort", "-val/f1", "--limit", "100"]
    for (name, arguments) in [
      ("plain", []), ("sorted", page), ("filtered", ["--where", filter] + page),
      ("json", ["--where", filter, "--json"] + page),
    ] {
      let timing = try Timing.measure(rounds: 11) {
        let outcome = try Product.start(["run", "ls", "bulk"] + arguments, in: folder).finish()
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

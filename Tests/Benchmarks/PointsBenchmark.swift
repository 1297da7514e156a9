import Foundation
import GRDB
import Storage
import Support

/// Bar: a million points through `$REGISTRY_METRICS` in one run at 300,000 a second and at most 15 bytes
/// each in both files; the limit is raw SQLite inserts of the same points, a row each.
func benchmarkPoints() throws {
  let lines = 200_000
  let keys = ["loss", "val/loss", "val/accuracy", "lr", "grad_norm"]
  try withTemporaryFolder { folder in
    var random = SeededGenerator(seed: 1)
    var text = ""
    for step in 0..<lines {
      let values = keys.map { "\"\($0)\": \(sixDigits(&random))" }
      text += "{\"step\": \(step), \(values.joined(separator: ", "))}\n"
    }
    try Data(text.utf8).write(to: folder.appending(path: "metrics.jsonl"))
    var timings: [Double] = []
    var bytes = 0.0
    var kept = 0
    for round in 0..<3 {
      let place = folder.appending(path: "round\(round)")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try Product.succeed("init", in: place)
      try Product.succeed("experiment", "add", "bench", in: place)
      let before = try storeSizeBytes(place)
      timings += try Timing.measure(rounds: 1, warmUp: false) {
        try Product.succeed(
          "run", "bench", "--", "sh", "-c", "cat ../metrics.jsonl >> \"$REGISTRY_METRICS\"",
          in: place)
      }.seconds
      bytes = Double(try storeSizeBytes(place) - before) / Double(lines * keys.count)
      let shown = try Product.succeed("run", "show", "bench/last", "--json", in: place)
      kept = try pointCount(shown.output)
    }
    let timing = Timing(seconds: timings)
    let raw = try rawInserts(lines: lines, keys: keys.count, in: folder)
    let points = Double(lines * keys.count)
    report(
      "points",
      [
        "points": .integer(Int64(points)), "kept": .integer(Int64(kept)),
        "pointsPerSecond": rounded(points / timing.median),
        "worstPointsPerSecond": rounded(points / timing.worst),
        "bytesPerPoint": rounded(bytes),
        "rawInsertsPerSecond": rounded(points / raw.seconds),
        "rawBytesPerPoint": rounded(raw.bytes),
        "barPointsPerSecond": 300_000, "barBytesPerPoint": 15,
      ])
  }
}

private func sixDigits(_ random: inout SeededGenerator) -> String {
  String(Double(Int.random(in: 1...999_999, using: &random)) / 1_000_000)
}

private func storeSizeBytes(_ folder: URL) throws -> Int64 {
  let store = try Store.open(folder.appending(path: Store.folderName), .read)
  defer { try? store.close() }
  return StoreFile.allCases.reduce(0) { $0 + store.sizeBytes($1) }
}

/// The sum of the counts that `run show --json` gives for its metrics.
private func pointCount(_ shown: Data) throws -> Int {
  let run = try JSON.parse(Array(shown))["run"]
  return (run?["metrics"]?.array ?? []).reduce(0) { $0 + Int($1["count"]?.integer ?? 0) }
}

/// Inserts a row a point with SQLite alone, at the same durability, 50,000 points a transaction.
private func rawInserts(
  lines: Int, keys: Int, in folder: URL
) throws -> (seconds: Double, bytes: Double) {
  let path = folder.appending(path: "raw.sqlite").path
  let queue = try DatabaseQueue(path: path)
  try queue.writeWithoutTransaction { db in
    try db.execute(
      sql: """
        PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        CREATE TABLE point (series INTEGER, step INTEGER, time INTEGER, value REAL) STRICT
        """)
  }
  var random = SeededGenerator(seed: 1)
  let timing = try Timing.measure(rounds: 1, warmUp: false) {
    for start in stride(from: 0, to: lines, by: 10_000) {
      try queue.write { db in
        let insert = try db.makeStatement(sql: "INSERT INTO point VALUES (?, ?, ?, ?)")
        for step in start..<min(start + 10_000, lines) {
          for key in 0..<keys {
            let value = Double(Int.random(in: 1...999_999, using: &random)) / 1_000_000
            try insert.execute(arguments: [key, step, 1_763_910_000_000 + step, value])
          }
        }
      }
    }
  }
  try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
  try queue.close()
  let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
  return (timing.median, (size?.doubleValue ?? 0) / Double(lines * keys))
}

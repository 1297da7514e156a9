import Datasets
import Foundation
import Storage
import Support

/// Reading 100,000 rows of 64 numbers as CSV, JSONL and npy, beside reading only the files' bytes.
func benchmarkTables() throws {
  let (rowCount, columnCount) = (100_000, 64)
  let features = SafetensorsFixture.noise(rowCount * columnCount, seed: 1)
  try withTemporaryFolder { folder in
    let labels = folder.appending(path: "y.npy")
    try npy("|u1", "(\(rowCount),)", content: (0..<rowCount).map { UInt8($0 % 10) })
      .write(to: labels)
    var csv = (0..<columnCount).map { "f\($0)" }.joined(separator: ",") + ",label\n"
    var jsonl = ""
    for row in 0..<rowCount {
      let cells = features[row * columnCount..<(row + 1) * columnCount].map { "\($0)" }
      csv += cells.joined(separator: ",") + ",\(row % 10)\n"
      jsonl += "{\"features\": [\(cells.joined(separator: ", "))], \"label\": \(row % 10)}\n"
    }
    let content = features.withUnsafeBytes(Array.init)
    let files = [
      ("csv", Data(csv.utf8)), ("jsonl", Data(jsonl.utf8)),
      ("npy", npy("<f4", "(\(rowCount), \(columnCount))", content: content)),
    ]
    for (ending, data) in files {
      let file = folder.appending(path: "train.\(ending)")
      try data.write(to: file)
      var options = FeatureTable.ReadOptions()
      if ending == "npy" { options.labelFile = labels }
      let table = try Timing.measure(rounds: 5) { _ = try FeatureTable.read(file, options) }
      let bytes = try Timing.measure(rounds: 5) { _ = try Data(contentsOf: file) }
      let megabytes = Double(data.count) / 1e6
      report(
        "tables",
        [
          "format": .string(ending), "rows": .integer(Int64(rowCount)),
          "columns": .integer(Int64(columnCount)), "megabytes": rounded(megabytes),
          "milliseconds": milliseconds(table.median), "MBps": rounded(megabytes / table.median),
          "timesReadingBytes": rounded(table.median / bytes.median),
        ])
    }
  }
}

private func npy(_ descr: String, _ shape: String, content: [UInt8]) -> Data {
  var header = Array("{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }".utf8)
  while (header.count + 11) % 64 != 0 { header.append(32) }
  header.append(10)
  return Data([0x93] + "NUMPY".utf8 + [1, 0, UInt8(header.count), 0] + header + content)
}

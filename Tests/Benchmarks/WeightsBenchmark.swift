// What a lineage of real fine-tunes costs in a store, beside other programs in the same run: sizes,
// speed of the codec, of whole files and of one tensor, memory, disk.
//
// The lineage is that of `--lineage DIR` or `REGISTRY_LINEAGE`, else made once in .build/lineage by
// Tests/Python/make_lineage.py (ten minutes on two cores). `--parts` picks some of the parts below.

import Foundation
import Storage

/// What `--parts` picks from.
let weightsParts: [(name: String, run: @Sendable (WeightsLineage) throws -> Void)] = [
  ("codec", benchmarkWeightsCodec), ("peers", benchmarkWeightsPeers),
  ("sizes", benchmarkWeightsSizes), ("files", benchmarkWeightsFiles),
  ("tensors", benchmarkWeightsTensors), ("memory", benchmarkWeightsMemory),
  ("git-theta", benchmarkWeightsGitTheta),
]

/// Measures every part and prints a JSON line per result; tables go to standard error.
func benchmarkWeights() throws {
  let wanted = RegistryBenchmark.option("--parts")?.split(separator: ",").map(String.init)
  for name in wanted ?? [] where !weightsParts.contains(where: { $0.name == name }) {
    let names = weightsParts.map(\.name).joined(separator: ", ")
    throw WeightsLineage.Failure("no part '\(name)': \(names)")
  }
  let lineage = try WeightsLineage.find()
  for part in weightsParts where wanted?.contains(part.name) ?? true { try part.run(lineage) }
}

/// Prints a text table, the first column to the left.
func printTable(_ title: String, _ rows: [[String]]) {
  let widths = (rows.first ?? []).indices.map { column in
    rows.map { $0[column].count }.max() ?? 0
  }
  let lines = rows.map { row in
    zip(row, widths).enumerated().map { column, cell in
      let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
      return column == 0 ? cell.0 + blanks : blanks + cell.0
    }.joined(separator: "  ")
  }
  FileHandle.standardError.write(
    Data(("\n\(title)\n" + lines.map { "  \($0)\n" }.joined()).utf8))
}

/// A number with so many digits after the point.
func fixed(_ number: Double, _ digits: Int) -> String {
  String(format: "%.\(digits)f", number)
}

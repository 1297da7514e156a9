// The benchmarks of the product, run by `swift run -c release registry-benchmark [NAME]…`.
// Options: `weights --lineage DIR --parts sizes,codec,…` (WeightsBenchmark.swift).
//
// Each measures a fixed workload and, in the same run, a peer or a physical limit; it prints one
// JSON line per result. Times are reported, never asserted.

import Foundation
import Storage

/// Seconds of several rounds of the same work.
struct Timing {
  let seconds: [Double]

  var median: Double { seconds.sorted()[seconds.count / 2] }
  var best: Double { seconds.min() ?? .nan }
  var worst: Double { seconds.max() ?? .nan }

  /// Runs the work once to warm up, then so many rounds.
  static func measure(rounds: Int, warmUp: Bool = true, _ work: () throws -> Void) rethrows
    -> Timing
  {
    if warmUp { try work() }
    return Timing(
      seconds: try (0..<rounds).map { _ in
        let duration = try ContinuousClock().measure { try work() }
        return Double(duration.components.seconds)
          + Double(duration.components.attoseconds) / 1e18
      })
  }
}

/// Prints one result as a JSON line.
func report(_ name: String, _ facts: KeyValuePairs<String, JSON>) {
  report(name, facts.map { ($0.key, $0.value) })
}

/// Prints one result as a JSON line.
func report(_ name: String, _ facts: [(String, JSON)]) {
  let members = facts.map { JSON.Member($0.0, $0.1) }
  let line = JSON.object([JSON.Member("benchmark", .string(name))] + members).text() + "\n"
  FileHandle.standardOutput.write(Data(line.utf8))
}

/// Milliseconds, to a hundredth.
func milliseconds(_ seconds: Double) -> JSON {
  .number((seconds * 100_000).rounded() / 100)
}

/// A ratio or rate to three significant places.
func rounded(_ number: Double) -> JSON {
  .number((number * 1000).rounded() / 1000)
}

@main
enum RegistryBenchmark {
  static let all: [(name: String, run: @Sendable () throws -> Void)] = [
    ("start", benchmarkStart), ("list", benchmarkList), ("points", benchmarkPoints),
    ("weights", benchmarkWeights), ("engine", benchmarkEngine), ("tables", benchmarkTables),
    ("demo", benchmarkDemo),
  ]

  /// What `--help` prints.
  static let usage = """
    registry-benchmark [NAME]…    \(all.map(\.name).joined(separator: ", "))
    registry-benchmark weights [--lineage DIR] [--parts NAME,…] [--peers NAME]

      --lineage DIR   what Tests/Python/make_lineage.py wrote, else $REGISTRY_LINEAGE, else
                      .build/lineage; that is made where it is missing (1.8 GB, beside a Python
                      of 1.3 GB): ten minutes on two idle cores, longer beside other work
      --parts NAME,…  \(weightsParts.map(\.name).joined(separator: ", "))
      --peers NAME    of the part peers only those with this in their name, such as BitX
    """

  /// The value that follows an option's name; nil without it.
  static func option(_ name: String) -> String? {
    guard let index = CommandLine.arguments.firstIndex(of: name) else { return nil }
    return CommandLine.arguments[(index + 1)...].first
  }

  static func main() {
    let words = CommandLine.arguments
    if words.contains("--help") { return print(usage) }
    let wanted = words.indices.dropFirst().filter { index in
      !words[index].hasPrefix("--") && !words[index - 1].hasPrefix("--")
    }.map { words[$0] }
    for name in wanted where !all.contains(where: { $0.name == name }) {
      print("no benchmark '\(name)'; there are: \(all.map(\.name).joined(separator: ", "))")
      exit(2)
    }
    for benchmark in all where wanted.isEmpty || wanted.contains(benchmark.name) {
      do {
        try benchmark.run()
      } catch {
        print("benchmark \(benchmark.name) failed: \(error)")
        exit(1)
      }
    }
  }
}

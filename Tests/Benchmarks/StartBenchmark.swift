import Foundation
import Storage
import Support

/// Bar: `registry --version` under 30 ms as a whole process; peers are the smallest program and git.
func benchmarkStart() throws {
  try withTemporaryFolder { folder in
    let version = try Timing.measure(rounds: 41) { try Product.succeed("--version", in: folder) }
    let help = try Timing.measure(rounds: 41) { try Product.succeed("--help", in: folder) }
    let nothing = try Timing.measure(rounds: 41) {
      try Product.run(program: "/bin/true", [], in: folder)
    }
    let git = try? Timing.measure(rounds: 41) {
      try Product.run(program: "/usr/bin/git", ["--version"], in: folder)
    }
    report(
      "start",
      [
        "versionMilliseconds": milliseconds(version.median),
        "versionWorstMilliseconds": milliseconds(version.worst),
        "helpMilliseconds": milliseconds(help.median),
        "trueMilliseconds": milliseconds(nothing.median),
        "gitMilliseconds": git.map { milliseconds($0.median) } ?? .null,
        "barMilliseconds": 30,
      ])
  }
}

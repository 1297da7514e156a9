import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking

extension ProcessTests {
  @Suite struct MetricsFileTests {
    /// Shell functions: write points, and wait until the store has so many.
    private static let functions = """
      line() { printf '{"a": %s}\\n' $1; }
      points() {
        until "\(Runs.binary)" run show $REGISTRY_RUN_ID --points a --csv |
          grep -q ",$1\\(\\.0\\)*$"
        do sleep 0.05; done
      }

      """

    private func values(_ run: Run, _ runs: Runs) throws -> [Double] {
      try runs.points(run, "a").map(\.value)
    }

    private func change(_ run: Run, _ runs: Runs) throws -> JSON? {
      try runs.store.read { db in try run.checks(db) }.first { $0.rule == "metrics-file" }?.evidence
    }

    @Test func `a file that takes the place of the metrics is read after it`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        Self.functions + """
          { line 0; line 1; printf '{"a": 2}'; } > "$REGISTRY_METRICS"
          { line 3; line 4; } > other; mv other "$REGISTRY_METRICS"; line 5 >> "$REGISTRY_METRICS"
          """)
      let run = try #require(outcome.run)
      #expect(try values(run, runs) == [0, 1, 2, 3, 4, 5])
      #expect(try change(run, runs)?["replacedCount"] == 1)
    }

    @Test func `metrics that are emptied or written anew are read from their start`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        Self.functions + """
          { line 0; line 1; } > "$REGISTRY_METRICS"; points 1
          line 2 > "$REGISTRY_METRICS"; points 2
          { line 33; line 34; line 35; } > "$REGISTRY_METRICS"
          """)
      let run = try #require(outcome.run)
      #expect(try values(run, runs) == [0, 1, 2, 33, 34, 35])
      #expect(try change(run, runs)?["truncatedCount"] == 2)
      #expect(try runs.store.read { db in try run.checks(db) }.count == 1)
    }

    @Test(arguments: [true, false])
    func `a crash beside a change loses and doubles nothing`(isSeen: Bool) throws {
      let runs = try Runs()
      defer { runs.close() }
      // A runner that is stopped has not seen the change when it is killed.
      let script =
        Self.functions + """
          guard=$PPID; runner=$(cut -d ' ' -f 4 /proc/$guard/stat)
          { line 0; line 1; line 2; } > "$REGISTRY_METRICS"; points 2
          \(isSeen ? "" : "kill -STOP $runner")
          { line 3; line 4; line 5; line 6; } > $HERE/other; mv $HERE/other "$REGISTRY_METRICS"
          \(isSeen ? "points 6" : "")
          trap 'line 7 >> "$REGISTRY_METRICS"; exit' TERM; kill -9 $runner
          while :; do sleep 0.05; done
          """
      let process = try runs.start(script)
      process.waitUntilExit()
      let settled = try runs.settle()
      #expect(settled.fault == nil && settled.run.reason == .lost)
      #expect(try values(settled.run, runs) == [0, 1, 2, 3, 4, 5, 6, 7])
      #expect(try change(settled.run, runs)?["replacedCount"] == 1)
    }

    @Test func `the rest of a line that is too long is left out after a crash too`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let script =
        Self.functions + """
          runner=$(cut -d ' ' -f 4 /proc/$PPID/stat)
          exec 2> /dev/null; trap 'echo " b=2"; echo c=3; exit' TERM
          printf 'a=1 '; head -c 2000000 /dev/zero | tr '\\0' x; points 1; kill -9 $runner
          while :; do sleep 0.05; done
          """
      let process = try runs.start(script)
      process.waitUntilExit()
      let settled = try runs.settle()
      let series = try runs.store.read { db in try settled.run.series(db) }
      #expect(series.map(\.key) == ["a", "c"])
    }
  }
}

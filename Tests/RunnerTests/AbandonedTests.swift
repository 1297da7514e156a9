import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking

extension ProcessTests {
  @Suite struct AbandonedTests {
    /// Waits until a file has content, at most as long as any machine needs.
    private func content(of name: String, _ runs: Runs) throws -> String {
      let path = runs.folder.appending(path: name)
      for _ in 0..<3000 {
        if let text = try? String(contentsOf: path, encoding: .utf8), text.hasSuffix("\n") {
          return text
        }
        usleep(10_000)
      }
      throw RegistryError(.notFound, "\(name) was not written")
    }

    private func onlyRun(_ runs: Runs) throws -> Run {
      try #require(try runs.store.read { db in try Run.list(db) }.first)
    }

    @Test func `a run is not abandoned while its runner or its guard lives`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = "echo $$ > $HERE/child; while [ ! -e $HERE/go ]; do sleep 0.02; done"
      let process = try runs.start(script)
      _ = try content(of: "child", runs)
      let run = try onlyRun(runs)
      #expect(run.status == .running && !Spool.isLost(run, runs.store))
      #expect(try Abandoned.settle(runs.store).isEmpty)
      try Data().write(to: runs.folder.appending(path: "go"))
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(try onlyRun(runs).status == .finished)
    }

    @Test func `after kill -9 of the runner the child is ended and every point is kept`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = """
        i=0; while [ $i -lt 2000 ]; do
          echo "{\\"a\\": $i, \\"step\\": $i}" >> "$REGISTRY_METRICS"; echo "b=$i"; i=$((i+1))
        done; printf kept > "$REGISTRY_OUTPUT_DIR/file"
        echo $$ > $HERE/child; sleep 1000
        """
      let process = try runs.start(script)
      let child = try content(of: "child", runs)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let settled = try runs.settle()
      #expect(settled.fault == nil && settled.run.status == .failed && settled.run.reason == .lost)
      #expect(!Runs.isAlive(child))
      for key in ["a", "b"] {
        let points = try runs.points(settled.run, key)
        #expect(points.map(\.value) == (0..<2000).map(Double.init), "series \(key)")
        #expect(points.map(\.step) == (0..<2000).map(Int64.init), "series \(key)")
      }
      #expect(try runs.store.read { db in try settled.run.artifacts(db) }.map(\.path) == ["file"])
      let output = (0..<2000).map { "b=\($0)\n" }.joined()
      #expect(try runs.output(settled.run) == output)
      #expect(!Spool(settled.run.id, runs.store).exists)
      #expect(try Abandoned.settle(runs.store).isEmpty)
    }

    @Test func `a child whose guard was killed is ended by its runner`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        trap '' TERM; echo $$ > $REGISTRY_OUTPUT_DIR/child; echo a=1
        until grep -q a=1 "$(dirname "$REGISTRY_METRICS")/output"; do sleep 0.02; done
        kill -9 $PPID; echo b=2; exec sleep 1000
        """)
      let run = try #require(outcome.run)
      #expect(run.status == .failed && run.reason == .lost && outcome.exitStatus == 125)
      #expect(try runs.output(run) == "a=1\nb=2\n")
      let child = try #require(try runs.store.read { db in try run.artifacts(db) }.first)
      #expect(!Runs.isAlive(String(decoding: try runs.content(child.digest), as: UTF8.self)))
    }

    @Test func `the runner's memory does not grow with the child's output`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      func peak(_ script: String) async throws -> Int64 {
        let outcome = try await runs.run([
          Runs.binary, "run", "task", "--", "/bin/sh", "-c", script,
        ])
        #expect(outcome.exitStatus == 0)
        return try #require(outcome.run?.usage.memoryPeakBytes)
      }
      let small = try await peak("echo loss=1")
      let large = try await peak("yes 'step 5 loss: 0.5 and some words' | head -c 200000000")
      #expect(large - small <= 32 << 20)
    }

    @Test func `a run whose runner was killed any time is closed once with all its points`() throws
    {
      let runs = try Runs()
      defer { runs.close() }
      var generator = SeededGenerator(seed: 3)
      for round in 0..<8 {
        let script = """
          i=0; while [ $i -lt 300 ]; do echo "{\\"a\\": $i}" >> "$REGISTRY_METRICS"
          echo $i >> $HERE/written\(round); i=$((i+1)); done
          """
        let process = try runs.start(script, name: "run\(round)")
        usleep(UInt32.random(in: 0..<150_000, using: &generator))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      var open = 1
      for _ in 0..<3000 where open > 0 {
        try Abandoned.settle(runs.store)
        open = try runs.store.read { db in try Run.list(statuses: [.running], db) }.count
        usleep(10_000)
      }
      #expect(open == 0)
      let all = try runs.store.read { db in try Run.list(db) }
      for run in all {
        let file = runs.folder.appending(path: run.name.replacing("run", with: "written"))
        let written = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        let points = try runs.points(run, "a")
        #expect(points.map(\.value) == (0..<points.count).map(Double.init), "\(run.name)")
        #expect(points.count >= written.split(separator: "\n").count, "\(run.name)")
      }
    }

    @Test func `a run that was ended from elsewhere keeps all that its child left`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = """
        echo '{"a": 1}' >> "$REGISTRY_METRICS"; echo loss=2; printf x > "$REGISTRY_OUTPUT_DIR/file"
        exec 2> /dev/null; trap 'echo loss=3; exit' TERM
        echo $$ > $HERE/child; while :; do sleep 0.05; done
        """
      let process = try runs.start(script)
      _ = try content(of: "child", runs)
      let run = try onlyRun(runs)
      try runs.store.write { db in _ = try run.finish(.killed, db) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let settled = try runs.settle()
      #expect(settled.fault == nil && settled.run.status == .killed && settled.run.reason == nil)
      #expect(try runs.points(run, "a").count == 1)
      #expect(try runs.points(run, "loss").map(\.value) == [2, 3])
      #expect(try runs.output(run) == "loss=2\nloss=3\n")
      #expect(try runs.store.read { db in try run.artifacts(db) }.map(\.path) == ["file"])
      #expect(!Spool(run.id, runs.store).exists)
    }

    @Test func `what a removed run left is stored once it is restored`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = """
        exec 2> /dev/null; trap 'echo loss=3; exit' TERM
        echo $$ > $HERE/child; while :; do sleep 0.05; done
        """
      let process = try runs.start(script)
      _ = try content(of: "child", runs)
      let run = try onlyRun(runs)
      try runs.store.write { db in try run.finish(.killed, db).set(.deleted, db) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      for _ in 0..<100 {
        #expect(try Abandoned.settle(runs.store).isEmpty)
        usleep(10_000)
      }
      try runs.store.write { db in try run.set(.active, db) }
      #expect(try runs.settle().fault == nil)
      #expect(try runs.output(run) == "loss=3\n")
    }
  }
}

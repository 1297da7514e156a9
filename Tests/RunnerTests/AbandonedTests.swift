import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking

extension ProcessTests {
  @Suite struct AbandonedTests {
    /// Starts `registry run task -- sh -c SCRIPT` as a process of its own.
    private func start(_ script: String, _ runs: Runs) throws -> Process {
      let process = Process()
      process.executableURL = URL(filePath: Runs.binary)
      process.arguments = ["run", "task", "--", "/bin/sh", "-c", script]
      process.environment = ProcessInfo.processInfo.environment
        .merging(["REGISTRY_STORE": runs.store.folder.path, "HERE": runs.folder.path]) { $1 }
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      return process
    }

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

    /// Settles again and again until the guard has let go.
    private func settle(_ runs: Runs) throws -> Abandoned.Settled {
      for _ in 0..<3000 {
        if let settled = try Abandoned.settle(runs.store).first { return settled }
        usleep(10_000)
      }
      throw RegistryError(.unavailable, "the guard does not let go")
    }

    @Test func `a run is not abandoned while its runner or its guard lives`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = "echo $$ > $HERE/child; while [ ! -e $HERE/go ]; do sleep 0.02; done"
      let process = try start(script, runs)
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
      let process = try start(script, runs)
      let child = try content(of: "child", runs)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let settled = try settle(runs)
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
        "echo $$ > $REGISTRY_OUTPUT_DIR/child; kill -9 $PPID; echo a=1; sleep 1000")
      let run = try #require(outcome.run)
      #expect(run.status == .failed && run.reason == .lost && outcome.exitStatus == 125)
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
          i=0; while [ $i -lt 300 ]; do echo "{\\"a\\": $i}" >> "$REGISTRY_METRICS"; i=$((i+1))
          done; echo $i > $HERE/done\(round)
          """
        let process = try start(script, runs)
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
        let points = try runs.points(run, "a")
        #expect(points.map(\.value) == (0..<points.count).map(Double.init), "run \(run.name)")
        #expect(run.status != .finished || points.count == 300)
      }
    }
  }
}

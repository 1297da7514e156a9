import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

extension ProcessTests {
  @Suite struct RunnerTests {
    @Test func `arguments arrive byte for byte`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let odd = [
        "a b", "", "$HOME", "*", "'\"", "{lr}", "{other}", "{", "\n", "é", "-n", "--", "\\",
      ]
      let outcome = try await runs.run(["/usr/bin/printf", "[%s]"] + odd) { request in
        request.session.parameters = [Parameter("lr", "{lr}3e-5")]
        request.command.append([255, 254, 1])
      }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 0 && run.status == .finished)
      let digest = try runs.store.read { db in try RunSource.get(run, db).outputBlobDigest }
      let bytes = try runs.content(try #require(digest))
      let expected = odd.map { $0 == "{lr}" ? "{lr}3e-5" : $0 }
      #expect(bytes == Array(expected.map { "[\($0)]" }.joined().utf8) + [91, 255, 254, 1, 93])
    }

    @Test func `the child's status is the outcome and the run's state`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      for status: Int32 in [0, 1, 3, 125, 255] {
        let outcome = try await runs.sh("exit \(status)")
        #expect(outcome.exitStatus == status && outcome.failure == nil)
        #expect(outcome.run?.status == (status == 0 ? .finished : .failed))
        #expect(outcome.run?.usage.exitStatus == status)
      }
      for signal: Int32 in [SIGTERM, SIGKILL, SIGSEGV, SIGINT, SIGPIPE] {
        let outcome = try await runs.sh("kill -\(signal) $$")
        #expect(outcome.exitStatus == 128 + signal)
        #expect(outcome.run?.status == .failed && outcome.run?.reason == nil)
        #expect(outcome.run?.usage.exitSignal == signal && outcome.run?.usage.exitStatus == nil)
      }
    }

    @Test
    func `a command that is not there is 127, one that cannot run is 126, and neither makes a run`()
      async throws
    {
      let runs = try Runs()
      defer { runs.close() }
      let plain = runs.folder.appending(path: "plain")
      try Data("echo".utf8).write(to: plain)
      let missing = try await runs.run(["no-such-program-here"])
      #expect(missing.exitStatus == 127 && missing.failure?.kind == .notFound && missing.run == nil)
      for path in [plain.path, runs.folder.path] {
        let refused = try await runs.run([path])
        #expect(refused.exitStatus == 126 && refused.failure?.kind == .denied && refused.run == nil)
      }
      #expect(try runs.store.read { db in try Run.list(db) }.isEmpty)
    }

    @Test func `an unknown task is 125 and makes no run`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh("exit 0") { $0.session.task = "other" }
      #expect(outcome.exitStatus == 125 && outcome.failure?.kind == .notFound && outcome.run == nil)
    }

    @Test func `the child gets the variables of the contract`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = """
        echo "$REGISTRY_STORE|$REGISTRY_RUN_ID|$REGISTRY_SEED|$REGISTRY_PARAM_a_b|$PYTHONUNBUFFERED"
        echo "$REGISTRY_BASE_DIR|$lr|$REGISTRY_PARAM_lr"; cat "$REGISTRY_PARAMETERS"
        test -d "$REGISTRY_OUTPUT_DIR" && test -w "$REGISTRY_METRICS" && echo there
        """
      let outcome = try await runs.sh(script) { request in
        request.session.seed = 7
        request.session.parameters = [
          Parameter("a.b", "x y"), Parameter("lr", "3e-5"), Parameter("flag", "true"),
        ]
      }
      let run = try #require(outcome.run)
      #expect(
        try runs.output(run) == """
          \(runs.store.folder.path)|\(run.id.hex)|7|x y|1
          ||3e-5
          {
            "a.b": "x y",
            "lr": 3e-05,
            "flag": true
          }
          there

          """)
      #expect(run.seed == 7)
      let stored = try runs.store.read { db in try run.parameters(db) }
      #expect(stored.map(\.value).sorted() == ["3e-5", "true", "x y"])
    }

    @Test func `scraped output and metrics lines become points and malformed lines a check`()
      async throws
    {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        echo "step=3 loss: 0.5"; echo "loss: 0.25" >&2; printf 'acc=0.75'
        echo '{"f1": 0.5, "step": 10}' >> "$REGISTRY_METRICS"
        echo 'not json' >> "$REGISTRY_METRICS"
        echo '{"f1": NaN, "note": "x"}' >> "$REGISTRY_METRICS"
        printf '{"f1": 1, "time": 1700000000.5}' >> "$REGISTRY_METRICS"
        """)
      let run = try #require(outcome.run)
      #expect(run.status == .finished)
      #expect(try runs.points(run, "loss").map(\.step) == [3, 4])
      #expect(try runs.points(run, "loss").map(\.value) == [0.5, 0.25])
      #expect(try runs.points(run, "acc").map(\.value) == [0.75])
      let f1 = try runs.points(run, "f1")
      #expect(f1.map(\.step) == [10, 11, 12] && f1[1].value.isNaN)
      #expect(f1[2].time == 1_700_000_000_500)
      let check = try #require(try runs.store.read { db in try run.checks(db) }.first)
      #expect(check.rule == "metrics-line" && check.outcome == .warn)
      #expect(check.evidence["malformedCount"] == 1 && check.evidence["notNumberCount"] == 1)
      #expect(check.evidence["first"]?.array?.first?["line"] == 2)
      let source = try runs.store.read { db in try RunSource.get(run, db) }
      #expect(source.scrapeRule == Scrape.rule && source.command.first == "/bin/sh")
    }

    @Test func `the complete output is stored and shown in order`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let shown = runs.folder.appending(path: "shown").path
      let descriptor = open(shown, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
      defer { _ = close(descriptor) }
      let outcome = try await runs.sh(
        "i=0; while [ $i -lt 3000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done; printf end"
      ) { $0.echoDescriptor = descriptor }
      let expected = (0..<3000).map { "out \($0)\nerr \($0)\n" }.joined() + "end"
      let run = try #require(outcome.run)
      #expect(try runs.output(run) == expected)
      #expect(try String(contentsOfFile: shown, encoding: .utf8) == expected)
    }

    @Test func `a child that opens its own output anew cuts nothing off`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        "echo 1; echo 2 > /dev/stderr; echo 3 | tee /dev/stderr; echo 4 > /dev/stdout; echo 5 >&2")
      #expect(try runs.output(try #require(outcome.run)) == "1\n2\n3\n3\n4\n5\n")
    }

    @Test func `a child that is killed while it prints loses nothing that it printed`() async throws
    {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh("head -c 900000 /dev/zero | tr '\\0' x; kill -9 $$")
      let run = try #require(outcome.run)
      #expect(run.usage.exitSignal == SIGKILL)
      #expect(try runs.output(run) == String(repeating: "x", count: 900_000))
    }

    @Test func `a child that closes its output goes on to its end`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        "exec >&- 2>&-; sleep 0.3; echo '{\"a\": 1}' >> \"$REGISTRY_METRICS\"; exit 4")
      #expect(outcome.exitStatus == 4)
      #expect(try runs.points(try #require(outcome.run), "a").count == 1)
    }

    @Test func `time, processor and memory of the child are kept`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.2")
      let usage = try #require(outcome.run?.usage)
      #expect(usage.wallSeconds ?? 0 > 0.2)
      #expect(usage.cpuSeconds ?? 0 > 0 && usage.memoryPeakBytes ?? 0 > 100_000)
    }

    @Test func `files of a run without a model stay with the run, and the spool is gone`()
      async throws
    {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        cd "$REGISTRY_OUTPUT_DIR"; mkdir -p a/b; printf one > a/b/c.txt; printf two > d
        ln -s d link; ln -s missing broken
        """)
      let run = try #require(outcome.run)
      let artifacts = try runs.store.read { db in try run.artifacts(db) }
      #expect(artifacts.map(\.path) == ["a/b/c.txt", "d", "link"])
      #expect(try runs.content(artifacts[0].digest) == Array("one".utf8))
      #expect(artifacts[1].digest == artifacts[2].digest)
      #expect(outcome.version == nil && outcome.failure == nil)
      #expect(try runs.store.read { db in try run.checks(db) }.map(\.rule) == ["output"])
      #expect(!Spool(run.id, runs.store).exists)
    }
  }
}

import Catalog
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Weights
import Workspace

extension ProcessTests {
  @Suite struct EndingTests {
    private let finish = "\"\(Runs.binary)\" run finish > /dev/null; "
    private let copyBase = "cp \"$REGISTRY_BASE_DIR\"/* \"$REGISTRY_OUTPUT_DIR\"/; "

    @Test func `a run that its own child finishes keeps output, cost, files and version`()
      async throws
    {
      let (runs, fork) = try Runs.withTask()
      defer { runs.close() }
      let outcome = try await runs.sh("echo loss=1; \(copyBase) \(finish) echo loss=2") {
        $0.session.task = "sections"
      }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 0 && outcome.failure == nil && run.status == .finished)
      #expect(try runs.output(run) == "loss=1\nloss=2\n")
      #expect(try runs.points(run, "loss").map(\.value) == [1, 2])
      #expect(run.usage.exitStatus == 0 && run.usage.wallSeconds ?? 0 > 0)
      #expect(outcome.version?.reference == "sections:2")
      let parents = try runs.store.read { db in try outcome.version?.parents(db) }
      #expect(parents?.map(\.parentVersionId) == [fork.version.id])
      #expect(!Spool(run.id, runs.store).exists)
    }

    @Test func `the status that somebody sets while a child lives stays, and its files too`()
      async throws
    {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      let outcome = try await runs.sh(
        copyBase + "\"\(Runs.binary)\" run finish --status failed > /dev/null"
      ) { $0.session.task = "sections" }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 0 && run.status == .failed && outcome.version == nil)
      let files = try runs.store.read { db in try run.artifacts(db) }
      #expect(files.map(\.path) == ["config.json", "model.safetensors"])
      #expect(try RunSession.adopt(run.id, runs.store).reference == "sections:2")
    }

    @Test func `files of odd names are kept under escaped paths and make no version`() async throws
    {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      let script = #"""
        cd "$REGISTRY_OUTPUT_DIR"; printf 1 > 'a\b'; printf 2 > "c
        d"; printf 3 > "$(printf 'caf\351')"; printf 4 > 'a%5Cb'; printf 5 > plain
        """#
      let outcome = try await runs.sh(script) { $0.session.task = "sections" }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 125 && outcome.version == nil && run.status == .finished)
      let (files, checks) = try runs.store.read { db in (try run.artifacts(db), try run.checks(db))
      }
      let content = try files.map { String(decoding: try runs.content($0.digest), as: UTF8.self) }
      #expect(files.map(\.path) == ["a%5Cb", "a%5Cb~", "c%0Ad", "caf%E9", "plain"])
      #expect(content == ["4", "1", "2", "3", "5"])
      #expect(checks.map(\.rule) == ["output"] && checks[0].outcome == .fail)
      #expect(!Spool(run.id, runs.store).exists)
    }

    @Test func `output that cannot be stored stays on the disk, and the run says where`()
      async throws
    {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      // No path of the system is that long, so that nobody can name the file at its end.
      let script = """
        cd "$REGISTRY_OUTPUT_DIR"; printf kept > plain; name=$(printf '%0200d' 0)
        i=0; while [ $i -lt 30 ]; do mkdir $name; cd -P $name || exit 9; i=$((i+1)); done
        printf deep > file
        """
      let outcome = try await runs.sh(script) { $0.session.task = "sections" }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 125 && outcome.version == nil)
      #expect(outcome.failure?.hint?.contains("kept-") == true)
      let (files, checks) = try runs.store.read { db in (try run.artifacts(db), try run.checks(db))
      }
      #expect(files.map(\.path) == ["plain"])
      let place = try #require(checks.first?.evidence["keptIn"]?.string)
      #expect(try String(contentsOfFile: place + "/plain", encoding: .utf8) == "kept")
      #expect(try Abandoned.settle(runs.store).isEmpty)
      try? FileManager.default.removeItem(atPath: place)
    }

    @Test func `links to folders and nested checkpoints do not cost the version`() async throws {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      let script = """
        \(copyBase) cd "$REGISTRY_OUTPUT_DIR"; mkdir -p deep/checkpoint-5 real
        printf c > deep/checkpoint-5/state; printf r > real/file; ln -s real latest; ln -s no broken
        """
      let outcome = try await runs.sh(script) { $0.session.task = "sections" }
      let run = try #require(outcome.run)
      let version = try #require(outcome.version)
      let (files, artifacts, checks) = try runs.store.read { db in
        (try version.files(db), try run.artifacts(db), try run.checks(db))
      }
      #expect(outcome.exitStatus == 0)
      #expect(files.map(\.path) == ["config.json", "model.safetensors", "real/file"])
      #expect(artifacts.map(\.path) == ["deep/checkpoint-5/state"])
      #expect(checks.map(\.rule) == ["output"] && checks[0].outcome == .warn)
    }

    @Test(arguments: [("echo hi", 126), ("#!/no/such/program\necho hi", 127)])
    func `a command that the system does not start says why`(text: String, status: Int32)
      async throws
    {
      let runs = try Runs()
      defer { runs.close() }
      let file = runs.folder.appending(path: "script")
      try Data(text.utf8).write(to: file)
      chmod(file.path, 0o755)
      let outcome = try await runs.run([file.path])
      #expect(outcome.exitStatus == status && outcome.failure?.hint != nil)
      let run = try #require(outcome.run)
      #expect(run.status == .failed && run.usage.exitStatus == status)
      #expect(try runs.store.read { db in try run.checks(db) }.map(\.rule) == ["start"])
    }

    @Test func `a series that can take no more does not keep its run open`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        "\(Runs.binary)" run log loss=1 --step \(Int64.max); echo loss=2; echo other=3
        echo '{"loss": 4}' >> "$REGISTRY_METRICS"
        echo '{"loss": 5, "step": 6}' >> "$REGISTRY_METRICS"
        """)
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 0 && run.status == .finished)
      #expect(try runs.points(run, "loss").map(\.value) == [5, 1])
      #expect(try runs.points(run, "other").map(\.value) == [3])
      let checks = try runs.store.read { db in try run.checks(db) }
      #expect(checks.map(\.rule) == ["point"] && checks[0].evidence["leftOutCount"] == 2)
    }

    @Test func `of ever new words before numbers the first thousand are metrics`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        "i=0; while [ $i -lt 1500 ]; do echo \"k$i=1\"; i=$((i+1)); done; echo k0=2")
      let run = try #require(outcome.run)
      let (series, checks) = try runs.store.read { db in (try run.series(db), try run.checks(db)) }
      #expect(series.count == 1000 && series.first { $0.key == "k0" }?.count == 2)
      #expect(checks.map(\.rule) == ["scrape"] && checks[0].evidence["leftOutCount"] == 500)
    }

    @Test func `remains of spools that were being made or removed are cleared away`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let spools = runs.store.folder.appending(path: "spool")
      for name in [".new-\(RunID.random().hex)", ".old-\(RunID.random().hex)"] {
        let files = spools.appending(path: name).appending(path: "files")
        try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
        try Data().write(to: spools.appending(path: name).appending(path: "lock"))
      }
      #expect(try Abandoned.settle(runs.store).isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: spools.path).isEmpty)
    }
  }
}

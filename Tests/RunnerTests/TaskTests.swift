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
  @Suite struct TaskTests {
    private let copyBase = "cp \"$REGISTRY_BASE_DIR\"/* \"$REGISTRY_OUTPUT_DIR\"/; "

    @Test func `output of a run that ends well is the task's next version`() async throws {
      let (runs, fork) = try Runs.withTask()
      defer { runs.close() }
      let outcome = try await runs.sh(
        copyBase + """
          cd "$REGISTRY_OUTPUT_DIR"; chmod u+w *; printf '{"a":1}' > config.json
          mkdir checkpoint-5 logs; printf c > checkpoint-5/c; printf l > logs/l; echo f1=0.5
          """
      ) {
        $0.session.task = "sections"
        $0.session.output.excludes = ["logs"]
      }
      let version = try #require(outcome.version)
      #expect(version.reference == "sections:2" && outcome.exitStatus == 0)
      let run = try #require(outcome.run)
      #expect(run.outputVersionId == version.id && run.baseVersionId == fork.version.id)
      let (files, parents, artifacts) = try runs.store.read { db in
        (try version.files(db), try version.parents(db), try run.artifacts(db))
      }
      #expect(files.map(\.path) == ["config.json", "model.safetensors"])
      #expect(parents.map(\.parentVersionId) == [fork.version.id])
      #expect(parents.map(\.relation) == [.finetune])
      #expect(artifacts.map(\.path) == ["checkpoint-5/c", "logs/l"])
    }

    @Test func `a run from another version starts there and one from scratch has no parent`()
      async throws
    {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      let other = try await runs.sh(copyBase) {
        $0.session.task = "sections"
        $0.session.from = "base:1"
      }
      let scratch = try await runs.sh(
        "test -z \"$REGISTRY_BASE_DIR\" && echo x > \"$REGISTRY_OUTPUT_DIR/x\""
      ) {
        $0.session.task = "sections"
        $0.session.isScratch = true
      }
      let parents = try runs.store.read { db in
        try [other, scratch].map { try #require($0.version).parents(db).map(\.parentVersionId) }
      }
      let base = try runs.store.read { db in try Reference("base:1").version(db) }
      #expect(parents == [[base.id], []])
    }

    @Test func `a glob that matches no tensor is refused before there is a run`() async throws {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      for (glob, isThere) in [
        ("encoder.layer.*", true), ("bert.encoder.layer.0.*", true), ("model.classifier.*", true),
        ("encoder.layers.0.*", false), ("encoder", false),
      ] {
        let outcome = try await runs.sh("test \"$REGISTRY_FREEZE\" = '\(glob)'") {
          $0.session.task = "sections"
          $0.session.source.freeze = [glob]
        }
        #expect((outcome.failure == nil) == isThere, "\(glob)")
        #expect(outcome.exitStatus == (isThere ? 0 : 125) && (outcome.run != nil) == isThere)
        if !isThere {
          #expect(outcome.failure?.kind == .invalidInput)
          #expect(outcome.failure?.hint?.contains("bert.encoder.layer.0.weight") == true)
        }
      }
      #expect(try runs.store.read { db in try Run.list(db) }.count == 3)
    }

    @Test func `output of a failed run stays with it until it is adopted`() async throws {
      let (runs, fork) = try Runs.withTask()
      defer { runs.close() }
      let outcome = try await runs.sh(copyBase + "exit 3") { $0.session.task = "sections" }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 3 && outcome.version == nil)
      let version = try RunSession.adopt(run.id, runs.store)
      #expect(version.reference == "sections:2" && version.runId == run.id.hex)
      let parents = try runs.store.read { db in try version.parents(db) }
      #expect(parents.map(\.parentVersionId) == [fork.version.id])
      #expect(throws: RegistryError.self) { try RunSession.adopt(run.id, runs.store) }
    }

    @Test func `output that is not what its name says makes no version and is kept`() async throws {
      let (runs, _) = try Runs.withTask()
      defer { runs.close() }
      let outcome = try await runs.sh("printf junk > \"$REGISTRY_OUTPUT_DIR/m.safetensors\"") {
        $0.session.task = "sections"
      }
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 125 && outcome.failure?.kind == .invalidInput)
      #expect(run.status == .finished && outcome.version == nil)
      let (artifacts, checks) = try runs.store.read { db in
        (try run.artifacts(db), try run.checks(db))
      }
      #expect(artifacts.map(\.path) == ["m.safetensors"])
      #expect(try runs.content(artifacts[0].digest) == Array("junk".utf8))
      #expect(checks.map(\.rule) == ["output"] && checks[0].outcome == .fail)
    }
  }
}

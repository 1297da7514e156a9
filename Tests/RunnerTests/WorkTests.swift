import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

extension ProcessTests {
  /// Work that is done in this process as a run.
  @Suite struct WorkTests {
    private func perform(
      _ runs: Runs, interrupts: (() -> Int)? = nil, _ body: (Work) throws -> Work.Ending
    ) throws -> Runner.Outcome {
      try Runner.perform(
        RunSession.Request(task: "task"), runs.store, interrupts: interrupts, body)
    }

    @Test func `points, output, tags, checks and files are a run's, as a child's would be`() throws
    {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try perform(runs) { work in
        let spool = Spool(work.session.run.id, runs.store)
        #expect(spool.exists && !Spool.isLost(work.session.run, runs.store))
        #expect(try Abandoned.settle(runs.store).isEmpty)
        for step in 0..<2000 {
          try work.log(["step": JSON(step), "a": .number(Double(step) / 4)])
        }
        try work.say("loss=5 is output, not a metric")
        try work.setTags([Tag("owner", "ann")])
        try work.addCheck(RunCheck(rule: "own", .ok, evidence: [:]))
        try work.write("file") { sink in
          try sink([1, 2])
          try sink([3])
        }
        return .finished
      }
      let run = try #require(outcome.run)
      #expect(run.status == .finished && outcome.exitStatus == 0 && outcome.failure == nil)
      let values = try runs.points(run, "a").map(\.value)
      #expect(values == (0..<2000).map { Double($0) / 4 })
      #expect(try runs.points(run, "loss").isEmpty)
      #expect(try runs.output(run) == "loss=5 is output, not a metric\n")
      try runs.store.read { db in
        #expect(try run.tags(db) == [Tag("owner", "ann")])
        #expect(try run.checks(db).map(\.rule) == ["own"])
        let artifact = try #require(try run.artifacts(db).first)
        #expect(artifact.path == "file" && artifact.sizeBytes == 3)
      }
      #expect(run.usage.wallSeconds ?? 0 > 0 && run.usage.memoryPeakBytes ?? 0 > 0)
      #expect(!Spool(run.id, runs.store).exists)
    }

    @Test func `a failure, an interrupt and a defect each close the run with its points`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let refusal = RegistryError(.refused, "it went wrong")
      let failed = try perform(runs) { work in
        try work.log(["a": 1])
        return .failed(refusal, .diverged)
      }
      #expect(failed.failure == refusal && failed.exitStatus == 1)
      #expect(failed.run?.status == .failed && failed.run?.reason == .diverged)
      #expect(failed.run?.usage.exitStatus == nil)

      let thrown = try perform(runs) { work in
        try work.log(["a": 1])
        throw refusal
      }
      #expect(thrown.failure == refusal && thrown.run?.status == .failed)
      #expect(thrown.run?.reason == nil)

      let stopped = try perform(runs, interrupts: { 1 }) { work in
        try work.log(["a": 1])
        #expect(work.interruptCount == 1)
        return .stopped
      }
      #expect(stopped.run?.status == .killed && stopped.exitStatus == 128 + SIGINT)

      struct Defect: Error {}
      #expect(throws: Defect.self) {
        _ = try perform(runs) { work in
          try work.log(["a": 1])
          throw Defect()
        }
      }
      let all = try runs.store.read { db in try Run.list(db) }
      #expect(all.count == 4)
      for run in all {
        #expect(run.status.isFinal && !Spool(run.id, runs.store).exists)
        #expect(try runs.points(run, "a").map(\.value) == [1])
      }
    }

    @Test func `a file that is not complete is not one of the run's`() throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try perform(runs) { work in
        try work.write("half") { sink in
          try sink([1])
          throw RegistryError(.unavailable, "no more")
        }
        return .finished
      }
      let run = try #require(outcome.run)
      #expect(run.status == .failed && outcome.failure?.message == "no more")
      #expect(try runs.store.read { db in try run.artifacts(db) }.isEmpty)
    }

    @Test func `nothing is started for what cannot be a run`() throws {
      let runs = try Runs()
      defer { runs.close() }
      var request = RunSession.Request(task: "nowhere")
      request.isScratch = true
      #expect(throws: RegistryError.self) {
        _ = try Runner.perform(request, runs.store) { _ in .finished }
      }
      #expect(try runs.store.read { db in try Run.list(db) }.isEmpty)
    }
  }
}

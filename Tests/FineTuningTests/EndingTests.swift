import Catalog
import Datasets
import FineTuning
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

/// How runs end: early, by request, or not well.
@Suite struct EndingTests {
  /// Labels that follow from nothing, so that validation only gets worse.
  private static let noise: FeatureTable = {
    var generator = SeededGenerator(seed: 5)
    let features = (0..<600).map { _ in Float.random(in: -1...1, using: &generator) }
    let labels = (0..<200).map { _ in Bool.random(using: &generator) ? "yes" : "no" }
    return Trial.table(features, labels: labels)
  }()
  private static let overfitting = [
    "epochs": "200", "lr": "0.01", "patience": "5", "hidden": "64", "weight_decay": "0",
  ]
  /// Steps that change nothing that a float can hold.
  private static let still = [
    "epochs": "1", "optimizer": "sgd", "lr": "1e-12", "momentum": "0", "patience": "0",
  ]

  @Test func `early stopping brings the best weights back, as the latest point tells`() throws {
    try Trial.with { trial in
      let run = try #require(try trial.train(Self.overfitting, on: Self.noise).run)
      let losses = try trial.points(run, "val/loss")
      let last = try #require(losses.keys.max())
      let best = try #require(losses.filter { $0.key < last }.min { $0.value < $1.value })
      #expect(last < 200)
      #expect(last == best.key + 5 + 1)
      #expect(try trial.tags(run)["restoredStep"] == "\(best.key)")
      #expect(losses[last] == best.value)
      #expect(try trial.points(run, "val/accuracy")[last] != nil)
      #expect(try trial.points(run, "train/loss").keys.max() == last)
      #expect(try trial.points(run, "lr").keys.max() == last - 1)
      // The weights are judged once more, by a run that starts from them and changes nothing.
      let base = try RunSession.adopt(run.id, as: "before", trial.store)
      _ = try trial.fork(base, metric: nil)
      let again = try trial.train(Self.still, on: Self.noise, of: "task").run
      #expect(try trial.points(again, "val/loss") == [1: best.value])
    }
  }

  @Test func `patience 0 trains to the end and keeps the last weights`() throws {
    try Trial.with { trial in
      let settings = Self.overfitting.merging(["patience": "0", "epochs": "30"]) { $1 }
      let run = try #require(try trial.train(settings, on: Self.noise).run)
      let losses = try trial.points(run, "val/loss")
      #expect(losses.keys.sorted() == Array(1...30))
      #expect(try trial.tags(run)["restoredStep"] == nil)
      let base = try RunSession.adopt(run.id, as: "before", trial.store)
      _ = try trial.fork(base, metric: nil)
      let again = try trial.train(Self.still, on: Self.noise, of: "task").run
      #expect(try trial.points(again, "val/loss")[1] == losses[30])
    }
  }

  @Test func `the task's metric and its direction choose the best epoch`() throws {
    try Trial.with { trial in
      let base = try RunSession.adopt(
        try #require(try trial.train(Self.still, on: Self.noise).run).id, as: "b", trial.store)
      _ = try trial.fork(base, metric: "train/loss:max")
      let settings = ["epochs": "30", "lr": "0.01", "patience": "4"]
      let run = try trial.train(settings, on: Self.noise, of: "task").run
      #expect(try trial.tags(run)["restoredStep"] == "1")
      #expect(try trial.points(run, "train/loss").keys.sorted() == Array(1...6))
    }
  }

  @Test func `min_delta sets what counts as an improvement`() throws {
    try Trial.with { trial in
      // Every epoch is a little better, and never by as much as 10.
      let run = try trial.train(["epochs": "20", "patience": "3", "min_delta": "10"]).run
      #expect(try trial.points(run, "train/loss").keys.max() == 4)
      #expect(try trial.tags(run)["restoredStep"] == nil)
    }
  }

  @Test func `an interrupt keeps the best weights with a run that is killed`() throws {
    try Trial.with { trial in
      try trial.addTask()
      var hooks = FineTuning.Hooks()
      var lines: [String] = []
      hooks.said = { line, _ in lines.append(line) }
      hooks.interrupts = { lines.count >= 3 ? 1 : 0 }
      let outcome = try trial.train(["epochs": "1000"], of: "task", hooks: hooks)
      let run = try #require(outcome.run)
      #expect(run.status == .killed && run.usage.exitSignal == SIGINT)
      #expect(outcome.exitStatus == 130 && outcome.version == nil && outcome.failure == nil)
      #expect(try trial.points(run, "lr").keys.sorted() == [1, 2, 3])
      let kept = try trial.store.read { db in try run.artifacts(db).map(\.path) }
      #expect(kept.sorted() == ["config.json", "model.safetensors"])
      let version = try RunSession.adopt(run.id, trial.store)
      #expect(version.reference == "task:2")
      try trial.expectNoSpool()
    }
  }

  @Test func `an interrupt inside of an epoch goes back to the best one before it`() throws {
    try Trial.with { trial in
      var hooks = FineTuning.Hooks()
      var steps = 0
      hooks.advanced = { _ in steps += 1 }
      hooks.interrupts = { steps >= 17 ? 1 : 0 }
      let settings = ["epochs": "1000", "batch_size": "10", "lr": "0.01"]  // five steps an epoch
      let table = Trial.clouds(rows: 100)
      let run = try #require(try trial.train(settings, on: table, hooks: hooks).run)
      #expect(steps == 17)
      let losses = try trial.points(run, "val/loss")
      #expect(losses.keys.sorted() == [1, 2, 3, 4])
      let best = try #require(try trial.tags(run)["restoredStep"].flatMap { Int64($0) })
      #expect(losses[4] == losses[best] && (1...3).contains(best))
    }
  }

  @Test(arguments: [1, 2])
  func `without a whole epoch, or asked twice, it ends at once without files`(count: Int) throws {
    try Trial.with { trial in
      var hooks = FineTuning.Hooks()
      var steps = 0
      hooks.advanced = { _ in steps += 1 }
      let first = count == 1 ? 1 : 17
      hooks.interrupts = { steps >= first ? count : 0 }
      let run = try #require(
        try trial.train(
          ["batch_size": "10"], on: Trial.clouds(rows: 100), hooks: hooks
        ).run)
      #expect(run.status == .killed && steps == first)
      #expect(try trial.store.read { db in try run.artifacts(db) }.isEmpty)
      try trial.expectNoSpool()
    }
  }

  @Test func `a loss that is no number fails the run and makes no version`() throws {
    try Trial.with { trial in
      try trial.addTask()
      let outcome = try trial.train(
        ["optimizer": "sgd", "lr": "1000000", "weight_decay": "1", "batch_size": "5"], of: "task")
      let failure = try #require(outcome.failure)
      #expect(failure.kind == .refused)
      let pattern =
        #/training diverged: the (loss|gradient) is (nan|infinite) in epoch \d+, step \d+/#
      #expect(failure.message.wholeMatch(of: pattern) != nil, "\(failure.message)")
      #expect(failure.hint == "try a lower learning rate: --set lr=100000")
      #expect(outcome.version == nil)
      let run = try #require(outcome.run)
      #expect(run.status == .failed && run.reason == .diverged)
      let checks = try trial.store.read { db in try run.checks(db) }
      let check = try #require(checks.first { $0.rule == "diverged" })
      #expect(check.outcome == .fail && check.evidence["step"]?.integer ?? 0 > 0)
      #expect(try trial.store.read { db in try run.artifacts(db) }.isEmpty)
      try trial.expectNoSpool()
    }
  }

  @Test func `a disk that refuses the files fails the run`() throws {
    try Trial.with { trial in
      var hooks = FineTuning.Hooks()
      hooks.said = { _, _ in
        // A folder in the way of the file that is written before it gets its name.
        for name
          in (try? FileManager.default.contentsOfDirectory(
            atPath: trial.store.folder.appending(path: "spool").path)) ?? []
        {
          let place = trial.store.folder.appending(path: "spool/\(name)/config.json.partial")
          try? FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        }
      }
      let outcome = try trial.train(["epochs": "2"], hooks: hooks)
      #expect(outcome.failure?.kind == .unavailable && outcome.run?.status == .failed)
      #expect(try trial.points(outcome.run, "lr").count == 2)
      try trial.expectNoSpool()
    }
  }
}

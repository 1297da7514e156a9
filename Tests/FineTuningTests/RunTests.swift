import Catalog
import FineTuning
import Foundation
import Promotion
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

/// What becomes of a table: a run, its points, its version.
@Suite struct RunTests {
  @Test func `a run has a point an epoch and its version the weights of that network`() throws {
    try Trial.with { trial in
      try trial.addTask()
      let outcome = try trial.train(["epochs": "3", "lr": "3e-2"], of: "task")
      let run = try #require(outcome.run)
      #expect(outcome.exitStatus == 0 && outcome.failure == nil && run.status == .finished)
      for key in [
        "train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/macro_f1", "lr",
        "grad_norm",
      ] {
        let points = try trial.points(run, key).filter { $0.key <= 3 }
        #expect(points.keys.sorted() == [1, 2, 3], "\(key)")
        #expect(points.values.allSatisfy { $0.isFinite }, "\(key)")
      }
      #expect(try trial.points(run, "lr") == [1: 0.03, 2: 0.03, 3: 0.03])
      #expect(outcome.version?.reference == "task:2")
      let shapes = try trial.tensors(outcome.version).mapValues(\.shape)
      #expect(
        shapes == [
          "0.weight": [8, 3], "0.bias": [8], "3.weight": [6, 8], "3.bias": [6],
          "6.weight": [3, 6], "6.bias": [3],
        ])
      let config = try trial.config(outcome.version)
      #expect(config["architecture"] == "mlp")
      #expect(config["id2label"] == ["0": "a", "1": "b", "2": "c"])
      #expect(config["label2id"] == ["a": 0, "b": 1, "c": 2])
      #expect(config["features"] == ["x", "y", "z"])
      try trial.expectNoSpool()
    }
  }

  @Test func `every hyperparameter with an effect is recorded, typed or not`() throws {
    try Trial.with { trial in
      let run = try trial.train(
        ["lr": "3e-4", "optimizer": "sgd", "schedule": "step", "epochs": "2"], seed: 7
      ).run
      #expect(run?.seed == 7)
      let parameters = try trial.parameters(run)
      #expect(
        parameters == [
          "epochs": "2", "batch_size": "32", "loss": "cross_entropy", "optimizer": "sgd",
          "lr": "3e-4", "schedule": "step", "step_every": "10", "step_factor": "0.1",
          "warmup": "0", "weight_decay": "0", "momentum": "0.9", "dropout": "0", "clip": "0",
          "patience": "10", "min_delta": "0", "class_weights": "none", "hidden": "128",
          "activation": "relu", "layer_norm": "false", "standardize": "true", "data": "points",
          "hold_out": "0.5",
        ])
      let tags = try trial.tags(run)
      #expect(tags["engine.threads"] == "1" && tags["engine.level"] != nil)
      #expect(tags["data.rows"] == "30" && tags["validation.rows"] == "30")
      #expect(try trial.train().run?.seed == 0)
    }
  }

  @Test func `labels that are read are recorded: their file, their column`() throws {
    try Trial.with { trial in
      func npy(_ name: String, _ header: String, _ values: [UInt32]) throws -> URL {
        let text = header.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
        let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0]
        let content = values.flatMap { value in (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
        let file = trial.folder.appending(path: name)
        try Data(start + Array(text.utf8) + content).write(to: file)
        return file
      }
      let rows = try npy(
        "x.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 2), }",
        (0..<12).map { Float($0 * $0 % 7).bitPattern })
      let labels = try [[0, 1, 0, 1, 0, 1], [1, 0, 0, 1, 1, 0]].enumerated().map { index, values in
        try npy(
          "y\(index).npy", "{'descr': '<i4', 'fortran_order': False, 'shape': (6,), }", values)
      }
      let runs = try labels.map { file in
        try trial.train(["epochs": "1"]) {
          $0.rows = .file(rows, labels: file)
          $0.validation = .rows(.file(rows, labels: labels[0]))
        }.run
      }
      let tags = try runs.map { try trial.tags($0) }
      #expect(tags[0]["data.sha256"] == tags[1]["data.sha256"])
      #expect(tags[0]["labels.sha256"]?.count == 64)
      #expect(tags[0]["labels.sha256"] != tags[1]["labels.sha256"])
      #expect(tags[1]["validation_labels.sha256"] == tags[0]["labels.sha256"])
      let parameters = try trial.parameters(runs[1])
      #expect(parameters["labels"]?.hasSuffix("y1.npy") == true)
      #expect(parameters["validation_labels"]?.hasSuffix("y0.npy") == true)
      #expect(parameters["label"] == nil && parameters["header"] == nil)

      let file = try trial.file("bare.csv", "a,1,2\nb,3,1\na,2,5\nb,1,1\n")
      let bare = try trial.parameters(
        try trial.train(["epochs": "1"]) {
          $0.rows = .file(file, labels: nil)
          $0.labelColumn = "1"
          $0.hasHeader = false
        }.run)
      #expect(bare["label"] == "1" && bare["header"] == "false")
    }
  }

  @Test func `a network for which memory is too small makes no run`() throws {
    try Trial.with { trial in
      let error = refusal {
        try trial.train(["hidden": "1000,1000"]) { $0.memoryBytes = 20_000_000 }
      }
      #expect(error.kind == .invalidInput)
      #expect(
        error.message == "training this network takes about 0.0222 GB of memory, and this machine "
          + "has 0.02 GB")
      try trial.expectNothing()
      try trial.train(["hidden": "1000,1000", "epochs": "1"]) { $0.memoryBytes = 23_000_000 }
      let none = refusal { try trial.train { $0.threads = 0 } }
      #expect(none.message == "--threads: threads cannot be 0")
    }
  }

  @Test func `the output has a line an epoch, which is told as it comes`() throws {
    try Trial.with { trial in
      var hooks = FineTuning.Hooks()
      var lines: [String] = []
      hooks.said = { line, isEpoch in
        #expect(isEpoch)
        lines.append(line)
      }
      let run = try #require(try trial.train(["epochs": "2"], hooks: hooks).run)
      #expect(lines.count == 2 && lines[1].hasPrefix("epoch 2/2  train/loss "))
      let digest = try trial.store.read { db in try RunSource.get(run, db).outputBlobDigest }
      let kept = try trial.content(digest)
      #expect(kept == lines.map { $0 + "\n" }.joined())
    }
  }

  @Test func `ten runs of one seed give one version's bytes, with one thread and with two`() throws
  {
    try Trial.with { trial in
      let table = Trial.clouds(rows: 600)
      let settings = [
        "hidden": "256,256", "dropout": "0.3", "batch_size": "128", "epochs": "2",
        "layer_norm": "true", "activation": "gelu", "clip": "1",
      ]
      try trial.store.write { db in _ = try Experiment.add("seeds", db) }
      var digests: Set<[String: String]> = []
      for round in 0..<10 {
        let run = try #require(
          try trial.train(settings, on: table, of: "seeds", seed: 3) {
            $0.threads = 1 + round % 2
          }.run)
        let version = try RunSession.adopt(run.id, as: "seeds", trial.store)
        digests.insert(try trial.digests(version))
      }
      #expect(digests.count == 1)
      let run = try #require(try trial.train(settings, on: table, of: "seeds", seed: 4).run)
      let other = try RunSession.adopt(run.id, as: "seeds", trial.store)
      let digest = try trial.digests(other)
      #expect(!digests.contains(digest))
    }
  }

  @Test func `frozen tensors keep the base's bytes, and the gate of promotion proves it`() throws {
    try Trial.with { trial in
      let base = try trial.addTask()
      let outcome = try trial.train(["epochs": "3"], of: "task") {
        $0.session.source.freeze = ["0.*", "3.bias"]
      }
      let (before, after) = (try trial.tensors(base), try trial.tensors(outcome.version))
      for name in before.keys {
        let isFrozen = name.hasPrefix("0.") || name == "3.bias"
        #expect((before[name]?.bytes == after[name]?.bytes) == isFrozen, "\(name)")
      }
      let version = try #require(outcome.version)
      let decision = try Promotion.promote(version, to: "prod", in: trial.store)
      let gate = try #require(decision.gates.first { $0.gate == .frozen })
      #expect(gate.outcome == .ok && gate.evidence["identical"] == 3)
    }
  }

  @Test func `a run of a plain experiment can become a base without a parent`() throws {
    try Trial.with { trial in
      let run = try #require(try trial.train(["epochs": "2"]).run)
      #expect(refusal { _ = try RunSession.adopt(run.id, trial.store) }.kind == .notFound)
      let version = try RunSession.adopt(run.id, as: "org/digits", trial.store)
      #expect(version.reference == "org/digits:1")
      let parents = try trial.store.read { db in try version.parents(db) }
      #expect(parents.isEmpty)
      let scores = try trial.store.read { db in try VersionScores.get(version, db) }
      let loss = try trial.points(run, "val/loss")[2]
      #expect(scores.find("val/loss")?.value == loss)
      let next = try #require(try trial.train(["epochs": "1"]).run)
      let second = try RunSession.adopt(next.id, as: "org/digits", trial.store)
      #expect(second.reference == "org/digits:2")
    }
  }
}

import Datasets
import FineTuning
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

/// What `--set` takes, and what it does.
@Suite struct HyperparameterTests {
  @Test func `what is not allowed is refused with what is`() throws {
    for (texts, message, hint) in [
      ([("lrr", "1")], "the built-in trainer has no hyperparameter 'lrr'", "did you mean lr?"),
      (
        [("epoch", "3")], "the built-in trainer has no hyperparameter 'epoch'",
        "did you mean epochs?"
      ),
      ([("lr", "fast")], "lr=fast is not allowed", "lr is a number from 1e-12 to 1000000"),
      ([("lr", "0")], "lr=0 is not allowed", "lr is a number from 1e-12 to 1000000"),
      ([("lr", "nan")], "lr=nan is not allowed", "lr is a number from 1e-12 to 1000000"),
      ([("lr", "0x1p-3")], "lr=0x1p-3 is not allowed", "lr is a number from 1e-12 to 1000000"),
      (
        [("epochs", "2.5")], "epochs=2.5 is not allowed",
        "epochs is a whole number from 1 to 1000000"
      ),
      (
        [("optimizer", "adam")], "optimizer=adam is not allowed", "optimizer is adamw or sgd"
      ),
      ([("layer_norm", "yes")], "layer_norm=yes is not allowed", "layer_norm is true or false"),
      (
        [("hidden", "64,,3")], "hidden=64,,3 is not allowed",
        "hidden is widths such as 128 or 128,64, or none"
      ),
      ([("lr", "1"), ("lr", "2")], "lr is set twice", nil),
      ([("momentum", "0.5")], "momentum has no effect without optimizer=sgd", nil),
      ([("step_every", "2")], "step_every has no effect without schedule=step", nil),
      ([("plateau_factor", "1")], "plateau_factor has no effect without schedule=plateau", nil),
      (
        [("loss", "mse"), ("class_weights", "none")],
        "class_weights has no effect without loss=cross_entropy", nil
      ),
    ] as [([(key: String, value: String)], String, String?)] {
      let error = refusal { _ = try Hyperparameters(texts) }
      #expect(error.kind == .invalidInput && error.message == message)
      #expect(error.hint == hint)
    }
  }

  @Test func `every key takes its usual value, and help tells it`() throws {
    let usual = [
      "lr": "0.001", "weight_decay": "0.01", "loss": "cross_entropy", "dropout": "0",
    ]
    for key in Hyperparameters.Key.all {
      let owner = [
        "momentum": [("optimizer", "sgd")], "step_every": [("schedule", "step")],
        "step_factor": [("schedule", "step")], "plateau_patience": [("schedule", "plateau")],
        "plateau_factor": [("schedule", "plateau")],
      ][key.name, default: []]
      let text = usual[key.name] ?? key.usual
      #expect(throws: Never.self, "\(key.name)") {
        try Hyperparameters(owner.map { (key: $0.0, value: $0.1) } + [(key.name, text)])
      }
      #expect(key.usual.hasPrefix(text) && !key.meaning.isEmpty, "\(key.name)")
    }
  }

  @Test func `a run that could not be as asked is refused before there is one`() throws {
    try Trial.with { trial in
      try trial.addTask(metric: "val/f1:max")
      func expect(
        _ message: String, _ settings: [String: String] = [:], of task: String = "plain",
        _ change: (inout FineTuning.Request) -> Void = { _ in }
      ) throws {
        let error = refusal { try trial.train(settings, of: task, change) }
        #expect(error.message == message)
        try trial.expectNothing(beside: 1)
      }
      try expect(
        "task is ranked by val/f1, which the built-in trainer does not measure", of: "task")
      try expect("no experiment named 'nowhere'", of: "nowhere")
      try expect("a warm-up of 1000 steps is longer than the run's 30", ["warmup": "1000"])
      try expect("--threads: threads cannot be 99") { $0.threads = 99 }
      try expect("2.0 of the rows cannot be held out") { $0.validation = .holdOut(2) }
      try expect("patience has no effect without validation rows", ["patience": "3"]) {
        $0.validation = .none
      }
      try expect("points has classes, not numbers to predict", ["loss": "mse"])
      try expect("nothing can be frozen in a run without a base") {
        $0.session.source.freeze = ["*"]
      }
    }
    try Trial.with { trial in
      try trial.addTask(metric: "val/macro_f1:max")
      for key in ["hidden", "activation", "layer_norm", "standardize"] {
        let value = ["hidden": "3", "activation": "gelu"][key] ?? "true"
        let error = refusal { try trial.train([key: value], of: "task") }
        #expect(
          error.message == "\(key) is the base's: task:1 has its layers and scales already")
      }
      let error = refusal { try trial.train(of: "task") { $0.validation = .none } }
      #expect(
        error.message == "task is ranked by val/macro_f1, which the built-in trainer does not "
          + "measure without validation rows")
      try trial.expectNothing(beside: 1)
    }
  }

  @Test func `the learning rate follows the schedule over the steps`() throws {
    try Trial.with { trial in
      // Thirty training rows in batches of ten: three steps an epoch, twelve in all.
      func rates(_ settings: [String: String]) throws -> [Double] {
        let all = ["epochs": "4", "batch_size": "10", "lr": "0.1"].merging(settings) { $1 }
        let points = try trial.points(try trial.train(all).run, "lr")
        return points.sorted { $0.key < $1.key }.map(\.value)
      }
      func expect(_ found: [Double], _ expected: [Double]) {
        #expect(found.count == expected.count)
        for (one, other) in zip(found, expected) {
          #expect(abs(one - other) < 1e-12, "\(found), not \(expected)")
        }
      }
      expect(try rates([:]), [0.1, 0.1, 0.1, 0.1])
      // The point of an epoch is its last step: 2, 5, 8 and 11 of 0 … 11.
      expect(try rates(["schedule": "linear"]), [10, 7, 4, 1].map { 0.1 * $0 / 12 })
      expect(
        try rates(["schedule": "cosine"]),
        [2, 5, 8, 11].map { 0.05 * (1 + cos($0 / 12 * Double.pi)) })
      expect(
        try rates(["schedule": "step", "step_every": "2", "step_factor": "0.5"]),
        [0.1, 0.1, 0.05, 0.05])
      expect(try rates(["warmup": "6"]), [0.05, 0.1, 0.1, 0.1])
      expect(try rates(["warmup": "0.5"]), [0.05, 0.1, 0.1, 0.1])
      // Without validation rows train/loss is watched; weights that stand still never get better.
      let still = [
        "optimizer": "sgd", "lr": "1e-9", "schedule": "plateau", "plateau_patience": "0",
        "plateau_factor": "0.5",
      ]
      expect(try rates(still).map { $0 / 1e-9 }, [1, 1, 0.5, 0.25])
    }
  }

  @Test func `balanced weights make the loss the mean of the classes' losses`() throws {
    try Trial.with { trial in
      let still = [
        "epochs": "1", "optimizer": "sgd", "lr": "1e-12", "patience": "0", "standardize": "false",
      ]
      let all = Trial.clouds(["a", "b", "a", "a"], rows: 80)
      func loss(_ labels: Set<String>, _ weights: String) throws -> Double {
        let rows = (0..<all.rowCount).filter { row in
          guard case .labels(let column) = all.target else { return false }
          return labels.contains(column[row])
        }
        let run = try trial.train(still.merging(["class_weights": weights]) { $1 }, on: all) {
          $0.validation = .rows(.table(all.selecting(rows)))
        }.run
        return try #require(try trial.points(run, "val/loss")[1])
      }
      let mean = (try loss(["a"], "none") + loss(["b"], "none")) / 2
      #expect(abs(try loss(["a", "b"], "balanced") - mean) < 1e-6)
      #expect(abs(try loss(["a", "b"], "none") - mean) > 1e-3)
    }
  }

  @Test func `dropout, clipping and weight decay change the weights`() throws {
    try Trial.with { trial in
      func weights(_ settings: [String: String]) throws -> [String: String] {
        let all = ["epochs": "2", "hidden": "8"].merging(settings) { $1 }
        let run = try #require(try trial.train(all).run)
        let files = try trial.store.read { db in try run.artifacts(db) }
        return Dictionary(files.map { ($0.path, $0.digest.hex) }, uniquingKeysWith: { $1 })
      }
      let digests = try [
        [:], ["dropout": "0.5"], ["clip": "0.01"], ["weight_decay": "1"], ["layer_norm": "true"],
        ["activation": "gelu"], ["activation": "tanh"], ["optimizer": "sgd"],
        ["optimizer": "sgd", "momentum": "0"], ["batch_size": "8"], ["hidden": "none"],
        ["class_weights": "balanced", "epochs": "1"], ["warmup": "2"],
      ].map { try weights($0)["model.safetensors"] }
      #expect(Set(digests).count == digests.count && !digests.contains(nil))
    }
  }
}

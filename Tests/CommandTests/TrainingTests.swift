import Foundation
import Storage
import Testing

/// `registry run TASK` without a command, as a person types it.
@Suite struct TrainingTests {
  private static let steps = [
    "experiment add pretrain",
    "run pretrain --data train.csv --hold-out 0.25 --set hidden=8 --set epochs=3 --name first",
    "run adopt first --model shapes",
    "fork shapes sizes --metric val/macro_f1:max",
    "run sizes --data train.csv --validation val.csv --freeze '0.*' --seed 2 --name frozen "
      + "--tag owner=ann",
    "run sizes --data train.csv --validation val.csv --scratch --set hidden=none --name scratch",
    "promote frozen --to prod",
  ]

  private func withPath(_ body: (Binary) throws -> Void) throws {
    try Binary.withStore { binary in
      for (name, shift) in [("train.csv", 0), ("val.csv", 3)] {
        var text = "width,height,label\n"
        for row in 0..<24 {
          let (x, y) = ((row * 7 + shift) % 11, (row * 5 + shift) % 13)
          text += "\(x),\(y),\(x > y ? "wide" : "tall")\n"
        }
        try Data(text.utf8).write(to: binary.folder.appending(path: name))
      }
      for step in Self.steps {
        let result = try binary.shell("registry \(step)")
        #expect(result.status == 0, "\(step): \(result.errors)")
      }
      try body(binary)
    }
  }

  @Test func `a base is made, forked, fine-tuned and promoted`() throws {
    try withPath { binary in
      let base = try binary("version", "show", "shapes:1")
      #expect(base.contains("architecture  mlp\n"))
      #expect(
        base.contains("layers        linear 2 8, relu, dropout 0.0, linear 8 2\n"), "\(base)")
      let run = try JSON.parse(Array(try binary("run", "show", "frozen", "--json").utf8))["run"]
      #expect(run?["version"] == "sizes:2" && run?["base"] == "sizes:1" && run?["seed"] == 2)
      #expect(run?["freeze"]?.array == ["0.*"] && run?["params"]?["lr"] == "0.001")
      #expect(run?["tags"]?["owner"] == "ann" && run?["tags"]?["engine.level"] != nil)
      #expect(
        run?["command"]?.array?.dropFirst().prefix(2).elementsEqual(["run", "sizes"]) == true)
      let tensors = try binary("diff", "sizes:1", "sizes:2", "--tensors", "--csv")
      #expect(!tensors.contains("0.weight"))
      let scratch = try binary("lineage", "sizes:3", "--json")
      #expect(!scratch.contains("sizes:1"))
      let compared = try binary("compare", "frozen", "scratch")
      #expect(compared.contains("hidden"))
      #expect(try binary("promote", "scratch", "--to", "other", "--json").contains("\"frozen\""))
    }
  }

  @Test func `without a terminal there is a line an epoch, with -q there is none`() throws {
    try withPath { binary in
      let line = ["run", "sizes", "--data", "train.csv", "--validation", "val.csv", "--set"]
      let loud = try binary.run(line + ["epochs=4"])
      let epochs = loud.errors.split(separator: "\n").filter { $0.hasPrefix("epoch ") }
      #expect(epochs.count == 4 && loud.output.isEmpty)
      #expect(epochs.last?.hasPrefix("epoch 4/4  train/loss ") == true)
      let quiet = try binary.run(line + ["epochs=4", "-q"])
      #expect(quiet.status == 0 && quiet.errors.isEmpty && quiet.output.isEmpty)
      let output = try binary("run", "show", "last", "--output")
      let kept = output.split(separator: "\n").filter { $0.hasPrefix("epoch ") }
      #expect(kept.map(String.init) == epochs.map(String.init))
      let answer = try binary.run(line + ["epochs=4", "--json"])
      let run = try JSON.parse(Array(answer.output.utf8))["run"]
      #expect(run?["status"] == "FINISHED" && run?["version"]?.string != nil)
    }
  }

  #if os(Linux)  // whose script(1) takes a command
    @Test func `on a terminal the end of training is told, epochs are not`() throws {
      try withPath { binary in
        let words =
          "\(Binary.path) run sizes --data train.csv --validation train.csv --set lr=1 "
          + "--set patience=1 --set epochs=200"
        let result = try binary.shell("script -qec '\(words)' /dev/null")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains(" was no better for 1 epochs"), "\(result.output)")
        #expect(result.output.contains("restored epoch "), "\(result.output)")
        #expect(!result.output.contains("epoch 1/200  "))
      }
    }
  #endif

  @Test func `help shows every hyperparameter with its usual value`() throws {
    try Binary.inFreshFolder { binary in
      let help = try binary("run", "--help")
      for line in ["lr ", "plateau_factor ", "class_weights ", "standardize "] {
        #expect(help.contains("\n  \(line)"), "\(line)")
      }
      #expect(help.contains("--set lr=0.003") && help.contains("--hold-out <fraction>"))
    }
  }
}

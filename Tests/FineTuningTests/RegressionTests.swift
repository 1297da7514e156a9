import Datasets
import FineTuning
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking

/// Numbers to predict, read from a file.
@Suite struct RegressionTests {
  @Test func `a number is learned, and its scores agree with each other`() throws {
    try Trial.with { trial in
      var generator = SeededGenerator(seed: 2)
      var text = "x,z,y\n"
      var targets: [Double] = []
      for _ in 0..<200 {
        let x = Double.random(in: -2...2, using: &generator)
        let y = Double.random(in: -2...2, using: &generator)
        targets.append(3 * x - y + 0.5)
        text += "\(x),\(y),\(3 * x - y + 0.5)\n"
      }
      let file = trial.folder.appending(path: "numbers.csv")
      try Data(text.utf8).write(to: file)
      let run = try #require(
        try trial.train(["loss": "mse", "epochs": "60", "lr": "0.01", "patience": "0"]) {
          $0.rows = .file(file, labels: nil)
          $0.validation = .rows(.file(file, labels: nil))
        }.run)
      let last = Int64(60)
      let loss = try #require(try trial.points(run, "val/loss")[last])
      let mean = targets.reduce(0, +) / 200
      let variance = targets.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200
      let rmse = try #require(try trial.points(run, "val/rmse")[last])
      let r2 = try #require(try trial.points(run, "val/r2")[last])
      #expect(abs(rmse - loss.squareRoot()) < 1e-12)
      #expect(abs(r2 - (1 - loss / variance)) < 1e-6)
      #expect(r2 > 0.99)
      #expect(try trial.points(run, "val/accuracy").isEmpty)
      #expect(try trial.tags(run)["data.sha256"]?.count == 64)
      #expect(try trial.parameters(run)["validation"]?.hasSuffix("numbers.csv") == true)
    }
  }
}

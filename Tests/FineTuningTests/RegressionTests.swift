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

  @Test func `without a spread of validation targets there is no r2, and nothing to rank by`()
    throws
  {
    try Trial.with { trial in
      let rows = try trial.file("rows.csv", "x,y\n1,2\n2,3\n3,5\n4,1\n")
      let same = try trial.file("same.csv", "x,y\n1,3\n2,3\n")
      func train(of task: String) throws -> Run? {
        try trial.train(["loss": "mse", "epochs": "3"], of: task) {
          $0.rows = .file(rows, labels: nil)
          $0.validation = .rows(.file(same, labels: nil))
        }.run
      }
      let run = try train(of: "plain")
      #expect(try trial.points(run, "val/r2").isEmpty)
      #expect(try trial.points(run, "val/rmse").count == 3)
      let base = try RunSession.adopt(try #require(run).id, as: "base", trial.store)
      _ = try trial.fork(base, metric: "val/r2:max")
      let error = refusal { _ = try train(of: "task") }
      #expect(error.kind == .invalidInput)
      #expect(
        error.message
          == "every validation row of same.csv has the target 3, so there is no val/r2")
      try trial.expectNothing(beside: 1)
    }
  }
}

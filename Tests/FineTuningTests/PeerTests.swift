import Catalog
import Datasets
import Engine
import FineTuning
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

/// Beside PyTorch and scikit-learn; both are there under `Tests/run`, and must be.
@Suite struct PeerTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Runs a script of `Tests/Python` and reads what it prints.
  private func python(_ arguments: [String]) throws -> JSON {
    let python =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_PYTHON"]
      ?? Self.root.appending(path: ".build/python-venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw RegistryError(.notFound, "no \(python)", hint: "Tests/python-venv")
    }
    let script = Self.root.appending(path: "Tests/Python/\(arguments[0])").path
    let outcome = try Product.start(
      program: python, [script] + arguments.dropFirst(), in: Self.root
    ).finish()
    guard outcome.status == 0 else { throw RegistryError(.corrupt, outcome.messages) }
    return try JSON.parse(Array(outcome.output))
  }

  @Test(arguments: ["digits", "breast_cancer"])
  func `accuracy is within a point of scikit-learn's, as the mean of ten seeds`(
    name: String
  ) throws {
    try Trial.with { trial in
      let theirs = try python(["classifiers.py", name, trial.folder.path])["accuracies"]?.array?
        .compactMap { $0.double }
      let own = try (Int64(0)..<10).map { seed in
        let settings = ["hidden": "100", "epochs": "40", "patience": "0"]
        let run = try trial.train(settings, seed: seed) {
          $0.rows = .file(trial.folder.appending(path: "train.csv"), labels: nil)
          $0.validation = .rows(.file(trial.folder.appending(path: "test.csv"), labels: nil))
        }.run
        return try #require(try trial.points(run, "val/accuracy")[40])
      }
      func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }
      let other = mean(try #require(theirs))
      #expect(mean(own) >= other - 0.01, "\(name): ours \(mean(own)), theirs \(other)")
    }
  }

  @Test func `PyTorch loads versions and makes the same logits and scores of them`() throws {
    try Trial.with { trial in
      let rows = trial.folder.appending(path: "rows.csv")
      try Self.write(Trial.clouds(rows: 90, spread: 2), to: rows)
      let made = try [
        [:], ["activation": "gelu", "layer_norm": "true", "dropout": "0.2"],
        ["activation": "tanh", "hidden": "40,24,16", "standardize": "false"], ["hidden": "none"],
      ].map { try train($0, rows, trial) }
      let answers = try scores(of: made.map(\.version), rows, trial)
      for ((run, version), answer) in zip(made, answers) {
        let own = try outputs(of: version, rows, trial)
        let theirs = try #require(answer["logits"]?.array?.compactMap { $0.double })
        #expect(own.count == 270 && theirs.count == 270)
        for (one, other) in zip(own, theirs) {
          #expect(abs(Double(one) - other) <= 1e-5)
        }
        for (key, tolerance) in [("loss", 1e-5), ("accuracy", 1e-12), ("macro_f1", 1e-12)] {
          let logged = try #require(try trial.points(run, "val/\(key)")[8])
          let other = try #require(answer[key]?.double)
          #expect(abs(logged - other) <= tolerance, "\(key): \(logged), not \(other)")
        }
      }
      #expect(answers.count == 4)
    }
  }

  @Test func `numbers to predict have scikit-learn's scores`() throws {
    try Trial.with { trial in
      let rows = trial.folder.appending(path: "rows.csv")
      try Self.write(Trial.clouds(["1", "2.5", "-4"], rows: 90), to: rows)
      let (run, version) = try train(["loss": "mse"], rows, trial)
      let answer = try #require(try scores(of: [version], rows, trial).first)
      for key in ["loss", "r2"] {
        let logged = try #require(try trial.points(run, "val/\(key)")[8])
        #expect(abs(logged - (answer[key]?.double ?? .nan)) <= 1e-5, "\(key)")
      }
    }
  }

  @Test func `a folder that PyTorch made is a base, whose scores are PyTorch's before a step`()
    throws
  {
    try Trial.with { trial in
      let rows = trial.folder.appending(path: "rows.csv")
      try Self.write(Trial.clouds(rows: 60), to: rows)
      let folders = try ["float32", "float16", "bfloat16", "float64"].map { dtype in
        let folder = trial.folder.appending(path: dtype)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
      }
      _ = try python(["torch_model.py", "make"] + folders.map(\.path))
      var versions: [Version] = []
      var runs: [Run] = []
      for folder in folders {
        let base = try VersionImport.addBase(folder, to: trial.store).version
        _ = try trial.fork(base, as: "of-" + folder.lastPathComponent)
        let still = ["epochs": "1", "optimizer": "sgd", "lr": "1e-12", "momentum": "0"]
        let outcome = try trial.train(still, of: "of-" + folder.lastPathComponent) {
          $0.rows = .file(rows, labels: nil)
          $0.validation = .rows(.file(rows, labels: nil))
        }
        versions += [base, try #require(outcome.version)]
        runs.append(try #require(outcome.run))
      }
      let answers = try scores(of: versions, rows, trial)
      #expect(answers.count == 8)
      for (index, run) in runs.enumerated() {
        for key in ["loss", "accuracy", "macro_f1"] {
          let logged = try #require(try trial.points(run, "val/\(key)")[1])
          for answer in answers[2 * index...2 * index + 1] {
            let other = answer[key]?.double ?? .nan
            #expect(abs(logged - other) <= 1e-5, "\(folders[index].path) \(key)")
          }
        }
      }
    }
  }

  /// Trains eight epochs on the rows of a file, which are judged by too.
  private func train(
    _ settings: [String: String], _ rows: URL, _ trial: Trial
  ) throws -> (run: Run, version: Version) {
    let all = settings.merging(["epochs": "8", "patience": "0"]) { $1 }
    let run = try #require(
      try trial.train(all) {
        $0.rows = .file(rows, labels: nil)
        $0.validation = .rows(.file(rows, labels: nil))
      }.run)
    return (run, try RunSession.adopt(run.id, as: "made", trial.store))
  }

  /// What PyTorch makes of the files of versions.
  private func scores(of versions: [Version], _ rows: URL, _ trial: Trial) throws -> [JSON] {
    let folders = try versions.map { version in
      let folder = trial.folder.appending(path: "export-\(UUID().uuidString)")
      _ = try VersionExport.write(try Reference(version.reference), to: folder, from: trial.store)
      try FileManager.default.copyItem(at: rows, to: folder.appending(path: "rows.csv"))
      return folder.path
    }
    return try #require(try python(["torch_model.py", "score"] + folders).array)
  }

  /// What the engine makes of a version.
  private func outputs(of version: Version, _ rows: URL, _ trial: Trial) throws -> [Float] {
    let config = try ModelConfig(try trial.config(version), of: "config.json")
    let architecture = try Architecture(config.layers)
    let network = Network<Float>(architecture, seed: 99)
    let tensors = try trial.tensors(version)
    for (index, parameter) in architecture.parameters.enumerated() {
      let bytes = try #require(tensors[parameter.name]?.bytes)
      let numbers = stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
      }
      try network.setNumbers(numbers, at: index)
    }
    let table = try FeatureTable.read(rows)
    let features = try config.standardisation?.applied(to: table) ?? table.features
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 32, seed: 0, on: Processor())
    return try trainer.outputs(of: Examples(features: features, width: table.columnCount))
  }

  private static func write(_ table: FeatureTable, to file: URL) throws {
    var text = table.columns.joined(separator: ",") + ",label\n"
    guard case .labels(let labels) = table.target else { return }
    for row in 0..<table.rowCount {
      let start = row * table.columnCount
      let cells = table.features[start..<start + table.columnCount].map { "\($0)" }
      text += (cells + [labels[row]]).joined(separator: ",") + "\n"
    }
    try Data(text.utf8).write(to: file)
  }
}

import Catalog
import FineTuning
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Workspace

/// What is kept of a base, and which bases there can be.
@Suite struct BaseTests {
  /// Steps that change nothing that a float can hold.
  private static let still = [
    "epochs": "1", "optimizer": "sgd", "lr": "1e-12", "momentum": "0", "patience": "0",
  ]

  @Test func `the head stays while labels are the same, and is new when one entry differs`() throws
  {
    try Trial.with { trial in
      let base = try trial.tensors(try trial.addTask())
      for (labels, stays) in [
        (["a", "b", "c"], true), (["a", "b", "d"], false), (["b", "c", "d"], false),
        (["a", "b"], false), (["a", "b", "c", "d"], false),
      ] {
        let outcome = try trial.train(Self.still, on: Trial.clouds(labels), of: "task")
        let tuned = try trial.tensors(outcome.version)
        #expect((tuned["6.weight"]?.bytes == base["6.weight"]?.bytes) == stays, "\(labels)")
        #expect(tuned["6.weight"]?.shape == [labels.count, 6])
        #expect(tuned["3.weight"]?.bytes == base["3.weight"]?.bytes, "\(labels)")
        let map = try trial.config(outcome.version)["id2label"]?.members?.map(\.value)
        #expect(map == labels.map(JSON.string))
      }
    }
  }

  @Test func `a new head is told, kept in the output and a tag`() throws {
    try Trial.with { trial in
      try trial.addTask()
      for (labels, isNew) in [(["a", "b", "c"], false), (["a", "b", "d"], true)] {
        var lines: [String] = []
        var hooks = FineTuning.Hooks()
        hooks.said = { line, isEpoch in if !isEpoch { lines.append(line) } }
        let table = Trial.clouds(labels)
        let run = try trial.train(Self.still, on: table, of: "task", hooks: hooks).run
        let note = "the head is new, since the labels of points are not those of task:1"
        #expect(lines == (isNew ? [note] : []))
        #expect(try trial.tags(run)["head"] == (isNew ? "new" : nil))
      }
    }
  }

  @Test(arguments: [nil, "mse", "cross_entropy"])
  func `numbers keep the head of a base without labels that predicts one`(loss: String?) throws {
    try Trial.with { trial in
      let config: JSON = [
        "architecture": "mlp", "layers": [["linear": [3, 1]]], "loss": JSON(loss),
      ]
      var weights = SafetensorsFixture()
      weights.add("0.weight", [1, 3], [1, 2, 3])
      weights.add("0.bias", [1], [4])
      let base = try trial.fork(try trial.addBase(config, weights), metric: "val/loss:min")
      let rows = try trial.file("numbers.csv", "x,y,z,label\n1,2,3,4\n3,1,2,5\n2,3,1,6\n1,1,4,7\n")
      let outcome = try trial.train(Self.still.merging(["loss": "mse"]) { $1 }, of: "task") {
        $0.rows = .file(rows, labels: nil)
      }
      let (old, new) = (try trial.tensors(base), try trial.tensors(outcome.version))
      #expect((old["0.weight"]?.bytes == new["0.weight"]?.bytes) == (loss != "cross_entropy"))
    }
  }

  @Test func `a feature of both at another place is refused, other names are warned of`() throws {
    try Trial.with { trial in
      try trial.addTask()
      func train(_ columns: String) throws -> [String] {
        let rows = (0..<12).map { "\($0 % 5),\($0 % 7),\($0 % 3),\(["a", "b", "c"][$0 % 3])\n" }
        let file = try trial.file("rows.csv", columns + ",label\n" + rows.joined())
        var warnings: [String] = []
        var hooks = FineTuning.Hooks()
        hooks.warned = { warnings.append($0) }
        try trial.train(Self.still, of: "task", hooks: hooks) {
          $0.rows = .file(file, labels: nil)
        }
        return warnings
      }
      #expect(try train("x,y,z") == [])
      #expect(try train("x,y,w") == ["feature column 3 of rows.csv is 'w', but 'z' in task:1"])
      #expect(
        try train("p,q,r")
          == ["feature column 1 of rows.csv is 'p', but 'x' in task:1, and 2 more differ"])
      for (columns, place, own, other) in [("y,x,w", 1, "y", "x"), ("w,x,y", 1, "w", "x")] {
        let error = refusal { _ = try train(columns) }
        #expect(
          error.message
            == "feature column \(place) of rows.csv is '\(own)', but '\(other)' in task:1")
      }
    }
  }

  @Test func `a new head follows from the seed alone`() throws {
    try Trial.with { trial in
      try trial.addTask()
      func head(_ seed: Int64) throws -> [UInt8]? {
        let outcome = try trial.train(
          Self.still, on: Trial.clouds(["p", "q"]), of: "task", seed: seed)
        return try trial.tensors(outcome.version)["6.weight"]?.bytes
      }
      let first = try head(1)
      #expect(try head(1) == first)
      #expect(try head(2) != first)
    }
  }

  @Test func `a new head cannot be frozen, nor can everything`() throws {
    try Trial.with { trial in
      try trial.addTask()
      for glob in ["6.weight", "*", "6.*", "*bias"] {
        let error = refusal {
          try trial.train(on: Trial.clouds(["p", "q"]), of: "task") {
            $0.session.source.freeze = [glob]
          }
        }
        let tensor = glob == "*bias" ? "6.bias" : "6.weight"
        #expect(
          error.message == "'\(glob)' cannot freeze \(tensor): the head is new, since the labels "
            + "of points are not those of task:1")
      }
      let error = refusal {
        try trial.train(of: "task") { $0.session.source.freeze = ["*"] }
      }
      #expect(error.message == "every tensor of task:1 is frozen, so nothing is left to train")
      let unknown = refusal {
        try trial.train(of: "task") { $0.session.source.freeze = ["9.weight"] }
      }
      #expect(unknown.message == "'9.weight' matches no tensor of task:1")
      try trial.expectNothing(beside: 1)
    }
  }

  @Test(arguments: ["F16", "BF16", "F64"])
  func `a base of another float is trained in 32 bits, and frozen tensors stay what they are`(
    dtype: String
  ) throws {
    try Trial.with { trial in
      let base = try trial.addBase(Self.config(["a", "b", "c"]), Self.weights(dtype))
      let task = try trial.fork(base)
      let outcome = try trial.train(["epochs": "2"], of: "task") {
        $0.session.source.freeze = ["0.weight"]
      }
      let (before, after) = (try trial.tensors(task), try trial.tensors(outcome.version))
      #expect(after["0.weight"]?.dtype == dtype)
      #expect(after["0.weight"]?.bytes == before["0.weight"]?.bytes)
      #expect(after["2.weight"]?.dtype == "F32" && after["0.bias"]?.dtype == "F32")
      // The version is itself a base.
      let again = try trial.train(Self.still, of: "task") {
        $0.session.from = outcome.version?.reference
      }
      #expect(try trial.tensors(again.version)["2.weight"]?.bytes == after["2.weight"]?.bytes)
      // Exactly the base's numbers: the head of a still run is their cast.
      let still = try trial.train(Self.still, of: "task")
      #expect(try trial.tensors(still.version)["2.bias"]?.bytes == Self.headBias)
    }
  }

  /// ¼, 1 and −2.
  private static let headBias: [UInt8] = [0, 0, 0x80, 0x3E, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]

  /// A config as a person writes it after a run of their own, with keys that are not ours.
  private static func config(_ labels: [String]) -> JSON {
    [
      "architecture": "mlp", "torch_dtype": "float16", "author": ["name": "ann"],
      "layers": [["linear": [3, 4]], "tanh", ["linear": [4, 3], "bias": true]],
      "id2label": .object(labels.enumerated().map { .init("\($0)", .string($1)) }),
    ]
  }

  private static func weights(_ dtype: String) -> SafetensorsFixture {
    func bytes(_ value: Float) -> [UInt8] {
      switch dtype {
      case "F64": withUnsafeBytes(of: Double(value).bitPattern.littleEndian, Array.init)
      case "BF16":
        withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian, Array.init)
      default: withUnsafeBytes(of: half(value).littleEndian, Array.init)
      }
    }
    var weights = SafetensorsFixture()
    let small = (0..<12).map { Float($0 % 5) / 4 - 0.5 }
    for (name, shape, values) in [
      ("0.weight", [4, 3], small), ("0.bias", [4], [0.5, 0, -0.5, 1]),
      ("2.weight", [3, 4], small), ("2.bias", [3], [0.25, 1, -2]),
    ] as [(String, [Int], [Float])] {
      weights.add(name, dtype, shape, bytes: values.flatMap(bytes))
    }
    return weights
  }

  /// The bits of a float of 16 bits, for values that have a short significand.
  private static func half(_ value: Float) -> UInt16 {
    guard value != 0 else { return 0 }
    let bits = value.bitPattern
    let exponent = UInt16(Int(bits >> 23 & 255) - 127 + 15)
    return UInt16(bits >> 31) << 15 | exponent << 10 | UInt16(bits >> 13 & 1023)
  }

  @Test func `a base's scales are used as they are, and one without scales gets raw features`()
    throws
  {
    try Trial.with { trial in
      let base = try trial.addTask()
      let scales = try trial.config(base)["standardisation"]
      #expect(scales?["means"]?.array?.count == 3)
      let far = Trial.clouds(spread: 5)
      let tuned = try trial.train(["epochs": "1"], on: far, of: "task").version
      #expect(try trial.config(tuned)["standardisation"] == scales)
    }
    try Trial.with { trial in
      try trial.addTask(base: ["standardize": "false"])
      let tuned = try trial.train(["epochs": "1"], of: "task").version
      #expect(try trial.config(tuned)["standardisation"] == .null)
      let scratch = try trial.train(["epochs": "1"], of: "task") { $0.session.isScratch = true }
      #expect(try trial.config(scratch.version)["standardisation"] != .null)
      #expect(try trial.store.read { db in try scratch.version?.parents(db).isEmpty } == true)
    }
  }

  @Test func `dropout may be changed in a base that has it, and in no other`() throws {
    try Trial.with { trial in
      try trial.addTask()
      let tuned = try trial.train(["epochs": "1", "dropout": "0.25"], of: "task")
      #expect(try trial.config(tuned.version)["layers"]?.array?[2]["dropout"] == .number(0.25))
      #expect(try trial.parameters(tuned.run)["dropout"] == "0.25")
    }
    try Trial.with { trial in
      _ = try trial.fork(try trial.addBase(Self.config(["a", "b", "c"]), Self.weights("F64")))
      let error = refusal { try trial.train(["dropout": "0.1"], of: "task") }
      #expect(error.message == "dropout has no effect: task:1 has no dropout layer")
    }
  }

  @Test func `a base that is no such network is refused in a sentence`() throws {
    let good = Self.config(["a", "b", "c"])
    func changed(_ key: String, _ value: JSON) -> JSON {
      .object((good.members ?? []).map { $0.key == key ? .init(key, value) : $0 })
    }
    let long = String(repeating: "l", count: 300_000)
    var norm = SafetensorsFixture()
    norm.add("0.weight", [3], [1, 1, 1])
    norm.add("0.bias", [3], [0, 0, 0])
    var extra = Self.weights("F64")
    extra.add("9.weight", [1], [1])
    var lacking = Self.weights("F64")
    lacking.entries.removeLast()
    var whole = Self.weights("F64")
    whole.entries[3] = {
      var one = SafetensorsFixture()
      one.add("2.bias", "I32", [3], bytes: [UInt8](repeating: 0, count: 12))
      return one.entries[0]
    }()
    for (config, weights, message) in [
      (
        ["architectures": ["BertModel"]] as JSON, Self.weights("F64"),
        "the built-in trainer trains mlp only, and task:1 is a 'BertModel'"
      ),
      (
        ["hidden": 3], Self.weights("F64"),
        "the built-in trainer trains mlp only, and no config.json of task:1 says that it is one"
      ),
      (
        changed("layers", [["layer_norm": 3]]), norm,
        "task:1 has no linear layer, so there is no head to train"
      ),
      (good, extra, "tensor 9.weight of task:1 belongs to none of its layers"),
      (good, lacking, "task:1 has no tensor 2.bias, which its layers need"),
      (good, whole, "tensor 2.bias of task:1 is I32, no float"),
      (
        changed("layers", [["linear": [3, 5]], "tanh", ["linear": [5, 3]]]), Self.weights("F64"),
        "tensor 0.weight of task:1 has the shape [4, 3], its layer [5, 3]"
      ),
      (
        changed("layers", [["linear": [3, 4]], "swish", ["linear": [4, 3]]]), Self.weights("F64"),
        "config.json of task:1: layer 1, 'swish', is none that the built-in trainer knows"
      ),
      (
        changed("layers", [["linear": [3, 4]], ["a": .string(long)], ["linear": [4, 3]]]),
        Self.weights("F64"),
        "config.json of task:1: layer 1, '{\"a\":\"" + long.prefix(34)
          + "…', is none that the built-in trainer knows"
      ),
      (
        changed("layers", [["linear": [3, 4]], "tanh", ["linear": [7, 3]]]), Self.weights("F64"),
        "config.json of task:1: layer 2 takes 7 numbers and gets 4"
      ),
      (
        changed("id2label", ["1": "a"]), Self.weights("F64"),
        "config.json of task:1: id2label has the entry '1', where it has a text for each of 0 to 0"
      ),
    ] {
      try Trial.with { trial in
        _ = try trial.fork(try trial.addBase(config, weights))
        let error = refusal { try trial.train(of: "task") }
        #expect(error.kind == .invalidInput && error.message == message)
        try trial.expectNothing()
      }
    }
  }
}

import Catalog
import Promotion
import Storage
import Support
import Testing
import Tracking

@Suite struct FrozenGateTests {
  private static let frozen = "encoder.layer.0.*"

  /// A fine-tune that left layer 0 alone.
  private static let weights: SafetensorsFixture = {
    var tuned = TaskFixture.tune(TaskFixture.baseWeights)
    for index in tuned.entries.indices where tuned.entries[index].name.contains(".0.") {
      tuned.entries[index] = TaskFixture.baseWeights.entries[index]
    }
    return tuned
  }()

  private func judge(
    _ weights: SafetensorsFixture, _ globs: [String] = [frozen]
  ) throws -> Gate.Result {
    var result: Gate.Result?
    try TaskFixture.with { fixture in
      result = try fixture.judge(.frozen, fixture.tuned(weights, freeze: globs))
    }
    return try #require(result)
  }

  @Test func `tensors that were left alone pass`() throws {
    let result = try judge(Self.weights)
    #expect(result.outcome == .ok)
    #expect(result.finding == "2/2 tensors identical to sections:1")
  }

  @Test func `one flipped bit fails and the tensor is named`() throws {
    let result = try judge(Self.weights.changing("encoder.layer.0.weight") { $0.bytes[17] ^= 1 })
    #expect(result.outcome == .fail)
    #expect(result.finding == "encoder.layer.0.weight has other bytes")
    #expect(result.evidence["identical"]?.integer == 1)
  }

  @Test func `a missing tensor fails`() throws {
    let result = try judge(Self.weights.removing("encoder.layer.0.norm"))
    #expect(result.finding == "encoder.layer.0.norm is missing")
    #expect(result.outcome == .fail)
  }

  @Test func `another dtype fails even where the bytes are equal`() throws {
    let result = try judge(Self.weights.changing("encoder.layer.0.norm") { $0.dtype = "I32" })
    #expect(result.finding == "encoder.layer.0.norm is I32, was F32")
    #expect(result.outcome == .fail)
  }

  @Test func `another shape fails even where the bytes are equal`() throws {
    let result = try judge(Self.weights.changing("encoder.layer.0.weight") { $0.shape = [4, 16] })
    #expect(result.finding == "encoder.layer.0.weight has shape [4, 16], was [8, 8]")
    #expect(result.outcome == .fail)
  }

  @Test(arguments: ["encoder.layer.0.*", "bert.encoder.layer.0.*", "*.0.*"])
  func `a known prefix in the version or in the glob changes nothing`(_ glob: String) throws {
    var renamed = Self.weights
    for index in renamed.entries.indices {
      renamed.entries[index].name = "bert." + renamed.entries[index].name
    }
    #expect(try judge(renamed, [glob]).outcome == .ok)
    let changed = renamed.changing("bert.encoder.layer.0.weight") { $0.bytes[0] ^= 1 }
    #expect(try judge(changed, [glob]).outcome == .fail)
  }

  @Test func `a glob that matches nothing fails, since nothing is proved`() throws {
    let result = try judge(Self.weights, [Self.frozen, "encoder.layer.7.*"])
    #expect(result.outcome == .fail)
    #expect(result.finding == "glob 'encoder.layer.7.*' matches no tensor of sections:1")
  }

  @Test func `a head outside of the prefix that a glob names is not frozen`() throws {
    try withTemporaryStore { store in
      var base = SafetensorsFixture()
      base.addNoise("bert.encoder.weight", [4, 4], seed: 1)
      base.addNoise("classifier.weight", [2, 4], seed: 2)
      let gate = try Self.judgeTuning(
        of: base, in: store, freeze: ["bert.*"], changing: "classifier.weight")
      #expect(gate.outcome == .ok)
      #expect(gate.evidence["tensors"]?.integer == 1)
    }
  }

  private static func run(of base: Version, freeze: [String], _ store: Store) throws -> Run {
    try store.write { db in
      var start = Run.Start(experimentId: try Experiment.add("plain", db).id)
      start.baseVersionId = base.id
      let run = try Run.add(start, db)
      var source = RunSource()
      source.freeze = freeze
      try source.put(run, db)
      return run
    }
  }

  /// Registers weights, changes one tensor in a run that declares globs, and judges the result.
  private static func judgeTuning(
    of weights: SafetensorsFixture, in store: Store, freeze: [String], changing name: String
  ) throws -> Gate.Result {
    let base = try TaskFixture.add(to: store, "base", weights)
    let run = try Self.run(of: base, freeze: freeze, store)
    let tuned = weights.changing(name) { $0.bytes[0] ^= 1 }
    let version = try TaskFixture.add(
      to: store, "child", tuned, parents: [(base, .finetune)], runId: run.id)
    let decision = try Promotion.promote(version, to: "prod", in: store)
    return try #require(decision.gates.first { $0.gate == .frozen })
  }

  @Test func `a copy under another path excuses nothing, and needs no equal`() throws {
    try TaskFixture.with { fixture throws in
      func judge(_ weights: SafetensorsFixture, _ copy: SafetensorsFixture) throws -> Gate.Result {
        let version = try fixture.tuned(
          weights, freeze: [Self.frozen], beside: [("copy/model.safetensors", copy.file)])
        return try fixture.judge(.frozen, version)
      }
      let changed = Self.weights.changing("encoder.layer.0.weight") { $0.bytes[0] ^= 1 }
      #expect(try judge(Self.weights, changed).outcome == .ok)
      #expect(try judge(changed, Self.weights).outcome == .fail)
    }
  }

  @Test func `a name that both versions have in two files is compared within each`() throws {
    try withTemporaryStore { store in
      let (one, two) = (Self.weights, TaskFixture.tune(Self.weights, seed: 70))
      let files = [("a.safetensors", one.file), ("b.safetensors", two.file)]
      let base = try TaskFixture.add(to: store, "base", files: files)
      let run = try Self.run(of: base, freeze: ["encoder.*"], store)
      let version = try TaskFixture.add(
        to: store, "child", files: files.reversed(), parents: [(base, .finetune)], runId: run.id)
      let decision = try Promotion.promote(version, to: "prod", in: store)
      #expect(decision.outcome == .promoted)
      #expect(decision.gates.first { $0.gate == .frozen }?.evidence["identical"]?.integer == 6)
    }
  }

  @Test func `nothing declared, nothing to judge`() throws {
    #expect(try judge(Self.weights, []).outcome == .notApplicable)
    try TaskFixture.with { fixture in
      let result = try fixture.judge(.frozen, fixture.start)
      #expect(result.outcome == .notApplicable)
      #expect(result.finding == "no run made this version")
    }
  }
}

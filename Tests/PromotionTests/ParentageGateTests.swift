import Catalog
import Promotion
import Storage
import Support
import Testing

@Suite struct ParentageGateTests {
  /// What is said of the only edge: its evidence holds the outcome, too.
  private func judge(
    _ child: SafetensorsFixture, of parent: SafetensorsFixture,
    _ relation: Parentage.Relation = .finetune
  ) throws -> (outcome: Gate.Result.Outcome, finding: String, evidence: JSON) {
    let result = try judgeGate(child, of: parent, relation)
    let edge = try #require(result.evidence["edges"]?.array?.first)
    #expect(edge["outcome"]?.string == result.outcome.rawValue)
    return (result.outcome, result.finding, edge)
  }

  private func judgeGate(
    _ child: SafetensorsFixture, of parent: SafetensorsFixture,
    _ relation: Parentage.Relation = .finetune
  ) throws -> Gate.Result {
    try withTemporaryStore { store in
      let base = try TaskFixture.add(to: store, "tiny", parent)
      let version = try TaskFixture.add(to: store, "child", child, parents: [(base, relation)])
      let decision = try Promotion.promote(version, to: "prod", in: store)
      return try #require(decision.gates.first { $0.gate == .parentage })
    }
  }

  @Test func `the noise of fine-tuning passes`() throws {
    let base = TaskFixture.baseWeights
    let result = try judge(TaskFixture.tune(base), of: base)
    #expect(result.outcome == .ok)
    #expect(result.evidence["matchedFraction"]?.double == 1)
    #expect(try #require(result.evidence["correlation"]?.double) > 0.999)
  }

  @Test func `a fork with the parent's files passes by correlation 1`() throws {
    let result = try judge(TaskFixture.baseWeights, of: TaskFixture.baseWeights, .fork)
    #expect(result.outcome == .ok)
    #expect(abs(try #require(result.evidence["correlation"]?.double) - 1) < 1e-12)
  }

  @Test func `weights from elsewhere under the same names fail`() throws {
    var other = SafetensorsFixture()
    for (index, entry) in TaskFixture.baseWeights.entries.enumerated() {
      other.addNoise(entry.name, entry.shape, seed: 100 + UInt64(index))
    }
    let result = try judge(other, of: TaskFixture.baseWeights)
    #expect(result.outcome == .fail)
    #expect(try #require(result.evidence["correlation"]?.double) < 0.5)
  }

  @Test func `other names fail, since too few values match`() throws {
    var other = SafetensorsFixture()
    other.addNoise("conv.weight", [30, 30], seed: 5)
    let result = try judge(other, of: TaskFixture.baseWeights)
    #expect(result.outcome == .fail)
    #expect(result.evidence["matchedValues"]?.integer == 0)
  }

  @Test func `exactly half of the values is enough and one value less is not`() throws {
    var parent = SafetensorsFixture()
    parent.addNoise("a", [10], seed: 1)
    for (count, outcome) in [(10, Gate.Result.Outcome.ok), (11, .fail)] {
      var child = parent
      child.addNoise("new", [count], seed: 2)
      #expect(try judge(child, of: parent).outcome == outcome)
    }
  }

  @Test func `of a resized embedding the common rows count`() throws {
    let parent = TaskFixture.baseWeights
    for rows in [30, 45] {
      let child = TaskFixture.tune(parent).changing("embeddings.weight") { entry in
        let more = SafetensorsFixture.noise(45 * 8, seed: 77)
        entry.floats = Array((entry.floats + more)[..<(rows * 8)])
        entry.shape = [rows, 8]
      }
      let result = try judge(child, of: parent)
      #expect(result.outcome == .ok)
      #expect(result.evidence["matchedValues"]?.integer == Int64(min(rows, 40) * 8 + 8 * 8 * 2 + 8))
    }
  }

  @Test func `a replaced classifier with other columns does not match and may be new`() throws {
    var parent = TaskFixture.baseWeights
    parent.addNoise("classifier.weight", [2, 8], seed: 50)
    let child = TaskFixture.tune(TaskFixture.baseWeights)
    var resized = child
    resized.addNoise("classifier.weight", [5, 9], seed: 51)
    let result = try judge(resized, of: parent)
    #expect(result.outcome == .ok)
    #expect(result.evidence["matchedTensors"]?.integer == 4)
  }

  @Test func `constant tensors are left out, and equality decides when nothing is left`() throws {
    var parent = SafetensorsFixture()
    parent.add("norm", [4], [1, 1, 1, 1])
    let same = try judge(parent, of: parent)
    #expect(same.outcome == .ok)
    #expect(same.evidence["decidedBy"]?.string == "equality")
    let trained = parent.changing("norm") { $0.floats = [1, 2, 3, 4] }
    #expect(try judge(trained, of: parent).outcome == .fail)
  }

  @Test func `constant tensors cannot make a stranger look alike`() throws {
    // Norms at 1 beside weights near 0 would alone give a correlation near 1.
    var parent = SafetensorsFixture()
    var child = SafetensorsFixture()
    for (seed, place) in [(UInt64(1), 0), (2, 1)] {
      parent.addNoise("w\(place)", [50], seed: seed)
      child.addNoise("w\(place)", [50], seed: seed + 40)
      parent.add("norm\(place)", [50], [Float](repeating: 30, count: 50))
      child.add("norm\(place)", [50], [Float](repeating: 30, count: 50))
    }
    #expect(try judge(child, of: parent).outcome == .fail)
  }

  @Test(arguments: [Parentage.Relation.adapter, .quantize, .merge, .distill])
  func `other relations are not applicable, with the reason`(
    _ relation: Parentage.Relation
  ) throws {
    let result = try judge(TaskFixture.baseWeights, of: TaskFixture.baseWeights, relation)
    #expect(result.outcome == .notApplicable)
    #expect(result.evidence["relation"]?.string == relation.rawValue)
  }

  private static func stranger(_ seed: UInt64) -> SafetensorsFixture {
    var other = SafetensorsFixture()
    for (index, entry) in TaskFixture.baseWeights.entries.enumerated() {
      other.addNoise(entry.name, entry.shape, seed: seed + UInt64(index))
    }
    return other
  }

  @Test func `each claimed parent is judged, and one that is none fails`() throws {
    try withTemporaryStore { store in
      let one = try TaskFixture.add(to: store, "one", TaskFixture.baseWeights)
      let two = try TaskFixture.add(to: store, "two", TaskFixture.tune(TaskFixture.baseWeights))
      let other = try TaskFixture.add(to: store, "other", Self.stranger(500))
      func judge(_ parents: [(Version, Parentage.Relation)]) throws -> Gate.Result {
        let version = try TaskFixture.add(
          to: store, "child", TaskFixture.tune(TaskFixture.baseWeights, seed: 44),
          parents: parents)
        let decision = try Promotion.promote(version, to: "judged", in: store)
        return try #require(decision.gates.first { $0.gate == .parentage })
      }
      func outcomes(_ result: Gate.Result) -> [String?] {
        result.evidence["edges"]?.array?.map { $0["outcome"]?.string } ?? []
      }
      let good = try judge([(one, .finetune), (other, .merge), (two, .finetune)])
      #expect(good.outcome == .ok)
      #expect(outcomes(good) == ["ok", "notApplicable", "ok"])
      #expect(good.finding.contains("one:1") && good.finding.contains("two:1"))
      let bad = try judge([(one, .finetune), (other, .finetune)])
      #expect(bad.outcome == .fail)
      #expect(outcomes(bad) == ["ok", "fail"])
      #expect(!bad.finding.contains("one:1") && bad.finding.contains("other:1"))
      let reason = good.evidence["edges"]?.array?[1]["finding"]?.string
      #expect(reason == "merge of other:1 may change any weight")
    }
  }

  @Test func `a claim that cannot be checked fails, unless the files are the parent's`() throws {
    try withTemporaryStore { store in
      let pickle = [("pytorch_model.bin", [UInt8](repeating: 7, count: 100))]
      let base = try TaskFixture.add(to: store, "base", files: pickle)
      func judge(
        _ bytes: [UInt8], _ relation: Parentage.Relation
      ) throws -> (Gate.Result.Outcome, String) {
        let version = try TaskFixture.add(
          to: store, "child", files: [("pytorch_model.bin", bytes)], parents: [(base, relation)])
        let decision = try Promotion.promote(version, to: "judged", in: store)
        let result = try #require(decision.gates.first { $0.gate == .parentage })
        return (result.outcome, result.finding)
      }
      let fork = try judge(pickle[0].1, .fork)
      #expect(fork.0 == .ok)
      let tuned = try judge([1, 2, 3], .finetune)
      #expect(tuned.0 == .fail)
      #expect(tuned.1 == "child:2 has no float tensors in a format that is read")
      #expect(try judge([1, 2, 3], .merge).0 == .notApplicable)
    }
  }

  @Test(arguments: [1e3, 1e6] as [Float])
  func `a mean far beyond the spread leaves the correlation to decide`(_ mean: Float) throws {
    var parent = SafetensorsFixture()
    let steps = SafetensorsFixture.noise(400, seed: 3).map { ($0 * 20).rounded() * mean.ulp }
    parent.add("w", [400], steps.map { mean + $0 })
    let tuned = parent.changing("w") { $0.floats[7] += 2 * mean.ulp }
    let result = try judge(tuned, of: parent)
    #expect(result.outcome == .ok)
    #expect(result.evidence["decidedBy"]?.string == "correlation")
    var other = SafetensorsFixture()
    let strange = SafetensorsFixture.noise(400, seed: 4).map { ($0 * 20).rounded() * mean.ulp }
    other.add("w", [400], strange.map { mean + $0 })
    #expect(try judge(other, of: parent).outcome == .fail)
  }

  @Test func `values whose squares overflow fail, since nothing can be said`() throws {
    var parent = SafetensorsFixture()
    let values = [1e200, 2e200, -1e200, 3e200]
    let bytes = values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    parent.add("w", "F64", [4], bytes: bytes)
    let result = try judge(parent, of: parent)
    #expect(result.outcome == .fail)
    #expect(result.finding.hasSuffix("correlation cannot be computed"))
  }

  @Test func `the same name in two files of the child matches one of the parent's`() throws {
    try withTemporaryStore { store in
      let base = try TaskFixture.add(to: store, "base", TaskFixture.baseWeights)
      let tuned = TaskFixture.tune(TaskFixture.baseWeights)
      let version = try TaskFixture.add(
        to: store, "child",
        files: [("a.safetensors", tuned.file), ("b.safetensors", tuned.file)]
          + [("c.safetensors", TaskFixture.tune(tuned).file)],
        parents: [(base, .finetune)])
      let decision = try Promotion.promote(version, to: "prod", in: store)
      let result = try #require(decision.gates.first { $0.gate == .parentage })
      #expect(result.outcome == .ok)
      #expect(result.evidence["edges"]?.array?.first?["matchedFraction"]?.double == 1)
    }
  }

  @Test func `without a parent nothing is claimed`() throws {
    try TaskFixture.with { fixture in
      let decision = try Promotion.promote(fixture.base, to: "prod", in: fixture.store)
      let result = try #require(decision.gates.first { $0.gate == .parentage })
      #expect(result.outcome == .notApplicable)
      #expect(result.finding == "no parent is claimed")
    }
  }

  @Test(arguments: [("F32", "F32"), ("F32", "F64"), ("F64", "F32"), ("F64", "F64")])
  func `the correlation over chunk borders and types is that of a naive computation`(
    _ own: String, _ other: String
  ) throws {
    let x = SafetensorsFixture.noise(600 * 512, seed: 31)
    let noise = SafetensorsFixture.noise(590 * 512, seed: 32)
    let y = zip(x, noise).map { 0.3 * $0 + 0.2 * $1 + 0.5 }
    var child = SafetensorsFixture()
    var parent = SafetensorsFixture()
    child.add("w", own, [600, 512], bytes: Self.bytes(x, own))
    parent.add("w", other, [590, 512], bytes: Self.bytes(y, other))
    let result = try judge(child, of: parent)
    let expected = Self.naiveCorrelation(x.prefix(y.count).map(Double.init), y.map(Double.init))
    let correlation = try #require(result.evidence["correlation"]?.double)
    // Both sum 3·10⁵ terms of size 1 in Double; their order differs.
    #expect(abs(correlation - expected) < 1e-10)
    #expect(result.evidence["matchedValues"]?.integer == Int64(y.count))
  }

  private static func bytes(_ values: [Float], _ dtype: String) -> [UInt8] {
    values.flatMap { value in
      dtype == "F64"
        ? withUnsafeBytes(of: Double(value).bitPattern.littleEndian, Array.init)
        : withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
    }
  }

  /// Pearson's definition with the means taken first.
  private static func naiveCorrelation(_ x: [Double], _ y: [Double]) -> Double {
    let meanX = x.reduce(0, +) / Double(x.count)
    let meanY = y.reduce(0, +) / Double(y.count)
    var sums = (xx: 0.0, yy: 0.0, xy: 0.0)
    for (a, b) in zip(x, y) {
      sums.xx += (a - meanX) * (a - meanX)
      sums.yy += (b - meanY) * (b - meanY)
      sums.xy += (a - meanX) * (b - meanY)
    }
    return sums.xy / (sums.xx * sums.yy).squareRoot()
  }
}

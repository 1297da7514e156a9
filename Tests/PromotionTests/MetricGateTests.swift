import Catalog
import Promotion
import Storage
import Support
import Testing
import Tracking

@Suite struct MetricGateTests {
  /// Promotes a first version with one value and judges a second with another.
  private func judge(
    _ value: Double?, after holder: Double?, _ direction: Experiment.Direction = .max
  ) throws -> Gate.Result {
    var result: Gate.Result?
    try TaskFixture.with(direction) { fixture in
      let first = try fixture.tuned(f1: holder)
      let waiver = try Promotion.Waiver("metric", reason: "the first of all")
      let decision = try Promotion.promote(
        first, to: "judged", waivers: [waiver], in: fixture.store)
      try #require(decision.outcome == .promoted)
      result = try fixture.judge(.metric, fixture.tuned(f1: value))
    }
    return try #require(result)
  }

  @Test(arguments: [
    (0.9, 0.8, Experiment.Direction.max, true), (0.7, 0.8, .max, false), (0.8, 0.8, .max, false),
    (0.7, 0.8, .min, true), (0.9, 0.8, .min, false), (0.8, 0.8, .min, false),
    (.nan, 0.8, .max, false), (.nan, 0.8, .min, false), (0.1, .nan, .max, true),
    (0.9, .nan, .min, true), (.nan, .nan, .max, false), (.infinity, 0.8, .max, true),
    (.infinity, 0.8, .min, false), (-.infinity, 0.8, .min, true), (0.0, -0.0, .max, false),
  ])
  func `only a better value passes: no tie, and never NaN`(
    _ value: Double, _ holder: Double, _ direction: Experiment.Direction, _ passes: Bool
  ) throws {
    let result = try judge(value, after: holder, direction)
    #expect(result.outcome == (passes ? .ok : .fail))
    #expect(result.evidence["direction"]?.string == direction.rawValue)
  }

  @Test func `a version without the metric fails as not present`() throws {
    let result = try judge(nil, after: 0.8)
    #expect(result.outcome == .fail)
    #expect(result.finding == "f1 is not present on sections:3")
  }

  @Test func `a holder without the metric is not comparable, and presence passes`() throws {
    let result = try judge(0.2, after: nil)
    #expect(result.outcome == .ok)
    let verdicts = result.evidence["against"]?.array?.compactMap { $0["verdict"]?.string }
    #expect(verdicts == ["not comparable", "not comparable"])
  }

  @Test func `the fork's version 1 has no metric`() throws {
    try TaskFixture.with { fixture in
      let result = try fixture.judge(.metric, fixture.start)
      #expect(result.outcome == .fail)
      #expect(result.finding == "f1 is not present on sections:1")
    }
  }

  @Test func `the latest value by step counts, not the last logged`() throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned(f1: 0.7)
      try fixture.store.write { db in
        let id = try #require(version.runId.flatMap { RunID(hex: $0) })
        var points = PointBatch()
        points.add(try points.key("f1"), step: 0, time: 99, value: 0.99)
        _ = try Run.get(id, db).append(points, db)
      }
      let result = try fixture.judge(.metric, version)
      #expect(result.evidence["value"]?.double == 0.7)
    }
  }

  @Test func `a parent of the same task must be beaten too`() throws {
    try TaskFixture.with { fixture in
      let parent = try fixture.tuned(f1: 0.8)
      let child = try TaskFixture.add(
        to: fixture.store, "sections", TaskFixture.baseWeights, parents: [(parent, .finetune)],
        metrics: [VersionMetric("f1", 0.75, source: "a colleague")])
      let result = try fixture.judge(.metric, child)
      #expect(result.outcome == .fail)
      #expect(result.finding == "f1 0.75; worse than parent sections:2 (0.8)")
      #expect(result.evidence["source"]?.string == "a colleague")
    }
  }

  @Test func `holder and parent must both be beaten, and one that is both is named once`() throws {
    try TaskFixture.with { fixture in
      let parent = try fixture.tuned(f1: 0.8)
      let holder = try fixture.tuned(f1: 0.6)
      for (version, alias) in [(holder, "low"), (parent, "high")] {
        _ = try Promotion.promote(version, to: alias, in: fixture.store)
      }
      let child = try TaskFixture.add(
        to: fixture.store, "sections", TaskFixture.baseWeights, parents: [(parent, .finetune)],
        metrics: [VersionMetric("f1", 0.7, source: "a colleague")])
      let low = try Promotion.promote(child, to: "low", in: fixture.store)
      #expect(low.failures.map(\.finding) == ["f1 0.7; worse than parent sections:2 (0.8)"])
      let high = try Promotion.promote(child, to: "high", in: fixture.store)
      #expect(
        high.failures.map(\.finding) == ["f1 0.7; worse than holder and parent sections:2 (0.8)"])
    }
  }

  @Test func `a metric of another task is not comparable`() throws {
    try TaskFixture.with { fixture in
      let elsewhere = try fixture.store.write { try Experiment.add("elsewhere", $0) }
      let foreign = try fixture.tuned(f1: 0.9, in: elsewhere)
      let waived = try Promotion.promote(foreign, to: "judged", in: fixture.store)
      #expect(waived.outcome == .promoted)
      let result = try fixture.judge(.metric, fixture.tuned(f1: 0.1))
      #expect(result.outcome == .ok)
      let first = try #require(result.evidence["against"]?.array?.first)
      #expect(first["verdict"]?.string == "not comparable")
      #expect(first["reason"]?.string == "its f1 comes from another task")
    }
  }

  @Test func `a model without a task has no metric to judge`() throws {
    try TaskFixture.with { fixture in
      let decision = try Promotion.promote(fixture.base, to: "prod", in: fixture.store)
      #expect(decision.outcome == .promoted)
      let result = try #require(decision.gates.first { $0.gate == .metric })
      #expect(result.outcome == .notApplicable)
    }
  }
}

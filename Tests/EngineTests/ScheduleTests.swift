import Engine
import Foundation
import Testing

@Suite struct ScheduleTests {
  private func rates(_ shape: Schedule.Shape, warmUp: Int, steps: Int) throws -> [Double] {
    let schedule = try Schedule(shape, rate: 0.5, warmUp: warmUp, steps: steps)
    return (0..<steps).map(schedule.rate(at:))
  }

  private func near(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-12 }
  }

  @Test func `the warm-up climbs in equal steps to the rate`() throws {
    for shape in [Schedule.Shape.constant, .linear, .cosine, .step(every: 3, factor: 0.1)] {
      let first = try rates(shape, warmUp: 4, steps: 12).prefix(5)
      #expect(near(Array(first), [0.125, 0.25, 0.375, 0.5, 0.5]), "\(shape)")
    }
  }

  @Test func `each shape falls as its formula says`() throws {
    #expect(try near(rates(.constant, warmUp: 0, steps: 3), [0.5, 0.5, 0.5]))
    #expect(try near(rates(.linear, warmUp: 1, steps: 5), [0.5, 0.5, 0.375, 0.25, 0.125]))
    let angles = [0.0, 45, 90, 135].map { $0 / 180 * Double.pi }
    let cosine = angles.map { 0.5 * (1 + Foundation.cos($0)) / 2 }
    #expect(try near(rates(.cosine, warmUp: 2, steps: 6), [0.25, 0.5] + cosine))
    #expect(
      try near(
        rates(.step(every: 2, factor: 0.1), warmUp: 1, steps: 6),
        [0.5, 0.5, 0.5, 0.05, 0.05, 0.005]))
  }

  @Test func `a plateau waits for its patience and then falls`() throws {
    var schedule = try Schedule(
      .plateau(factor: 0.5, patience: 1, higherIsBetter: false), rate: 1, steps: 100)
    let observed: [(Double, Double)] = [
      (3, 1), (2, 1), (2, 1), (2, 0.5),  // two that are no better: one more than the patience
      (1.9999, 0.5),  // better by less than a ten-thousandth
      (1.5, 0.5), (.nan, 0.5), (1.6, 0.25),
    ]
    for (value, rate) in observed {
      schedule.observe(value)
      #expect(schedule.rate(at: 5) == rate, "after \(value)")
    }
    var higher = try Schedule(
      .plateau(factor: 0.1, patience: 0, higherIsBetter: true), rate: 1, steps: 100)
    for (value, rate) in [(0.5, 1.0), (0.6, 1), (0.55, 0.1)] {
      higher.observe(value)
      #expect(higher.rate(at: 5) == rate)
    }
  }

  @Test func `impossible numbers are refused by name`() {
    func refusal(_ shape: Schedule.Shape, rate: Double = 1, warmUp: Int = 0, steps: Int = 1)
      -> String?
    {
      do throws(EngineError) {
        _ = try Schedule(shape, rate: rate, warmUp: warmUp, steps: steps)
        return nil
      } catch {
        guard case .value(let name, _) = error else { return nil }
        return name
      }
    }
    #expect(refusal(.constant, rate: -1) == "rate")
    #expect(refusal(.constant, rate: .nan) == "rate")
    #expect(refusal(.constant, warmUp: -1) == "warmUp")
    #expect(refusal(.constant, steps: 0) == "steps")
    #expect(refusal(.step(every: 0, factor: 0.5)) == "every")
    #expect(refusal(.step(every: 1, factor: 0)) == "factor")
    #expect(refusal(.plateau(factor: 2, patience: 1, higherIsBetter: true)) == "factor")
    #expect(refusal(.plateau(factor: 0.5, patience: -1, higherIsBetter: true)) == "patience")
  }
}

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The learning rate over the steps of a run, numbered from 0.
///
/// While it warms up, step s has (s + 1) / warmUp of the rate; what follows counts from the end of
/// the warm-up.
package struct Schedule: Sendable, Equatable {
  /// How the rate falls after the warm-up.
  package enum Shape: Sendable, Equatable {
    /// Not at all.
    case constant
    /// In a straight line; it would be 0 one step after the last.
    case linear
    /// Along half a cosine; it would be 0 one step after the last.
    case cosine
    /// Times `factor` after every so many steps.
    case step(every: Int, factor: Double)
    /// Times `factor` when more than `patience` observations in a row were not better by a
    /// ten-thousandth, as PyTorch's ReduceLROnPlateau.
    case plateau(factor: Double, patience: Int, higherIsBetter: Bool)
  }

  /// How the rate falls.
  package let shape: Shape
  /// The rate at the end of the warm-up.
  package let rate: Double
  /// The steps of the warm-up.
  package let warmUp: Int
  /// The steps of the whole run, the warm-up among them.
  package let steps: Int
  private var scale = 1.0
  private var best: Double?
  private var badCount = 0

  /// Checks the numbers.
  ///
  /// - Throws: `value`.
  package init(
    _ shape: Shape, rate: Double, warmUp: Int = 0, steps: Int
  ) throws(EngineError) {
    guard rate >= 0, rate.isFinite else { throw .value(name: "rate", value: rate) }
    guard steps > 0 else { throw .value(name: "steps", value: Double(steps)) }
    guard warmUp >= 0 else { throw .value(name: "warmUp", value: Double(warmUp)) }
    switch shape {
    case .step(let every, _) where every < 1:
      throw .value(name: "every", value: Double(every))
    case .plateau(_, let patience, _) where patience < 0:
      throw .value(name: "patience", value: Double(patience))
    case .step(_, let factor), .plateau(let factor, _, _):
      guard factor > 0, factor <= 1 else { throw .value(name: "factor", value: factor) }
    default: break
    }
    self.shape = shape
    self.rate = rate
    self.warmUp = warmUp
    self.steps = steps
  }

  /// The learning rate of a step.
  package func rate(at step: Int) -> Double {
    if step < warmUp { return rate * Double(step + 1) / Double(warmUp) }
    let past = Double(step - warmUp)
    let fraction = min(past / Double(max(steps - warmUp, 1)), 1)
    switch shape {
    case .constant: return rate
    case .linear: return rate * (1 - fraction)
    case .cosine: return rate * 0.5 * (1 + cos(fraction * .pi))
    case .step(let every, let factor): return rate * pow(factor, Double((step - warmUp) / every))
    case .plateau: return rate * scale
    }
  }

  /// Tells the value that a plateau is looked for in; other shapes ignore it.
  package mutating func observe(_ value: Double) {
    guard case .plateau(let factor, let patience, let higherIsBetter) = shape else { return }
    // As PyTorch's relative threshold, whose sign is right for values above zero only.
    let bar = best.map { $0 * (higherIsBetter ? 1 + 1e-4 : 1 - 1e-4) }
    let isBetter = bar.map { higherIsBetter ? value > $0 : value < $0 } ?? !value.isNaN
    if isBetter {
      best = value
      badCount = 0
    } else {
      badCount += 1
    }
    if badCount > patience {
      scale *= factor
      badCount = 0
    }
  }
}

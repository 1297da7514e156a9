#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How a gradient changes parameters, as PyTorch's optimiser of the same name computes it.
package enum Optimizer: Sendable, Equatable {
  /// Gradient descent: v ← momentum · v + (g + weightDecay · p), p ← p − rate · v.
  case sgd(momentum: Double, weightDecay: Double)
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
  case adamW(beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double)

  /// AdamW as PyTorch has it when nothing is said.
  package static let adamW = Optimizer.adamW(
    beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01)

  func check() throws(EngineError) {
    func need(_ name: String, _ value: Double, below bound: Double) throws(EngineError) {
      guard value >= 0, value < bound else { throw .value(name: name, value: value) }
    }
    switch self {
    case .sgd(let momentum, let weightDecay):
      try need("momentum", momentum, below: 1)
      try need("weightDecay", weightDecay, below: .infinity)
    case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
      try need("beta1", beta1, below: 1)
      try need("beta2", beta2, below: 1)
      try need("epsilon", epsilon, below: .infinity)
      try need("weightDecay", weightDecay, below: .infinity)
    }
  }
}

/// The numbers of one step of an optimiser.
package enum Update: Sendable {
  /// Changes nothing.
  case measure
  /// Of gradient descent; `decay` · p is added to the gradient.
  case sgd(gradientScale: Double, decay: Double, momentum: Double, rate: Double)
  /// Of AdamW; p is multiplied by `decay`, `rate` and `correction` undo the moments' start at zero.
  case adamW(
    gradientScale: Double, decay: Double, beta1: Double, beta2: Double, rate: Double,
    correction: Double, epsilon: Double)

  /// The step of a number, from 1.
  init(_ optimizer: Optimizer, step: Int, rate: Double, gradientScale: Double) {
    switch optimizer {
    case .sgd(let momentum, let weightDecay):
      self = .sgd(
        gradientScale: gradientScale, decay: weightDecay, momentum: momentum, rate: rate)
    case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
      self = .adamW(
        gradientScale: gradientScale, decay: 1 - rate * weightDecay, beta1: beta1, beta2: beta2,
        rate: rate / (1 - pow(beta1, Double(step))),
        correction: 1 / (1 - pow(beta2, Double(step))).squareRoot(), epsilon: epsilon)
    }
  }
}

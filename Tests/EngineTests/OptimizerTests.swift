import Engine
import Foundation
import Support
import Testing

/// Several steps against the formulas of PyTorch's documentation, computed here.
///
/// The network is y = w · x with one weight and squared error over one example, so that the
/// gradient is 2 (w x − t) x.
@Suite struct OptimizerTests {
  private let x = 0.7
  private let target = 2.0

  private func weights(_ optimizer: Optimizer, rates: [Double]) throws -> [Double] {
    let network = try Network<Double>(
      Architecture([.linear(inputs: 1, outputs: 1, hasBias: false)]), seed: 1)
    try network.setNumbers([0.5], at: 0)
    let trainer = try Trainer(
      network, loss: .meanSquaredError, optimizer: optimizer, batchSize: 1, seed: 1,
      on: Processor())
    let examples = try Examples(features: [x], width: 1, values: [target], valueWidth: 1)
    return try rates.enumerated().map { epoch, rate in
      try trainer.begin(epoch: epoch, of: examples)
      let gradient = 2 * (network.numbers(at: 0)[0] * x - target) * x
      let step = trainer.step(rate: rate)
      #expect(abs((step?.gradientNorm ?? .nan) - abs(gradient)) < 1e-12)
      return network.numbers(at: 0)[0]
    }
  }

  private func near(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-13 }
  }

  private let rates = [0.1, 0.1, 0.05, 0.2, 0.01, 0.1, 0.1, 0.3]

  @Test func `gradient descent with momentum is PyTorch's`() throws {
    for (momentum, decay) in [(0.0, 0.0), (0.9, 0.0), (0.5, 0.1), (0, 0.2)] {
      var w = 0.5
      var buffer = 0.0
      let expected = rates.enumerated().map { step, rate in
        let gradient = 2 * (w * x - target) * x + decay * w
        buffer = step == 0 ? gradient : momentum * buffer + gradient
        w -= rate * buffer
        return w
      }
      #expect(
        try near(weights(.sgd(momentum: momentum, weightDecay: decay), rates: rates), expected))
    }
  }

  @Test func `AdamW is PyTorch's`() throws {
    for (beta1, beta2, epsilon, decay) in [
      (0.9, 0.999, 1e-8, 0.01), (0.9, 0.999, 1e-8, 0), (0.8, 0.9, 1e-3, 0.5), (0, 0.5, 1e-8, 0.1),
    ] {
      var w = 0.5
      var m = 0.0
      var v = 0.0
      let expected = rates.enumerated().map { index, rate in
        let step = Double(index + 1)
        let gradient = 2 * (w * x - target) * x
        w -= rate * decay * w
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient * gradient
        let mean = m / (1 - Foundation.pow(beta1, step))
        let square = v / (1 - Foundation.pow(beta2, step))
        w -= rate * mean / (square.squareRoot() + epsilon)
        return w
      }
      let optimizer = Optimizer.adamW(
        beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay)
      #expect(try near(weights(optimizer, rates: rates), expected))
    }
  }

  @Test func `impossible numbers are refused by name`() throws {
    func refusal(_ optimizer: Optimizer) throws -> String? {
      let network = try Network<Float>(
        Architecture([.linear(inputs: 1, outputs: 1, hasBias: false)]), seed: 1)
      do throws(EngineError) {
        _ = try Trainer(
          network, loss: .meanSquaredError, optimizer: optimizer, batchSize: 1, seed: 1,
          on: Processor())
        return nil
      } catch {
        guard case .value(let name, _) = error else { return nil }
        return name
      }
    }
    #expect(try refusal(.adamW) == nil)
    #expect(try refusal(.sgd(momentum: 1, weightDecay: 0)) == "momentum")
    #expect(try refusal(.sgd(momentum: 0, weightDecay: .nan)) == "weightDecay")
    #expect(
      try refusal(.adamW(beta1: 1, beta2: 0.9, epsilon: 0, weightDecay: 0)) == "beta1")
    #expect(
      try refusal(.adamW(beta1: 0.9, beta2: -1, epsilon: 0, weightDecay: 0)) == "beta2")
    #expect(
      try refusal(.adamW(beta1: 0.9, beta2: 0.9, epsilon: -1, weightDecay: 0)) == "epsilon")
  }
}

import Engine
import Support
import Testing

/// Gradients against central differences of the loss, in Double.
@Suite struct GradientTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let layers: [Layer]
    let loss: Loss

    init(_ name: String, _ layers: [Layer], _ loss: Loss = .crossEntropy(weights: nil)) {
      testDescription = name
      self.layers = layers
      self.loss = loss
    }
  }

  static let first = Layer.linear(inputs: 5, outputs: 7, hasBias: true)
  static let last = Layer.linear(inputs: 7, outputs: 4, hasBias: true)
  static let cases = [
    Case("linear", [.linear(inputs: 5, outputs: 4, hasBias: true)]),
    Case("linear without bias", [.linear(inputs: 5, outputs: 4, hasBias: false)]),
    Case("two linear", [first, last]),
    Case("relu", [first, .relu, last]),
    Case("relu first and after tanh", [.relu, first, .tanh, .relu, last]),
    Case("gelu", [first, .gelu, last]),
    Case("tanh", [first, .tanh, last]),
    Case("dropout", [first, .dropout(probability: 0.4), last]),
    Case("layer norm", [first, .layerNorm(width: 7, epsilon: 1e-5), .gelu, last]),
    Case("layer norm first", [.layerNorm(width: 5, epsilon: 1e-5), first, .relu, last]),
    Case(
      "deep",
      [
        first, .layerNorm(width: 7, epsilon: 1e-5), .gelu, .dropout(probability: 0.2),
        .linear(inputs: 7, outputs: 7, hasBias: true), .tanh, last,
      ]),
    Case("class weights", [first, .tanh, last], .crossEntropy(weights: [1, 0.25, 3, 2])),
    Case("squared error", [first, .tanh, last], .meanSquaredError),
  ]

  private let seed: UInt64 = 11
  private let rows = 19

  private func examples<S: Scalar>(_ loss: Loss, _: S.Type) throws -> Examples<S> {
    var generator = SeededGenerator(seed: seed)
    let features = (0..<rows * 5).map { _ in S(Float.random(in: -2...2, using: &generator)) }
    if loss == .meanSquaredError {
      let values = (0..<rows * 4).map { _ in S(Float.random(in: -1...1, using: &generator)) }
      return try Examples(features: features, width: 5, values: values, valueWidth: 4)
    }
    let classes = (0..<rows).map { _ in Int32.random(in: 0..<4, using: &generator) }
    return try Examples(features: features, width: 5, classes: classes)
  }

  /// The loss of the first step, with what dropout then drops.
  private func step<S: Scalar>(
    _ network: Network<S>, _ loss: Loss, rate: Double, on processor: Processor
  ) throws -> Trainer<S>.Step? {
    let trainer = try Trainer(
      network, loss: loss, optimizer: .sgd(momentum: 0, weightDecay: 0), batchSize: rows,
      seed: seed, on: processor)
    try trainer.begin(epoch: 0, of: examples(loss, S.self))
    return trainer.step(rate: rate)
  }

  /// The gradient of every parameter: what one step of gradient descent took away.
  ///
  /// The rate makes the gradient so much greater than the parameter that rounding takes little of it.
  private func gradients<S: Scalar>(
    _ network: Network<S>, _ loss: Loss, on processor: Processor
  ) throws -> [[Double]] {
    let rate = 1024.0
    let before = network.architecture.parameters.indices.map(network.numbers(at:))
    _ = try step(network, loss, rate: rate, on: processor)
    return before.enumerated().map { index, numbers in
      let after = network.numbers(at: index)
      for (place, number) in numbers.enumerated() where after[place].isNaN {
        Issue.record("NaN after \(number)")
      }
      return zip(numbers, after).map { (Double($0) - Double($1)) / rate }
    }
  }

  private func differences(
    _ network: Network<Double>, _ loss: Loss, on processor: Processor
  ) throws -> [[Double]] {
    let size = 1e-5
    return try network.architecture.parameters.indices.map { index in
      let numbers = network.numbers(at: index)
      return try numbers.indices.map { place in
        func moved(by offset: Double) throws -> Double {
          var changed = numbers
          changed[place] += offset
          try network.setNumbers(changed, at: index)
          return try step(network, loss, rate: 0, on: processor)?.loss.mean ?? .nan
        }
        let difference = try (moved(by: size) - moved(by: -size)) / (2 * size)
        try network.setNumbers(numbers, at: index)
        return difference
      }
    }
  }

  private func distance(_ a: [[Double]], _ b: [[Double]]) -> Double {
    func squares(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 } }
    let d = zip(a.joined(), b.joined()).map { $0 - $1 }
    return (squares(d) / squares(Array(b.joined()))).squareRoot()
  }

  @Test(arguments: cases)
  func `in Double they agree to a ten-millionth`(_ item: Case) throws {
    let processor = try Processor()
    let network = try Network<Double>(Architecture(item.layers), seed: seed)
    let expected = try differences(network, item.loss, on: processor)
    let found = try gradients(network, item.loss, on: processor)
    for index in expected.indices {
      let error = distance([found[index]], [expected[index]])
      #expect(error < 1e-7, "\(network.architecture.parameters[index].name), seed \(seed)")
    }
  }

  @Test(arguments: cases, 0..<3)
  func `in Float they agree to a thousandth, at every level`(_ item: Case, level: Int) throws {
    guard level < Processor.levels.count else { return }
    let processor = try Processor(level: level)
    let network = try Network<Float>(Architecture(item.layers), seed: seed)
    let exact = try Network<Double>(Architecture(item.layers), seed: seed)
    for index in network.architecture.parameters.indices {
      try exact.setNumbers(network.numbers(at: index).map(Double.init), at: index)
    }
    let expected = try differences(exact, item.loss, on: processor)
    let found = try gradients(network, item.loss, on: processor)
    for index in expected.indices {
      let error = distance([found[index]], [expected[index]])
      #expect(error < 1e-3, "\(network.architecture.parameters[index].name), seed \(seed)")
    }
  }
}

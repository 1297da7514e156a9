import Engine
import Support
import Testing

@Suite struct TrainerTests {
  private let seed: UInt64 = 3

  private func mlp(_ inputs: Int, _ hidden: Int, _ outputs: Int) throws -> Architecture {
    try Architecture([
      .linear(inputs: inputs, outputs: hidden, hasBias: true), .relu,
      .linear(inputs: hidden, outputs: outputs, hasBias: true),
    ])
  }

  private func random(_ rows: Int, _ width: Int, classes: Int) throws -> Examples<Float> {
    var generator = SeededGenerator(seed: seed)
    return try Examples(
      features: (0..<rows * width).map { _ in Float.random(in: -1...1, using: &generator) },
      width: width,
      classes: (0..<rows).map { _ in Int32.random(in: 0..<Int32(classes), using: &generator) })
  }

  private func bytes(_ network: Network<Float>) -> [[UInt32]] {
    network.architecture.parameters.indices.map { network.numbers(at: $0).map(\.bitPattern) }
  }

  @Test func `it learns what no line separates`() throws {
    let examples = try Examples<Float>(
      features: [0, 0, 0, 1, 1, 0, 1, 1], width: 2, classes: [0, 1, 1, 0])
    for optimizer in [Optimizer.adamW, .sgd(momentum: 0.9, weightDecay: 0)] {
      let network = try Network<Float>(mlp(2, 16, 2), seed: seed)
      let trainer = try Trainer(
        network, loss: .crossEntropy(weights: nil), optimizer: optimizer, batchSize: 4, seed: seed,
        on: Processor())
      for epoch in 0..<400 {
        try trainer.begin(epoch: epoch, of: examples)
        while trainer.step(rate: optimizer == .adamW ? 0.01 : 0.1) != nil {}
      }
      let score = try trainer.evaluate(examples)
      #expect(score.correct == 4)
      #expect(score.mean < 0.05)
      let logits = try trainer.outputs(of: examples)
      #expect((0..<4).map { logits[2 * $0 + 1] > logits[2 * $0] } == [false, true, true, false])
    }
  }

  @Test func `it fits a line to values`() throws {
    var generator = SeededGenerator(seed: seed)
    let x = (0..<200).map { _ in Float.random(in: -1...1, using: &generator) }
    let examples = try Examples(
      features: x, width: 1, values: x.flatMap { [3 * $0 - 1, -2 * $0] }, valueWidth: 2)
    let network = try Network<Float>(
      Architecture([.linear(inputs: 1, outputs: 2, hasBias: true)]), seed: seed)
    let trainer = try Trainer(
      network, loss: .meanSquaredError, optimizer: .sgd(momentum: 0, weightDecay: 0),
      batchSize: 32, seed: seed, on: Processor())
    for epoch in 0..<100 {
      #expect(try trainer.begin(epoch: epoch, of: examples) == 7)
      while trainer.step(rate: 0.3) != nil {}
    }
    #expect(try trainer.evaluate(examples).mean < 1e-8)
    let found = network.numbers(at: 0) + network.numbers(at: 1)
    #expect(zip(found, [3, -2, -1, 0]).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  /// Large enough for two threads to share the products, and the 223 207 parameters.
  private func largeRun(threads: Int) throws -> [[UInt32]] {
    let layers: [Layer] = [
      .linear(inputs: 300, outputs: 400, hasBias: true), .layerNorm(width: 400, epsilon: 1e-5),
      .gelu, .dropout(probability: 0.1), .linear(inputs: 400, outputs: 250, hasBias: true), .tanh,
      .linear(inputs: 250, outputs: 7, hasBias: true),
    ]
    let network = try Network<Float>(Architecture(layers), seed: seed)
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 100, seed: seed, clipping: 1,
      on: Processor(threads: threads))
    let examples = try random(250, 300, classes: 7)
    for epoch in 0..<2 {
      try trainer.begin(epoch: epoch, of: examples)
      while trainer.step(rate: 1e-3) != nil {}
    }
    return bytes(network)
  }

  @Test func `the same seed gives the same bytes, at any number of threads`() throws {
    let first = try largeRun(threads: 1)
    for round in 0..<10 {
      #expect(try largeRun(threads: 1) == first, "round \(round)")
      #expect(try largeRun(threads: 2) == first, "round \(round)")
    }
    #expect(try largeRun(threads: 5) == first)
  }

  @Test func `other seeds give other bytes`() throws {
    let a = try Network<Float>(mlp(3, 4, 2), seed: 1)
    let b = try Network<Float>(mlp(3, 4, 2), seed: 2)
    #expect(bytes(a) != bytes(b))
    #expect(bytes(a) == bytes(try Network<Float>(mlp(3, 4, 2), seed: 1)))
  }

  @Test(arguments: [[0], [1], [0, 1], [2], [0, 2], [0, 1, 2, 3]])
  func `frozen parameters keep their bytes, and the others change`(frozen: [Int]) throws {
    let network = try Network<Float>(mlp(6, 8, 3), seed: seed)
    for index in frozen { network.setFrozen(true, at: index) }
    let before = bytes(network)
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 8, seed: seed, on: Processor())
    try trainer.begin(epoch: 0, of: random(40, 6, classes: 3))
    while trainer.step(rate: 0.1) != nil {}
    let after = bytes(network)
    for index in before.indices {
      #expect((before[index] == after[index]) == frozen.contains(index), "parameter \(index)")
    }
  }

  @Test func `a frozen layer's neighbours learn as if nothing were frozen`() throws {
    func change(frozen: [Int]) throws -> [[UInt32]] {
      let network = try Network<Float>(mlp(6, 8, 3), seed: seed)
      for index in frozen { network.setFrozen(true, at: index) }
      let trainer = try Trainer(
        network, loss: .crossEntropy(weights: nil), batchSize: 40, seed: seed, on: Processor())
      try trainer.begin(epoch: 0, of: random(40, 6, classes: 3))
      _ = trainer.step(rate: 0.1)
      return bytes(network)
    }
    let free = try change(frozen: [])
    #expect(try change(frozen: [0, 1])[2...] == free[2...])
    #expect(try change(frozen: [2, 3])[..<2] == free[..<2])
  }

  @Test func `a loss that is no number is told, and changes nothing`() throws {
    let network = try Network<Float>(mlp(2, 4, 2), seed: seed)
    let before = bytes(network)
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 2, seed: seed, on: Processor())
    try trainer.begin(
      epoch: 0, of: Examples(features: [.nan, 1, 1, 2], width: 2, classes: [0, 1]))
    let step = trainer.step(rate: 0.1)
    #expect(step?.isFinite == false)
    #expect(step?.loss.mean.isNaN == true)
    #expect(bytes(network) == before)
    #expect(trainer.step(rate: 0.1) == nil)
  }

  @Test func `a rate that is too high ends in a loss that is told`() throws {
    let network = try Network<Float>(mlp(2, 4, 1), seed: seed)
    let trainer = try Trainer(
      network, loss: .meanSquaredError, optimizer: .sgd(momentum: 0, weightDecay: 0), batchSize: 4,
      seed: seed, on: Processor())
    let examples = try Examples<Float>(
      features: [1, 2, 3, 4, 5, 6, 7, 8], width: 2, values: [1, 2, 3, 4], valueWidth: 1)
    var isFinite = true
    for epoch in 0..<100 where isFinite {
      try trainer.begin(epoch: epoch, of: examples)
      while let step = trainer.step(rate: 1e6) { isFinite = isFinite && step.isFinite }
    }
    #expect(!isFinite)
  }

  @Test func `a gradient longer than the bound is shortened to it`() throws {
    func run(clipping: Double?) throws -> (norm: Double, change: Double) {
      let network = try Network<Float>(mlp(6, 8, 3), seed: seed)
      let before = network.architecture.parameters.indices.flatMap(network.numbers(at:))
      let trainer = try Trainer(
        network, loss: .crossEntropy(weights: nil), optimizer: .sgd(momentum: 0, weightDecay: 0),
        batchSize: 40, seed: seed, clipping: clipping, on: Processor())
      try trainer.begin(epoch: 0, of: random(40, 6, classes: 3))
      let norm = trainer.step(rate: 1)?.gradientNorm ?? .nan
      let after = network.architecture.parameters.indices.flatMap(network.numbers(at:))
      let squares = zip(before, after).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      return (norm, squares.squareRoot())
    }
    let free = try run(clipping: nil)
    #expect(abs(free.change / free.norm - 1) < 1e-4)
    let clipped = try run(clipping: 0.01)
    #expect(abs(clipped.norm / free.norm - 1) < 1e-6)
    #expect(abs(clipped.change / 0.01 - 1) < 1e-3)
    #expect(try abs(run(clipping: 100).change / free.change - 1) < 1e-6)
  }

  @Test func `a snapshot brings every byte back`() throws {
    let network = try Network<Float>(mlp(6, 8, 3), seed: seed)
    let before = bytes(network)
    var snapshot = network.snapshot()
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 8, seed: seed, on: Processor())
    try trainer.begin(epoch: 0, of: random(40, 6, classes: 3))
    while trainer.step(rate: 0.1) != nil {}
    let after = bytes(network)
    let best = network.snapshot()
    network.restore(snapshot)
    #expect(bytes(network) == before)
    network.restore(best)
    network.save(to: &snapshot)
    network.restore(snapshot)
    #expect(bytes(network) == after)
  }

  @Test(arguments: [1, 2, 63, 64, 65, 200])
  func `the outputs of a row do not depend on how many there are`(rows: Int) throws {
    let network = try Network<Float>(mlp(10, 20, 3), seed: seed)
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 64, seed: seed, on: Processor())
    let all = try random(200, 10, classes: 3)
    var generator = SeededGenerator(seed: seed)
    let features = (0..<200 * 10).map { _ in Float.random(in: -1...1, using: &generator) }
    let some = try Examples(features: Array(features[..<(rows * 10)]), width: 10)
    #expect(some.count == rows)
    #expect(try trainer.outputs(of: some) == Array(trainer.outputs(of: all)[..<(rows * 3)]))
  }
}

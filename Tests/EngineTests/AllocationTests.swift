import CAllocations
import Engine
import Support
import Testing

@Suite struct AllocationTests {
  private func allocations(_ body: () -> Void) -> Int64? {
    let before = allocations_of_this_thread()
    body()
    return before < 0 ? nil : allocations_of_this_thread() - before
  }

  @Test func `allocations are counted`() {
    var kept: [[Int]] = []
    kept.reserveCapacity(10)
    let count = allocations { for n in 1...10 { kept.append([Int](repeating: n, count: 100)) } }
    #expect(count == nil || count == 10)
    #expect(kept.count == 10)
  }

  @Test(arguments: [1, 2], [Loss.crossEntropy(weights: [1, 2, 3]), .meanSquaredError])
  func `a thousand steps allocate nothing on the thread that asks for them`(
    threads: Int, loss: Loss
  ) throws {
    // More than 200 000 parameters, so that two threads share the optimiser's work.
    let layers: [Layer] = [
      .linear(inputs: 300, outputs: 600, hasBias: true), .relu,
      .linear(inputs: 600, outputs: 40, hasBias: true), .layerNorm(width: 40, epsilon: 1e-5),
      .gelu, .dropout(probability: 0.1), .linear(inputs: 40, outputs: 20, hasBias: true), .tanh,
      .linear(inputs: 20, outputs: 3, hasBias: true),
    ]
    var random = SeededGenerator(seed: 1)
    let rows = 1100
    let features = (0..<rows * 300).map { _ in Float.random(in: -1...1, using: &random) }
    let examples =
      loss == .meanSquaredError
      ? try Examples(
        features: features, width: 300, values: Array(features[..<(3 * rows)]), valueWidth: 3)
      : try Examples(features: features, width: 300, classes: (0..<rows).map { Int32($0 % 3) })
    for optimizer in [Optimizer.adamW, .sgd(momentum: 0.9, weightDecay: 0)] {
      let network = try Network<Float>(Architecture(layers), seed: 1)
      let trainer = try Trainer(
        network, loss: loss, optimizer: optimizer, batchSize: 1, seed: 1, clipping: 1,
        on: Processor(threads: threads))
      try trainer.begin(epoch: 0, of: examples)
      for _ in 0..<50 { _ = trainer.step(rate: 1e-3) }  // metadata is made at first use
      var steps = 0
      let count = allocations {
        while steps < 1000, trainer.step(rate: 1e-3) != nil { steps += 1 }
      }
      #expect(steps == 1000)
      #expect(count == nil || count == 0, "\(optimizer)")
    }
  }
}

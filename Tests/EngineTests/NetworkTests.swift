import Engine
import Testing

@Suite struct NetworkTests {
  private func refusal(_ body: () throws -> Void) -> EngineError? {
    do {
      try body()
      return nil
    } catch {
      return error as? EngineError
    }
  }

  @Test func `parameters have PyTorch's names and shapes`() throws {
    let architecture = try Architecture([
      .linear(inputs: 3, outputs: 5, hasBias: true), .relu, .dropout(probability: 0.5),
      .layerNorm(width: 5, epsilon: 1e-5), .linear(inputs: 5, outputs: 2, hasBias: false),
    ])
    #expect(
      architecture.parameters.map(\.name)
        == ["0.weight", "0.bias", "3.weight", "3.bias", "4.weight"])
    #expect(architecture.parameters.map(\.shape) == [[5, 3], [5], [5], [5], [2, 5]])
    #expect(architecture.inputs == 3 && architecture.outputs == 2)
    #expect(try architecture.index(of: "3.bias") == 3)
    #expect(refusal { _ = try architecture.index(of: "1.weight") } == .parameter("1.weight"))
  }

  @Test func `layers that do not fit are refused with their place`() {
    func refused(_ layers: [Layer]) -> EngineError? {
      refusal { _ = try Architecture(layers) }
    }
    let linear = Layer.linear(inputs: 3, outputs: 5, hasBias: true)
    #expect(refused([]) == .noWidth)
    #expect(refused([.relu, .tanh]) == .noWidth)
    #expect(refused([linear, .relu, linear]) == .width(place: "layer 2", expected: 5, found: 3))
    #expect(
      refused([linear, .layerNorm(width: 4, epsilon: 1e-5)])
        == .width(place: "layer 1", expected: 5, found: 4))
    #expect(
      refused([.linear(inputs: 0, outputs: 1, hasBias: true)]) == .value(name: "width", value: 0))
    #expect(
      refused([.linear(inputs: 1 << 20, outputs: 1 << 20, hasBias: true)])
        == .value(name: "parameters", value: 0x1p40))
    #expect(
      refused([linear, .dropout(probability: 1)]) == .value(name: "dropout", value: 1))
    #expect(
      refused([.layerNorm(width: 4, epsilon: -1)]) == .value(name: "epsilon", value: -1))
  }

  @Test func `the first numbers are even between the bounds of PyTorch`() throws {
    let layers: [Layer] = [
      .linear(inputs: 400, outputs: 100, hasBias: true), .layerNorm(width: 100, epsilon: 1e-5),
    ]
    let network = try Network<Float>(Architecture(layers), seed: 9)
    let weights = network.numbers(at: 0).map(Double.init)
    #expect(weights.allSatisfy { abs($0) <= 0.05 })
    #expect(weights.contains { $0 > 0.0499 } && weights.contains { $0 < -0.0499 })
    let count = Double(weights.count)
    #expect(abs(weights.reduce(0, +) / count) < 4 * 0.05 / (3 * count).squareRoot())
    let variance = weights.reduce(0) { $0 + $1 * $1 } / count
    #expect(abs(variance / (0.05 * 0.05 / 3) - 1) < 0.02)
    #expect(network.numbers(at: 1).allSatisfy { abs($0) <= 0.05 })
    #expect(network.numbers(at: 2) == [Float](repeating: 1, count: 100))
    #expect(network.numbers(at: 3) == [Float](repeating: 0, count: 100))
  }

  @Test func `a new head leaves the numbers of the layers before as they are`() throws {
    func body(_ classes: Int) throws -> [Float] {
      let architecture = try Architecture([
        .linear(inputs: 3, outputs: 5, hasBias: true), .relu,
        .linear(inputs: 5, outputs: classes, hasBias: true),
      ])
      return Network(architecture, seed: 4).numbers(at: 0)
    }
    #expect(try body(2) == body(9))
  }

  @Test func `random words are SplitMix64's`() {
    var source = RandomSource(seed: 0)
    #expect(source.next() == 0xe220_a839_7b1d_cdaf)
    #expect(source.next() == 0x6e78_9e6a_a1b9_65f4)
    #expect(source.next() == 0x06c4_5d18_8009_454f)
    var counts = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { counts[Int(source.next(below: 7))] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
  }

  @Test func `numbers of another count are refused with the name`() throws {
    let network = try Network<Float>(
      Architecture([.linear(inputs: 3, outputs: 2, hasBias: true)]), seed: 1)
    #expect(
      refusal { try network.setNumbers([1, 2, 3], at: 1) }
        == .width(place: "0.bias", expected: 2, found: 3))
  }

  @Test func `examples that do not fit are refused`() throws {
    #expect(refusal { _ = try Examples<Float>(features: [], width: 3) } == .noRows)
    #expect(
      refusal { _ = try Examples<Float>(features: [1, 2, 3, 4], width: 3) }
        == .width(place: "features", expected: 3, found: 4))
    #expect(
      refusal { _ = try Examples<Float>(features: [1, 2], width: 2, classes: [1, 1]) }
        == .width(place: "labels", expected: 1, found: 2))
    #expect(
      refusal { _ = try Examples<Float>(features: [1, 2], width: 1, classes: [1, -1]) }
        == .label(row: 1, label: -1, classes: 0))
    #expect(
      refusal {
        _ = try Examples<Float>(features: [1, 2], width: 1, values: [1], valueWidth: 1)
      } == .width(place: "values", expected: 2, found: 1))
  }

  @Test func `examples for another network are refused`() throws {
    let network = try Network<Float>(
      Architecture([.linear(inputs: 2, outputs: 2, hasBias: true)]), seed: 1)
    let trainer = try Trainer(
      network, loss: .crossEntropy(weights: nil), batchSize: 4, seed: 1, on: Processor())
    let wide = try Examples<Float>(features: [1, 2, 3], width: 3, classes: [0])
    let width = EngineError.width(place: "features", expected: 2, found: 3)
    #expect(refusal { try trainer.begin(epoch: 0, of: wide) } == width)
    #expect(refusal { _ = try trainer.evaluate(wide) } == width)
    #expect(refusal { _ = try trainer.outputs(of: wide) } == width)
    let strange = try Examples<Float>(features: [1, 2, 3, 4], width: 2, classes: [0, 2])
    #expect(
      refusal { try trainer.begin(epoch: 0, of: strange) } == .label(row: 1, label: 2, classes: 2))
    let bare = try Examples<Float>(features: [1, 2], width: 2)
    #expect(refusal { _ = try trainer.evaluate(bare) } == .targets)
    #expect(trainer.step(rate: 1) == nil)
  }

  @Test func `impossible settings of a trainer are refused by name`() throws {
    let network = try Network<Float>(
      Architecture([.linear(inputs: 2, outputs: 2, hasBias: true)]), seed: 1)
    func refused(_ loss: Loss, batchSize: Int = 1, clipping: Double? = nil) -> EngineError? {
      refusal {
        _ = try Trainer(
          network, loss: loss, batchSize: batchSize, seed: 1, clipping: clipping, on: Processor())
      }
    }
    let plain = Loss.crossEntropy(weights: nil)
    #expect(refused(plain, batchSize: 0) == .value(name: "batchSize", value: 0))
    #expect(refused(plain, clipping: 0) == .value(name: "clipping", value: 0))
    #expect(
      refused(.crossEntropy(weights: [1])) == .width(place: "weights", expected: 2, found: 1))
    #expect(refused(.crossEntropy(weights: [1, 0])) == .value(name: "weight", value: 0))
    #expect(refusal { _ = try Processor(threads: 0) } == .value(name: "threads", value: 0))
    #expect(refusal { _ = try Processor(level: 3) } == .level(3))
  }
}

import Engine
import Foundation
import Storage
import Support

/// A network of one hidden layer, and the rows that it is trained on.
private struct Shape {
  let inputs, hidden, outputs: Int

  static let all = [
    Shape(inputs: 64, hidden: 128, outputs: 10), Shape(inputs: 768, hidden: 512, outputs: 30),
  ]
  static let batch = 64
  static let rows = 6400

  var name: String { "\(inputs)-\(hidden)-\(outputs)" }
}

/// Bar: training at twice the samples a second of scikit-learn and 1.2 times those of PyTorch on one
/// thread, in whole steps of AdamW; products beside OpenBLAS's.
func benchmarkEngine() throws {
  let python = try EnginePeers.python()
  for shape in Shape.all {
    for threads in 1...2 {
      var rates = try samplesPerSecond(shape, threads: threads)
      let peers = try EnginePeers.measure(
        python, threads: threads,
        [shape.inputs, shape.hidden, shape.outputs, Shape.batch, Shape.rows])
      rates += try samplesPerSecond(shape, threads: threads)
      let rate = Timing(seconds: rates).median
      let torch = peers["torch"]?.double ?? .nan
      let scikit = peers["sklearn"]?.double ?? .nan
      report(
        "engine",
        [
          "shape": .string(shape.name), "threads": .integer(Int64(threads)),
          "level": .string(try Processor().level),
          "samplesPerSecond": rounded(rate), "worstSamplesPerSecond": rounded(rates.min() ?? .nan),
          "torchSamplesPerSecond": rounded(torch), "sklearnSamplesPerSecond": rounded(scikit),
          "timesTorch": rounded(rate / torch), "timesSklearn": rounded(rate / scikit),
          "barTimesTorch": .number(1.2), "barTimesSklearn": 2,
        ])
      try reportProducts(shape, threads: threads, peers)
    }
  }
}

private func reportProducts(_ shape: Shape, threads: Int, _ peers: JSON) throws {
  let processor = try Processor(threads: threads)
  let forward = gigaflops(
    m: shape.hidden, n: Shape.batch, k: shape.inputs, isTransposed: false, on: processor)
  let gradient = gigaflops(
    m: shape.hidden, n: shape.inputs, k: Shape.batch, isTransposed: true, on: processor)
  let peerForward = peers["forward"]?.double ?? .nan
  let peerGradient = peers["gradient"]?.double ?? .nan
  report(
    "engine products",
    [
      "shape": .string(shape.name), "threads": .integer(Int64(threads)),
      "forwardGigaflops": rounded(forward), "gradientGigaflops": rounded(gradient),
      "openblasForwardGigaflops": rounded(peerForward),
      "openblasGradientGigaflops": rounded(peerGradient),
      "openblasKernel": peers["kernel"] ?? .null,
      "timesForward": rounded(forward / peerForward),
      "timesGradient": rounded(gradient / peerGradient),
    ])
}

/// The rates of several rounds of whole epochs.
private func samplesPerSecond(_ shape: Shape, threads: Int) throws -> [Double] {
  var random = SeededGenerator(seed: 1)
  let examples = try Examples(
    features: (0..<Shape.rows * shape.inputs).map { _ in Float.random(in: -1...1, using: &random) },
    width: shape.inputs,
    classes: (0..<Shape.rows).map { _ in
      Int32.random(in: 0..<Int32(shape.outputs), using: &random)
    })
  let network = try Network<Float>(
    Architecture([
      .linear(inputs: shape.inputs, outputs: shape.hidden, hasBias: true), .relu,
      .linear(inputs: shape.hidden, outputs: shape.outputs, hasBias: true),
    ]), seed: 1)
  let trainer = try Trainer(
    network, loss: .crossEntropy(weights: nil), batchSize: Shape.batch, seed: 1,
    on: Processor(threads: threads))
  var epoch = 0
  func run() throws {
    try trainer.begin(epoch: epoch, of: examples)
    epoch += 1
    while trainer.step(rate: 1e-3) != nil {}
  }
  let one = try Timing.measure(rounds: 1, run).best
  let epochs = max(1, Int(0.3 / one))
  let timing = try Timing.measure(rounds: 7) { for _ in 0..<epochs { try run() } }
  return timing.seconds.map { Double(Shape.rows * epochs) / $0 }
}

private func gigaflops(m: Int, n: Int, k: Int, isTransposed: Bool, on processor: Processor)
  -> Double
{
  var random = SeededGenerator(seed: 1)
  func numbers(_ count: Int) -> UnsafeMutablePointer<Float> {
    let start = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
    for place in 0..<count { start[place] = Float.random(in: -1...1, using: &random) }
    return start
  }
  let (a, b, c) = (numbers(m * k), numbers(k * n), numbers(m * n))
  defer { for start in [a, b, c] { start.deallocate() } }
  let product = Product(
    m: m, n: n, k: k, a: a, aRow: k, aStep: 1, b: b, bRow: isTransposed ? k : n,
    isTransposed: isTransposed, c: c, cRow: n)
  let operations = 2.0 * Double(m * n * k)
  let count = max(1, Int(2e9 / operations))
  let timing = Timing.measure(rounds: 9) {
    for _ in 0..<count { Float.multiply(product, on: processor) }
  }
  return operations * Double(count) / timing.median / 1e9
}

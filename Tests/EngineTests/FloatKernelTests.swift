import CKernels
import Engine
import Foundation
import Support
import Testing

/// Every kernel of every level against Double arithmetic written here.
@Suite struct FloatKernelTests {
  static let levels = 0..<3
  private let seed: UInt64 = 5

  private func kernels(_ level: Int) -> ckernels_floats? {
    ckernels_floats_at(Int32(level))?.pointee
  }

  private func floats(
    _ count: Int, _ bound: Float = 1, _ generator: inout SeededGenerator
  ) -> [Float] {
    (0..<count).map { _ in Float.random(in: -bound...bound, using: &generator) }
  }

  /// The greatest distance in units of the tolerance.
  private func excess(_ found: [Float], _ expected: [Double], _ tolerance: (Int) -> Double)
    -> Double
  {
    found.indices.map { abs(Double(found[$0]) - expected[$0]) / tolerance($0) }.max() ?? 0
  }

  private struct Shape {
    let m, n, k: Int
    let aIsTransposed, bIsTransposed: Bool
  }

  /// c and what it may be off by: 2·k·ε·Σ|a·b|, with the bias among the summands.
  private func productTwin(_ a: [Float], _ b: [Float], _ bias: [Float]?, _ shape: Shape)
    -> (c: [Double], sizes: [Double])
  {
    var c: [Double] = []
    var sizes: [Double] = []
    for i in 0..<shape.m {
      for j in 0..<shape.n {
        var sum = Double(bias?[i] ?? 0)
        var size = abs(sum)
        for p in 0..<shape.k {
          let x = Double(shape.aIsTransposed ? a[p * shape.m + i] : a[i * shape.k + p])
          let y = Double(shape.bIsTransposed ? b[j * shape.k + p] : b[p * shape.n + j])
          sum += x * y
          size += abs(x * y)
        }
        c.append(sum)
        sizes.append(size)
      }
    }
    return (c, sizes)
  }

  private func product(
    _ kernels: ckernels_floats, _ a: [Float], _ b: [Float], _ bias: [Float]?, _ shape: Shape,
    isRectified: Bool
  ) -> [Float] {
    var c = [Float](repeating: .nan, count: shape.m * shape.n)
    var packed = [Float](repeating: .nan, count: Int(CKERNELS_PACKED_COUNT))
    func run(_ bias: UnsafePointer<Float>?) {
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          c.withUnsafeMutableBufferPointer { c in
            guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else {
              return
            }
            var matrices = ckernels_matrices(
              m: shape.m, n: shape.n, k: shape.k, a: a,
              a_row: shape.aIsTransposed ? 1 : shape.k, a_step: shape.aIsTransposed ? shape.m : 1,
              b: b, b_row: shape.bIsTransposed ? shape.k : shape.n,
              b_transposed: shape.bIsTransposed ? 1 : 0, c: c, c_row: shape.n, bias: bias,
              rectified: isRectified ? 1 : 0)
            kernels.product(&matrices, &packed)
          }
        }
      }
    }
    if let bias { bias.withUnsafeBufferPointer { run($0.baseAddress) } } else { run(nil) }
    return c
  }

  @Test(arguments: levels)
  func `products of any shape and form are as near as their rounding`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    var generator = SeededGenerator(seed: seed)
    let sizes = [1, 2, 3, 5, 7, 12, 13, 15, 16, 17, 31, 32, 33, 48, 63, 65, 100]
    func size() -> Int { sizes[Int.random(in: sizes.indices, using: &generator)] }
    var shapes: [(Int, Int, Int)] = (0..<120).map { _ in (size(), size(), size()) }
    shapes += [(3, 5, 1100), (13, 300, 513), (25, 33, 512), (5, 700, 600), (64, 10, 128)]
    for (m, n, k) in shapes {
      let shape = Shape(
        m: m, n: n, k: k, aIsTransposed: .random(using: &generator),
        bIsTransposed: .random(using: &generator))
      let a = floats(m * k, 1, &generator)
      let b = floats(k * n, 1, &generator)
      let bias = Bool.random(using: &generator) ? floats(m, 1, &generator) : nil
      let isRectified = Bool.random(using: &generator)
      let (c, sizes) = productTwin(a, b, bias, shape)
      let found = product(kernels, a, b, bias, shape, isRectified: isRectified)
      let expected = isRectified ? c.map { max(0, $0) } : c
      let error = excess(found, expected) { 2 * Double(k) * 0x1p-24 * sizes[$0] }
      #expect(error < 1, "\(shape), seed \(seed)")
      #expect(!found.contains { $0.isNaN })
    }
  }

  @Test(arguments: levels)
  func `an element's bytes do not depend on where it lies`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    var generator = SeededGenerator(seed: seed)
    let (m, n, k) = (29, 77, 700)
    let a = floats(m * k, 1, &generator)
    let b = floats(n * k, 1, &generator)
    func shape(_ m: Int, _ n: Int) -> Shape {
      Shape(m: m, n: n, k: k, aIsTransposed: false, bIsTransposed: true)
    }
    let whole = product(kernels, a, b, nil, shape(m, n), isRectified: false)
    for (i, j) in [(0, 0), (5, 40), (11, 31), (28, 76), (12, 64)] {
      let row = Array(a[i * k..<(i + 1) * k])
      let column = Array(b[j * k..<(j + 1) * k])
      let alone = product(kernels, row, column, nil, shape(1, 1), isRectified: false)
      #expect(alone == [whole[i * n + j]], "(\(i), \(j))")
    }
  }

  @Test(arguments: levels)
  func `gathering turns rows into columns`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    var generator = SeededGenerator(seed: seed)
    for (count, features) in [(1, 1), (3, 5), (16, 16), (17, 33), (40, 7), (64, 64)] {
      let rows = floats(50 * features, 1, &generator)
      let indices = (0..<count).map { _ in Int32.random(in: 0..<50, using: &generator) }
      let stride = (count + 15) / 16 * 16
      var out = [Float](repeating: .nan, count: features * stride)
      kernels.gather(rows, features, indices, count, &out, stride)
      for f in 0..<features {
        for i in 0..<count where out[f * stride + i] != rows[Int(indices[i]) * features + f] {
          Issue.record("row \(i), feature \(f) of \(count) × \(features)")
        }
      }
      var sums = [Float](repeating: .nan, count: features)
      kernels.row_sums(out, features, count, stride, &sums)
      let expected = (0..<features).map { f in
        (0..<count).reduce(0.0) { $0 + Double(out[f * stride + $1]) }
      }
      #expect(excess(sums, expected) { _ in 2 * Double(count * count) * 0x1p-24 } < 1)
    }
  }

  @Test(arguments: levels)
  func `activations and their derivatives are near libm's`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    let x = (0..<32768).map { Float($0 - 16384) / 1024 }  // −16 … 16
    var y = [Float](repeating: .nan, count: x.count)
    func density(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }
    func below(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    kernels.relu(x, x.count, &y)
    #expect(y == x.map { max($0, 0) })
    kernels.tanh(x, x.count, &y)
    let tanhs = x.map { Foundation.tanh(Double($0)) }
    #expect(excess(y, tanhs) { 3 * 0x1p-23 * max(abs(tanhs[$0]), 1e-30) } < 1)
    kernels.gelu(x, x.count, &y)
    let gelus = x.map { Double($0) * below(Double($0)) }
    #expect(excess(y, gelus) { 4e-7 * max(abs(Double(x[$0])), 1) } < 1)
    var g = [Float](repeating: 2, count: x.count)
    kernels.gelu_gradient(x, x.count, &g)
    let slopes = x.map { 2 * (below(Double($0)) + Double($0) * density(Double($0))) }
    #expect(excess(g, slopes) { _ in 2e-6 } < 1)
    g = [Float](repeating: 2, count: x.count)
    kernels.tanh(x, x.count, &y)
    kernels.tanh_gradient(y, x.count, &g)
    #expect(excess(g, tanhs.map { 2 * (1 - $0 * $0) }) { _ in 1e-6 } < 1)
    g = [Float](repeating: 2, count: x.count)
    kernels.relu(x, x.count, &y)
    kernels.relu_gradient(y, x.count, &g)
    #expect(g == x.map { $0 > 0 ? 2 : 0 })
  }

  @Test(arguments: levels)
  func `what is not a number stays none`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    let x = [Float](repeating: .nan, count: 16)
    var y = [Float](repeating: 0, count: 16)
    for function in [kernels.relu, kernels.gelu, kernels.tanh] {
      function(x, 16, &y)
      #expect(y.allSatisfy { $0.isNaN })
    }
    var loss = ckernels_loss()
    for bad in [Float.nan, .infinity] {
      let logits = [Float](repeating: 1, count: 32) + [Float](repeating: bad, count: 16)
      kernels.softmax(logits, 3, 16, [0, 1, 2], 3, nil, nil, &loss)
      #expect(loss.loss.isNaN)
    }
  }

  @Test(arguments: levels)
  func `softmax cross-entropy and its gradient are right for any logits`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    var generator = SeededGenerator(seed: seed)
    for (classes, count, bound) in [(1, 3, 1), (2, 1, 5), (10, 64, 3), (30, 37, 80), (7, 16, 500)] {
      let stride = (count + 15) / 16 * 16
      let logits = floats(classes * stride, Float(bound), &generator)
      let labels = (0..<count).map { _ in Int32.random(in: 0..<Int32(classes), using: &generator) }
      let weights = floats(classes, 1, &generator).map { abs($0) + 0.1 }
      var loss = ckernels_loss()
      var g = [Float](repeating: .nan, count: logits.count)
      kernels.softmax(logits, classes, stride, labels, count, weights, &g, &loss)
      let twin = SoftmaxTwin(
        logits: logits, classes: classes, stride: stride, labels: labels, weights: weights)
      #expect(abs(loss.loss - twin.loss) < 2e-6 * (twin.loss + Double(count) * Double(bound)))
      #expect(abs(loss.weight - twin.weight) < 1e-6 * twin.weight)
      #expect(Int(loss.correct) == twin.correct)
      let found = (0..<classes).flatMap { c in g[c * stride..<c * stride + count] }
      #expect(excess(found, twin.gradient) { _ in 1e-6 / Double(count) * 8 } < 1, "seed \(seed)")
    }
  }

  @Test(arguments: levels)
  func `updates and sums of squares agree with Double`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    var generator = SeededGenerator(seed: seed)
    for count in [1, 7, 16, 33, 1023, 1024, 1025, 5000] {
      let p = floats(count, 1, &generator)
      let g = floats(count, 1, &generator)
      let m = floats(count, 1, &generator)
      let v = floats(count, 1, &generator).map { abs($0) + 0.01 }
      let squares = g.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(abs(kernels.squares(g, count) - squares) < 1e-5 * squares)
      var (p1, m1, v1) = (p, m, v)
      var step = ckernels_adamw_step(
        gradient_scale: 0.5, decay: 0.99, rest1: 0.1, beta2: 0.999, rest2: 0.001, rate: 0.01,
        correction: 1.5, epsilon: 1e-8)
      #expect(abs(kernels.adamw(&step, count, &p1, g, &m1, &v1) - squares) < 1e-5 * squares)
      let first = p.indices.map { Double(m[$0]) * 0.9 + 0.05 * Double(g[$0]) }
      let second = p.indices.map { Double(v[$0]) * 0.999 + 0.00025 * Double(g[$0]) * Double(g[$0]) }
      let after = p.indices.map {
        Double(p[$0]) * 0.99 - 0.01 * first[$0] / (second[$0].squareRoot() * 1.5 + 1e-8)
      }
      #expect(excess(m1, first) { _ in 4e-7 } < 1)
      #expect(excess(v1, second) { _ in 4e-7 } < 1)
      #expect(excess(p1, after) { _ in 4e-7 } < 1)
      (p1, m1) = (p, m)
      var descent = ckernels_sgd_step(gradient_scale: 0.5, decay: 0.1, momentum: 0.9, rate: 0.2)
      #expect(abs(kernels.sgd(&descent, count, &p1, g, &m1) - squares) < 1e-5 * squares)
      let velocity = p.indices.map {
        0.9 * Double(m[$0]) + 0.5 * Double(g[$0]) + 0.1 * Double(p[$0])
      }
      #expect(excess(m1, velocity) { _ in 4e-7 } < 1)
      #expect(excess(p1, p.indices.map { Double(p[$0]) - 0.2 * velocity[$0] }) { _ in 4e-7 } < 1)
    }
  }

  @Test(arguments: levels)
  func `dropout drops what the random words say, at every level the same`(level: Int) throws {
    guard let kernels = kernels(level) else { return }
    let x = [Float](repeating: 3, count: 16000)
    var y = [Float](repeating: .nan, count: x.count)
    kernels.dropout(99, 0, 1 << 30, 2, x, x.count, &y)
    var source = RandomSource(seed: 99)
    #expect(y == x.map { _ in source.next() >> 62 == 0 ? 0 : 6 })
    #expect(abs(y.count { $0 == 0 } - 4000) < 200)
  }
}

/// Softmax cross-entropy from its formula.
private struct SoftmaxTwin {
  var loss = 0.0
  var weight = 0.0
  var correct = 0
  var gradient: [Double] = []

  init(logits: [Float], classes: Int, stride: Int, labels: [Int32], weights: [Float]) {
    let count = labels.count
    weight = labels.reduce(0) { $0 + Double(weights[Int($1)]) }
    gradient = [Double](repeating: 0, count: classes * count)
    for (i, label) in labels.enumerated() {
      let z = (0..<classes).map { Double(logits[$0 * stride + i]) }
      let greatest = z.max() ?? 0
      let sum = z.reduce(0) { $0 + exp($1 - greatest) }
      let own = Double(weights[Int(label)])
      loss += own * (log(sum) + greatest - z[Int(label)])
      correct += z.firstIndex(of: greatest) == Int(label) ? 1 : 0
      for c in 0..<classes {
        let probability = exp(z[c] - greatest) / sum
        gradient[c * count + i] = own / weight * (probability - (c == Int(label) ? 1 : 0))
      }
    }
  }
}

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Double is plain Swift: slow, exact enough to check derivatives, and what the kernels must equal.
extension Double: Scalar {
  /// Each sum from its first summand on.
  package static func multiply(_ product: Product<Double>, on processor: Processor) {
    let p = product
    for i in 0..<p.m {
      for j in 0..<p.n {
        var sum = p.bias.map { $0[i] } ?? 0
        for q in 0..<p.k {
          let b = p.isTransposed ? p.b[j * p.bRow + q] : p.b[q * p.bRow + j]
          sum += p.a[i * p.aRow + q * p.aStep] * b
        }
        p.c[i * p.cRow + j] = p.isRectified && sum < 0 ? 0 : sum
      }
    }
  }

  /// Number by number.
  package static func gather(
    _ rows: Source, features: Int, indices: UnsafePointer<Int32>, count: Int, to out: Target,
    stride: Int, on processor: Processor
  ) {
    for i in 0..<count {
      for f in 0..<features { out[f * stride + i] = rows[Int(indices[i]) * features + f] }
    }
  }

  /// Row by row.
  package static func sumRows(
    _ x: Source, rows: Int, count: Int, stride: Int, to sums: Target, on processor: Processor
  ) {
    for row in 0..<rows {
      sums[row] = 0
      for i in 0..<count { sums[row] += x[row * stride + i] }
    }
  }

  /// By libm.
  package static func apply(
    _ activation: Activation, _ x: Source, count: Int, to y: Target, on processor: Processor
  ) {
    for i in 0..<count {
      switch activation {
      case .relu: y[i] = x[i] < 0 ? 0 : x[i]
      case .gelu: y[i] = x[i] * normalDistribution(x[i])
      case .tanh: y[i] = tanh(x[i])
      }
    }
  }

  /// By the formulas of the derivatives.
  package static func applyGradient(
    _ activation: Activation, x: Source, y: Source, count: Int, to g: Target,
    on processor: Processor
  ) {
    for i in 0..<count {
      switch activation {
      case .relu: g[i] = y[i] > 0 ? g[i] : 0
      case .gelu:
        let density = exp(-x[i] * x[i] / 2) / (2 * pi).squareRoot()
        g[i] *= normalDistribution(x[i]) + x[i] * density
      case .tanh: g[i] *= 1 - y[i] * y[i]
      }
    }
  }

  private static func normalDistribution(_ x: Double) -> Double {
    0.5 * (1 + erf(x / 2.squareRoot()))
  }

  /// Word by word, the same words as in Float.
  package static func dropout(
    key: UInt64, probability: Double, _ x: Source, count: Int, to y: Target,
    on processor: Processor
  ) {
    var source = RandomSource(seed: key)
    let threshold = dropoutThreshold(probability)
    for i in 0..<count {
      let isKept = UInt32(source.next() >> 32) >= threshold
      y[i] = isKept ? x[i] / (1 - probability) : 0
    }
  }

  /// By the formulas of `Optimizer`, one after another.
  package static func visit(
    _ state: OptimizerState<Double>, _ update: Update, on processor: Processor
  ) {
    for (index, block) in state.blocks.enumerated() {
      state.squares[index] = 0
      for place in block.start..<block.start + block.count {
        state.squares[index] += state.gradients[place] * state.gradients[place]
        step(state, update, at: place)
      }
    }
  }

  private static func step(_ state: OptimizerState<Double>, _ update: Update, at i: Int) {
    let (p, m, v) = (state.parameters, state.first, state.second)
    switch update {
    case .measure: break
    case .sgd(let gradientScale, let decay, let momentum, let rate):
      m[i] = momentum * m[i] + (state.gradients[i] * gradientScale + decay * p[i])
      p[i] -= rate * m[i]
    case .adamW(
      let gradientScale, let decay, let beta1, let beta2, let rate, let correction, let epsilon):
      let gradient = state.gradients[i] * gradientScale
      m[i] = beta1 * m[i] + (1 - beta1) * gradient
      v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient
      p[i] = p[i] * decay - rate * m[i] / (v[i].squareRoot() * correction + epsilon)
    }
  }
}

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Double {
  /// Example by example.
  package static func normalize(
    _ normalization: Normalization<Double>, _ x: Source, to y: Target, on processor: Processor
  ) {
    let n = normalization
    let features = Double(n.features)
    for i in 0..<n.count {
      let places = (0..<n.features).lazy.map { $0 * n.stride + i }
      let mean = places.reduce(0) { $0 + x[$1] } / features
      let variance = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / features
      let scale = 1 / (variance + n.epsilon).squareRoot()
      n.moments[i] = mean
      n.moments[n.stride + i] = scale
      for f in 0..<n.features {
        let at = f * n.stride + i
        y[at] = (x[at] - mean) * scale * n.gain[f] + n.shift[f]
      }
    }
  }

  /// Example by example.
  package static func normalizeGradient(
    _ normalization: Normalization<Double>, x: Source, gainGradient: Target?,
    shiftGradient: Target?, to g: Target, on processor: Processor
  ) {
    let n = normalization
    gainGradient?.update(repeating: 0, count: n.features)
    shiftGradient?.update(repeating: 0, count: n.features)
    for i in 0..<n.count {
      let mean = n.moments[i]
      let scale = n.moments[n.stride + i]
      func normal(_ f: Int) -> Double { (x[f * n.stride + i] - mean) * scale }
      var sum = 0.0
      var sumOfProducts = 0.0
      for f in 0..<n.features {
        let gradient = g[f * n.stride + i]
        gainGradient?[f] += gradient * normal(f)
        shiftGradient?[f] += gradient
        sum += gradient * n.gain[f]
        sumOfProducts += gradient * n.gain[f] * normal(f)
      }
      let count = Double(n.features)
      for f in 0..<n.features {
        let at = f * n.stride + i
        g[at] = scale * (g[at] * n.gain[f] - sum / count - normal(f) * sumOfProducts / count)
      }
    }
  }

  /// Example by example.
  package static func softmax(
    _ outputs: Batch<Double>, labels: UnsafePointer<Int32>, weights: Source?,
    gradient g: Target?, on processor: Processor
  ) -> LossSums {
    let z = outputs.start
    var sums = LossSums()
    for i in 0..<outputs.count { sums.weight += weights?[Int(labels[i])] ?? 1 }
    for i in 0..<outputs.count {
      let label = Int(labels[i])
      let weight = weights?[label] ?? 1
      var best = 0
      for c in 1..<max(outputs.rows, 1)
      where z[c * outputs.stride + i] > z[best * outputs.stride + i] { best = c }
      let greatest = z[best * outputs.stride + i]
      var sum = 0.0
      for c in 0..<outputs.rows { sum += exp(z[c * outputs.stride + i] - greatest) }
      sums.loss += weight * (log(sum) + greatest - z[label * outputs.stride + i])
      sums.correct += best == label ? 1 : 0
      guard let g else { continue }
      for c in 0..<outputs.rows {
        let at = c * outputs.stride + i
        let probability = exp(z[at] - greatest) / sum
        g[at] = (probability - (c == label ? 1 : 0)) * weight / sums.weight
      }
    }
    return sums
  }

  /// Row by row.
  package static func squaredError(
    _ outputs: Batch<Double>, values: Source, gradient g: Target?, on processor: Processor
  ) -> LossSums {
    var sums = LossSums()
    sums.weight = Double(outputs.rows * outputs.count)
    for row in 0..<outputs.rows {
      for i in 0..<outputs.count {
        let at = row * outputs.stride + i
        let difference = outputs.start[at] - values[at]
        sums.loss += difference * difference
        g?[at] = 2 * difference / sums.weight
      }
    }
    return sums
  }
}

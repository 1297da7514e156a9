import Engine
import Support
import Testing

/// Float's layer normalisation and squared error beside Double's, at every level.
@Suite struct LayerKernelTests {
  private let seed: UInt64 = 8

  private struct Results: Equatable {
    var y: [Double] = []
    var gain: [Double] = []
    var shift: [Double] = []
    var x: [Double] = []
  }

  /// y, and the gradients of gain, shift and x, of the first `count` examples.
  private func normalized<S: Scalar>(
    _ numbers: [Float], features: Int, count: Int, _: S.Type, on processor: Processor
  ) -> Results {
    let stride = (count + 15) / 16 * 16
    let size = features * stride
    let x = numbers[..<size].map { S($0) }
    let gain = numbers[..<features].map { 1 + S($0) }
    let shift = numbers.suffix(features).map { S($0) }
    var g = numbers.suffix(size).map { S($0) }
    var y = [S](repeating: 0, count: size)
    var moments = [S](repeating: 0, count: 2 * stride)
    var gainGradient = [S](repeating: 0, count: features)
    var shiftGradient = gainGradient
    gain.withUnsafeBufferPointer { gain in
      shift.withUnsafeBufferPointer { shift in
        moments.withUnsafeMutableBufferPointer { moments in
          guard let gain = gain.baseAddress, let shift = shift.baseAddress,
            let moments = moments.baseAddress
          else { return }
          let normalization = Normalization(
            features: features, stride: stride, count: count, gain: gain, shift: shift,
            epsilon: 1e-5, moments: moments)
          S.normalize(normalization, x, to: &y, on: processor)
          S.normalizeGradient(
            normalization, x: x, gainGradient: &gainGradient, shiftGradient: &shiftGradient,
            to: &g, on: processor)
        }
      }
    }
    func examples(_ values: [S]) -> [Double] {
      (0..<features).flatMap { f in (0..<count).map { Double(values[f * stride + $0]) } }
    }
    return Results(
      y: examples(y), gain: gainGradient.map { Double($0) },
      shift: shiftGradient.map { Double($0) },
      x: examples(g))
  }

  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    let size = b.reduce(1) { max($0, abs($1)) }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / size
  }

  @Test(arguments: 0..<3)
  func `layer normalisation and its gradients are near Double's`(level: Int) throws {
    guard level < Processor.levels.count else { return }
    let processor = try Processor(level: level)
    var generator = SeededGenerator(seed: seed)
    for (features, count) in [(2, 1), (7, 5), (33, 16), (512, 64), (100, 37)] {
      let numbers = (0..<features * 64).map { _ in Float.random(in: -2...2, using: &generator) }
      let found = normalized(
        numbers, features: features, count: count, Float.self, on: processor)
      let expected = normalized(
        numbers, features: features, count: count, Double.self, on: processor)
      #expect(distance(found.y, expected.y) < 1e-5, "\(features) × \(count), seed \(seed)")
      #expect(distance(found.gain, expected.gain) < 1e-5, "\(features) × \(count), seed \(seed)")
      #expect(distance(found.shift, expected.shift) < 1e-5, "\(features) × \(count), seed \(seed)")
      #expect(distance(found.x, expected.x) < 1e-5, "\(features) × \(count), seed \(seed)")
    }
  }

  @Test(arguments: 0..<3)
  func `squared error and its gradient are near Double's`(level: Int) throws {
    guard level < Processor.levels.count else { return }
    let processor = try Processor(level: level)
    var generator = SeededGenerator(seed: seed)
    for (rows, count) in [(1, 1), (3, 17), (8, 64)] {
      let stride = (count + 15) / 16 * 16
      let y = (0..<rows * stride).map { _ in Float.random(in: -2...2, using: &generator) }
      let t = (0..<rows * stride).map { _ in Float.random(in: -2...2, using: &generator) }
      func error<S: Scalar>(_: S.Type) -> (LossSums, [Double]) {
        var g = [S](repeating: 0, count: y.count)
        let sums = y.map { S($0) }.withUnsafeBufferPointer { outputs -> LossSums in
          guard let start = outputs.baseAddress else { return LossSums() }
          return S.squaredError(
            Batch(start: start, rows: rows, stride: stride, count: count), values: t.map { S($0) },
            gradient: &g, on: processor)
        }
        return (sums, g.map { Double($0) })
      }
      let found = error(Float.self)
      let expected = error(Double.self)
      #expect(abs(found.0.mean / expected.0.mean - 1) < 1e-6, "\(rows) × \(count), seed \(seed)")
      #expect(distance(found.1, expected.1) < 1e-6, "\(rows) × \(count), seed \(seed)")
    }
  }
}

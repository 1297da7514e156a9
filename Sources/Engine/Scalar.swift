/// A kind of number that networks are computed in: Float for use, Double for checks of derivatives.
///
/// A batch is kept feature by feature: rows of `stride` numbers, one for each example; strides are
/// multiples of 16. What lies in a row after the last example is never read into a result.
/// Pointers hold what the counts say; nothing is checked here.
package protocol Scalar: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  /// Writable numbers.
  typealias Target = UnsafeMutablePointer<Self>
  /// Numbers to read.
  typealias Source = UnsafePointer<Self>

  /// c = a · b + bias.
  static func multiply(_ product: Product<Self>, on processor: Processor)

  /// out[f · stride + i] = rows[indices[i] · features + f].
  static func gather(
    _ rows: Source, features: Int, indices: UnsafePointer<Int32>, count: Int, to out: Target,
    stride: Int, on processor: Processor)

  /// The sums of the first `count` of each row.
  static func sumRows(
    _ x: Source, rows: Int, count: Int, stride: Int, to sums: Target, on processor: Processor)

  /// y = f(x) of `count` numbers, a multiple of 16.
  static func apply(
    _ activation: Activation, _ x: Source, count: Int, to y: Target, on processor: Processor)

  /// g ← g · f′ where f took x to y.
  static func applyGradient(
    _ activation: Activation, x: Source, y: Source, count: Int, to g: Target,
    on processor: Processor)

  /// y = x / (1 − probability), or 0 where the random word of the key at that place is low.
  static func dropout(
    key: UInt64, probability: Double, _ x: Source, count: Int, to y: Target,
    on processor: Processor)

  /// Layer normalisation of each example; mean and 1 / deviation go to two rows of `moments`.
  static func normalize(
    _ normalization: Normalization<Self>, _ x: Source, to y: Target, on processor: Processor)

  /// Replaces the gradient of y in g by that of x; nil parameters' gradients are not computed.
  static func normalizeGradient(
    _ normalization: Normalization<Self>, x: Source, gainGradient: Target?,
    shiftGradient: Target?, to g: Target, on processor: Processor)

  /// Softmax cross-entropy of the outputs, and its gradient unless g is nil.
  static func softmax(
    _ outputs: Batch<Self>, labels: UnsafePointer<Int32>, weights: Source?, gradient g: Target?,
    on processor: Processor
  ) -> LossSums

  /// The sum of squared errors, and the gradient of its mean unless g is nil.
  static func squaredError(
    _ outputs: Batch<Self>, values: Source, gradient g: Target?, on processor: Processor
  ) -> LossSums

  /// One step of an optimiser on all blocks; sums the squares of their gradients as given.
  static func visit(_ state: OptimizerState<Self>, _ update: Update, on processor: Processor)
}

/// Functions of single numbers.
package enum Activation: Sendable {
  /// max(0, x).
  case relu
  /// x · Φ(x).
  case gelu
  /// The hyperbolic tangent.
  case tanh
}

/// c = a · b + bias: m × n, sums of length k.
package struct Product<Element: Scalar> {
  /// Rows of c, columns of c, length of the sums.
  package var m, n, k: Int
  /// Element (i, p) is a[i · aRow + p · aStep].
  package var a: UnsafePointer<Element>
  /// The distances in a; one of them is 1.
  package var aRow, aStep: Int
  /// Element (p, j) is b[p · bRow + j], or b[j · bRow + p] if transposed.
  package var b: UnsafePointer<Element>
  /// The distance of b's rows as they lie in memory.
  package var bRow: Int
  /// Whether b lies column by column.
  package var isTransposed: Bool
  /// Element (i, j) is c[i · cRow + j].
  package var c: UnsafeMutablePointer<Element>
  /// The distance of c's rows.
  package var cRow: Int
  /// One number a row of c, the first summand.
  package var bias: UnsafePointer<Element>?
  /// Whether max(0, ·) is stored.
  package var isRectified: Bool

  /// Takes the matrices; nothing is checked.
  package init(
    m: Int, n: Int, k: Int, a: UnsafePointer<Element>, aRow: Int, aStep: Int,
    b: UnsafePointer<Element>, bRow: Int, isTransposed: Bool = false,
    c: UnsafeMutablePointer<Element>, cRow: Int, bias: UnsafePointer<Element>? = nil,
    isRectified: Bool = false
  ) {
    (self.m, self.n, self.k) = (m, n, k)
    (self.a, self.aRow, self.aStep) = (a, aRow, aStep)
    (self.b, self.bRow, self.isTransposed) = (b, bRow, isTransposed)
    (self.c, self.cRow) = (c, cRow)
    (self.bias, self.isRectified) = (bias, isRectified)
  }
}

/// Outputs of a batch: `rows` of `stride` numbers, of which `count` are examples.
package struct Batch<Element: Scalar> {
  /// The numbers.
  package var start: UnsafePointer<Element>
  /// Rows, the distance between them, examples.
  package var rows, stride, count: Int

  /// Takes what is given.
  package init(start: UnsafePointer<Element>, rows: Int, stride: Int, count: Int) {
    self.start = start
    (self.rows, self.stride, self.count) = (rows, stride, count)
  }
}

/// The sizes and parameters of one layer normalisation.
package struct Normalization<Element: Scalar> {
  /// Rows, the distance between them, examples.
  package var features, stride, count: Int
  /// One factor a feature.
  package var gain: UnsafePointer<Element>
  /// One summand a feature.
  package var shift: UnsafePointer<Element>
  /// What is added to the variance.
  package var epsilon: Double
  /// Two rows of `stride`: the means, and 1 / √(variance + epsilon).
  package var moments: UnsafeMutablePointer<Element>

  /// Takes what is given.
  package init(
    features: Int, stride: Int, count: Int, gain: UnsafePointer<Element>,
    shift: UnsafePointer<Element>, epsilon: Double, moments: UnsafeMutablePointer<Element>
  ) {
    (self.features, self.stride, self.count) = (features, stride, count)
    (self.gain, self.shift) = (gain, shift)
    (self.epsilon, self.moments) = (epsilon, moments)
  }
}

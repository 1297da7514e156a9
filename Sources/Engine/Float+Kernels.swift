import CKernels

/// Float runs on the kernels in C.
extension Float: Scalar {
  /// In squares of a vector's width, transposed in registers.
  package static func gather(
    _ rows: Source, features: Int, indices: UnsafePointer<Int32>, count: Int, to out: Target,
    stride: Int, on processor: Processor
  ) {
    processor.kernels.gather(rows, features, indices, count, out, stride)
  }

  /// In as many running sums as a vector has numbers.
  package static func sumRows(
    _ x: Source, rows: Int, count: Int, stride: Int, to sums: Target, on processor: Processor
  ) {
    processor.kernels.row_sums(x, rows, count, stride, sums)
  }

  /// By polynomials; the kernels say how near.
  package static func apply(
    _ activation: Activation, _ x: Source, count: Int, to y: Target, on processor: Processor
  ) {
    switch activation {
    case .relu: processor.kernels.relu(x, count, y)
    case .gelu: processor.kernels.gelu(x, count, y)
    case .tanh: processor.kernels.tanh(x, count, y)
    }
  }

  /// By the same polynomials.
  package static func applyGradient(
    _ activation: Activation, x: Source, y: Source, count: Int, to g: Target,
    on processor: Processor
  ) {
    switch activation {
    case .relu: processor.kernels.relu_gradient(y, count, g)
    case .gelu: processor.kernels.gelu_gradient(x, count, g)
    case .tanh: processor.kernels.tanh_gradient(y, count, g)
    }
  }

  /// The words of the key from its first on.
  package static func dropout(
    key: UInt64, probability: Double, _ x: Source, count: Int, to y: Target,
    on processor: Processor
  ) {
    processor.kernels.dropout(
      key, 0, dropoutThreshold(probability), Float(1 / (1 - probability)), x, count, y)
  }

  /// Many examples at a time, with sums in Double.
  package static func normalize(
    _ normalization: Normalization<Float>, _ x: Source, to y: Target, on processor: Processor
  ) {
    let n = normalization
    processor.kernels.normalize(
      x, n.features, n.stride, n.gain, n.shift, Float(n.epsilon), n.moments, y)
  }

  /// Many examples at a time, with sums over the features in Double.
  package static func normalizeGradient(
    _ normalization: Normalization<Float>, x: Source, gainGradient: Target?,
    shiftGradient: Target?, to g: Target, on processor: Processor
  ) {
    let n = normalization
    processor.kernels.normalize_gradient(
      x, n.features, n.count, n.stride, n.gain, n.moments, gainGradient, shiftGradient, g)
  }

  /// Many examples at a time; the losses are added up in Double.
  package static func softmax(
    _ outputs: Batch<Float>, labels: UnsafePointer<Int32>, weights: Source?,
    gradient g: Target?, on processor: Processor
  ) -> LossSums {
    var loss = ckernels_loss()
    processor.kernels.softmax(
      outputs.start, outputs.rows, outputs.stride, labels, outputs.count, weights, g, &loss)
    var sums = LossSums()
    sums.loss = loss.loss
    sums.weight = loss.weight
    sums.correct = Int(loss.correct)
    return sums
  }

  /// The squares are added up in Double.
  package static func squaredError(
    _ outputs: Batch<Float>, values: Source, gradient g: Target?, on processor: Processor
  ) -> LossSums {
    var sums = LossSums()
    sums.weight = Double(outputs.rows * outputs.count)
    sums.loss = processor.kernels.squared_error(
      outputs.start, values, outputs.rows, outputs.stride, outputs.count,
      Float(2 / sums.weight), g)
    return sums
  }
}

/// The upper halves of random words below this are dropped.
func dropoutThreshold(_ probability: Double) -> UInt32 {
  UInt32(min(probability * 0x1p32, 0x1p32 - 1))
}

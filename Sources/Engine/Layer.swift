/// One layer of a network, as PyTorch's module of the same name computes it.
package enum Layer: Sendable, Equatable {
  /// y = W x + b: weight of shape [outputs, inputs], bias of shape [outputs] if it has one.
  case linear(inputs: Int, outputs: Int, hasBias: Bool)
  /// max(0, x).
  case relu
  /// x · Φ(x) with the exact distribution function of the normal distribution.
  case gelu
  /// The hyperbolic tangent.
  case tanh
  /// While training, zero with this probability, else x / (1 − probability).
  case dropout(probability: Double)
  /// (x − mean) / √(variance + epsilon) · weight + bias over the features, both of shape [width].
  case layerNorm(width: Int, epsilon: Double)

  /// How many numbers go in, nil for as many as there are.
  var inputs: Int? {
    switch self {
    case .linear(let inputs, _, _): inputs
    case .layerNorm(let width, _): width
    default: nil
    }
  }

  /// How many numbers come out, nil for as many as went in.
  var outputs: Int? {
    switch self {
    case .linear(_, let outputs, _): outputs
    case .layerNorm(let width, _): width
    default: nil
    }
  }

  /// The layer's own parameters by their PyTorch names.
  var parameters: [(name: String, shape: [Int])] {
    switch self {
    case .linear(let inputs, let outputs, let hasBias):
      [("weight", [outputs, inputs])] + (hasBias ? [("bias", [outputs])] : [])
    case .layerNorm(let width, _): [("weight", [width]), ("bias", [width])]
    default: []
    }
  }

  func check() throws(EngineError) {
    let widths = [inputs, outputs].compactMap { $0 }
    for width in widths where width < 1 || width > Architecture.widthMax {
      throw .value(name: "width", value: Double(width))
    }
    if case .dropout(let probability) = self, !(probability >= 0 && probability < 1) {
      throw .value(name: "dropout", value: probability)
    }
    if case .layerNorm(_, let epsilon) = self, !(epsilon >= 0 && epsilon < 1) {
      throw .value(name: "epsilon", value: epsilon)
    }
  }
}

/// One batch's way through a network and back; all memory is taken when it is made.
final class Pass<Element: Scalar> {
  /// What is computed for a layer, or for a linear layer and the ReLU after it.
  struct Operation {
    enum Kind {
      case linear(weight: Int, bias: Int?, isRectified: Bool)
      case activation(Activation)
      case dropout(probability: Double)
      case layerNorm(weight: Int, bias: Int, epsilon: Double, moments: Buffer<Element>)
    }

    let kind: Kind
    let inputs: Int
    let outputs: Int
    let output: Buffer<Element>
  }

  let network: Network<Element>
  let processor: Processor
  /// The most examples at once.
  let capacity: Int
  /// The examples of the batch at work, and the distance of rows for it.
  private(set) var count = 0
  private(set) var stride = 0
  let input: Buffer<Element>
  let operations: [Operation]
  /// Of all parameters, at their places.
  let gradients: Buffer<Element>
  private(set) var gradient: Buffer<Element>
  private var otherGradient: Buffer<Element>
  /// The first operation with a parameter that is trained; nothing flows back below it.
  private let lowest: Int?

  init(_ network: Network<Element>, capacity: Int, on processor: Processor) {
    let architecture = network.architecture
    let room = paddedCount(capacity)
    self.network = network
    self.processor = processor
    self.capacity = capacity
    operations = Self.operations(of: architecture, room: room)
    input = Buffer(count: architecture.inputs * room)
    gradients = Buffer(count: network.values.count)
    let widest = operations.reduce(architecture.inputs) { max($0, $1.outputs) }
    gradient = Buffer(count: widest * room)
    otherGradient = Buffer(count: widest * room)
    lowest = operations.firstIndex { operation in
      switch operation.kind {
      case .linear(let weight, let bias, _):
        !network.isFrozen[weight] || bias.map { !network.isFrozen[$0] } ?? false
      case .layerNorm(let weight, let bias, _, _):
        !network.isFrozen[weight] || !network.isFrozen[bias]
      default: false
      }
    }
  }

  private static func operations(of architecture: Architecture, room: Int) -> [Operation] {
    var operations: [Operation] = []
    var width = architecture.inputs
    for (index, layer) in architecture.layers.enumerated() {
      let parameters = architecture.parameters.indices.filter {
        architecture.parameters[$0].layer == index
      }
      let kind: Operation.Kind
      switch layer {
      case .linear:
        let next = index + 1 < architecture.layers.count ? architecture.layers[index + 1] : nil
        kind = .linear(
          weight: parameters[0], bias: parameters.count > 1 ? parameters[1] : nil,
          isRectified: next == .relu)
      case .relu:
        if case .linear? = operations.last?.kind { continue }
        kind = .activation(.relu)
      case .gelu: kind = .activation(.gelu)
      case .tanh: kind = .activation(.tanh)
      case .dropout(let probability): kind = .dropout(probability: probability)
      case .layerNorm(_, let epsilon):
        kind = .layerNorm(
          weight: parameters[0], bias: parameters[1], epsilon: epsilon,
          moments: Buffer(count: 2 * room))
      }
      let outputs = layer.outputs ?? width
      operations.append(
        Operation(
          kind: kind, inputs: width, outputs: outputs, output: Buffer(count: outputs * room)))
      width = outputs
    }
    return operations
  }

  /// Starts a batch of at most `capacity` examples, which are then put into `input`.
  func begin(count: Int) {
    self.count = count
    stride = paddedCount(count)
  }

  /// What came out last.
  var outputs: Batch<Element> {
    Batch(
      start: UnsafePointer(operations.last?.output.start ?? input.start),
      rows: network.architecture.outputs, stride: stride, count: count)
  }

  private func values(_ parameter: Int) -> UnsafeMutablePointer<Element> {
    network.values.start + network.architecture.parameters[parameter].start
  }

  private func gradient(of parameter: Int) -> UnsafeMutablePointer<Element>? {
    network.isFrozen[parameter]
      ? nil : gradients.start + network.architecture.parameters[parameter].start
  }

  private func normalization(
    _ operation: Operation, weight: Int, bias: Int, epsilon: Double, moments: Buffer<Element>
  ) -> Normalization<Element> {
    Normalization(
      features: operation.outputs, stride: stride, count: count, gain: values(weight),
      shift: values(bias), epsilon: epsilon, moments: moments.start)
  }

  /// Takes the examples through all layers; drops out if there is a source.
  func forward(dropout: RandomSource?) {
    var x = UnsafePointer(input.start)
    for (index, operation) in operations.enumerated() {
      let y = operation.output.start
      let size = operation.outputs * stride
      switch operation.kind {
      case .linear(let weight, let bias, let isRectified):
        let product = Product(
          m: operation.outputs, n: stride, k: operation.inputs,
          a: values(weight), aRow: operation.inputs, aStep: 1, b: x, bRow: stride, c: y,
          cRow: stride, bias: bias.map { UnsafePointer(values($0)) }, isRectified: isRectified)
        Element.multiply(product, on: processor)
      case .activation(let activation):
        Element.apply(activation, x, count: size, to: y, on: processor)
      case .dropout(let probability):
        if let dropout {
          Element.dropout(
            key: dropout.split(UInt64(index)).key, probability: probability, x, count: size,
            to: y, on: processor)
        } else {
          y.update(from: x, count: size)
        }
      case .layerNorm(let weight, let bias, let epsilon, let moments):
        let normalization = normalization(
          operation, weight: weight, bias: bias, epsilon: epsilon, moments: moments)
        Element.normalize(normalization, x, to: y, on: processor)
      }
      x = UnsafePointer(y)
    }
  }

  /// Takes the gradient of the outputs back to that of every parameter that is trained.
  func backward(dropout: RandomSource?) {
    guard let lowest else { return }
    for index in (lowest..<operations.count).reversed() {
      let operation = operations[index]
      let x = UnsafePointer(index > 0 ? operations[index - 1].output.start : input.start)
      let y = UnsafePointer(operation.output.start)
      let g = gradient.start
      let size = operation.outputs * stride
      switch operation.kind {
      case .linear(let weight, let bias, let isRectified):
        if isRectified {
          Element.applyGradient(.relu, x: x, y: y, count: size, to: g, on: processor)
        }
        linearBackward(operation, weight: weight, bias: bias, x: x)
        if index > lowest { inputGradient(operation, weight: weight) }
      case .activation(let activation):
        Element.applyGradient(activation, x: x, y: y, count: size, to: g, on: processor)
      case .dropout(let probability):
        guard let dropout else { continue }
        Element.dropout(
          key: dropout.split(UInt64(index)).key, probability: probability, g, count: size,
          to: g, on: processor)
      case .layerNorm(let weight, let bias, let epsilon, let moments):
        let normalization = normalization(
          operation, weight: weight, bias: bias, epsilon: epsilon, moments: moments)
        Element.normalizeGradient(
          normalization, x: x, gainGradient: gradient(of: weight),
          shiftGradient: gradient(of: bias), to: g, on: processor)
      }
    }
  }

  private func linearBackward(
    _ operation: Operation, weight: Int, bias: Int?, x: UnsafePointer<Element>
  ) {
    if let bias, let sums = gradient(of: bias) {
      Element.sumRows(
        gradient.start, rows: operation.outputs, count: count, stride: stride, to: sums,
        on: processor)
    }
    guard let weightGradient = gradient(of: weight) else { return }
    let product = Product(
      m: operation.outputs, n: operation.inputs, k: count, a: gradient.start, aRow: stride,
      aStep: 1, b: x, bRow: stride, isTransposed: true, c: weightGradient,
      cRow: operation.inputs)
    Element.multiply(product, on: processor)
  }

  private func inputGradient(_ operation: Operation, weight: Int) {
    let product = Product(
      m: operation.inputs, n: stride, k: operation.outputs, a: values(weight),
      aRow: 1, aStep: operation.inputs, b: gradient.start, bRow: stride, c: otherGradient.start,
      cRow: stride)
    Element.multiply(product, on: processor)
    swap(&gradient, &otherGradient)
  }
}

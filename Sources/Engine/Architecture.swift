/// The layers of a network in order, whose widths fit: what torch.nn.Sequential is made from.
package struct Architecture: Sendable, Equatable {
  /// The widest layer.
  package static let widthMax = 1 << 20
  /// The most numbers in all parameters.
  package static let parameterCountMax = 1 << 30

  /// The layers, first to last.
  package let layers: [Layer]
  /// How many features an example has.
  package let inputs: Int
  /// How many numbers come out: the classes, or the values to predict.
  package let outputs: Int
  /// Every parameter in the order of the layers.
  package let parameters: [Parameter]

  /// Checks that each layer fits the one before.
  ///
  /// - Parameter layers: First to last; at least one has a width.
  /// - Throws: `noWidth`, `width` or `value`.
  package init(_ layers: [Layer]) throws(EngineError) {
    guard let inputs = layers.lazy.compactMap(\.inputs).first else { throw .noWidth }
    var width = inputs
    var parameters: [Parameter] = []
    var end = 0
    for (index, layer) in layers.enumerated() {
      try layer.check()
      if let expected = layer.inputs, expected != width {
        throw .width(place: "layer \(index)", expected: width, found: expected)
      }
      width = layer.outputs ?? width
      for (name, shape) in layer.parameters {
        let parameter = Parameter(name: "\(index).\(name)", shape: shape, layer: index, start: end)
        end += parameter.room
        guard end <= Self.parameterCountMax else {
          throw .value(name: "parameters", value: Double(end))
        }
        parameters.append(parameter)
      }
    }
    self.layers = layers
    self.inputs = inputs
    outputs = width
    self.parameters = parameters
  }

  /// About how many bytes training in 32 bits takes.
  ///
  /// - Parameter batchSize: Rows a step.
  /// - Returns: The room for parameters, gradients, two moments and the best parameters, and for
  ///   what each layer makes of a batch.
  package func trainingBytes(batchSize: Int) -> Int {
    let count = parameters.last.map { $0.start + $0.room } ?? 0
    let rows = max(batchSize, Trainer<Float>.evaluationBatch)
    var (width, sum, widest) = (inputs, inputs, inputs)
    for layer in layers {
      width = layer.outputs ?? width
      sum += width
      widest = max(widest, width)
    }
    return 4 * (5 * count + (sum + 2 * widest) * rows)
  }

  /// The parameter of a name such as `0.weight`.
  ///
  /// - Throws: `parameter` if there is none.
  package func index(of name: String) throws(EngineError) -> Int {
    guard let index = parameters.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) })
    else { throw .parameter(name) }
    return index
  }
}

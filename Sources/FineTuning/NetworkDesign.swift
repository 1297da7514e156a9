import Datasets
import Engine
import Storage
import Weights

/// The network that a run trains: the base's or a new one, with the head that its rows need.
struct NetworkDesign {
  private(set) var config: ModelConfig
  private(set) var architecture: Architecture
  /// The parameters of the last linear layer.
  private(set) var head: Range<Int>
  /// Why the head of a base is made new; nil where it stays or there is no base.
  private(set) var headNote: String?
  private(set) var isFrozen: [Bool]

  private let base: BaseModel?

  init(
    _ given: Hyperparameters, _ base: BaseModel?, _ data: TrainingData,
    _ loss: Hyperparameters.Loss
  ) throws(RegistryError) {
    self.base = base
    let outputs = data.labels?.count ?? 1
    if let base {
      try Self.checkBase(given, base)
      try data.check(
        features: base.config.features, width: base.architecture.inputs, of: base.reference)
      config = base.config
      headNote = Self.headNote(base, data, outputs: outputs)
      config.layers = try Self.layers(of: base, outputs: outputs, dropout: given.dropout)
    } else {
      config = ModelConfig(
        layers: Self.layers(given, inputs: data.training.columnCount, outputs: outputs))
      config.standardisation = given.standardize ? Standardisation(data.training) : nil
    }
    config.labels = data.labels
    config.features = data.training.columns
    config.loss = loss
    let layers = config.layers
    let place = base.map { "config.json of \($0.reference)" } ?? "hidden"
    let architecture = try inPlace(place) { () throws(EngineError) in try Architecture(layers) }
    let last = architecture.parameters.last { !$0.isNorm(in: layers) }?.layer
    let parameters = architecture.parameters.indices.filter {
      architecture.parameters[$0].layer == last
    }
    head = (parameters.first ?? 0)..<((parameters.last ?? -1) + 1)
    isFrozen = architecture.parameters.map { _ in false }
    self.architecture = architecture
  }

  private static func headNote(
    _ base: BaseModel, _ data: TrainingData, outputs: Int
  ) -> String? {
    let hasOutputs = base.architecture.outputs == outputs
    let why: String
    switch (data.labels, base.config.labels) {
    case (let own?, let other?):
      guard own != other || !hasOutputs else { return nil }
      why = "the labels of \(data.training.name) are not those of \(base.reference)"
    case (_?, nil): why = "config.json of \(base.reference) has no id2label"
    case (nil, let other):
      guard other != nil || base.config.loss == .crossEntropy || !hasOutputs else { return nil }
      why = "\(base.reference) predicts no single number"
    }
    return "the head is new, since \(why)"
  }

  /// The layers of a network without a base; dropout is always one of them, so that names of
  /// tensors do not depend on it.
  private static func layers(_ given: Hyperparameters, inputs: Int, outputs: Int) -> [Layer] {
    var layers: [Layer] = []
    var width = inputs
    for next in given.hidden {
      layers.append(.linear(inputs: width, outputs: next, hasBias: true))
      if given.layerNorm {
        layers.append(.layerNorm(width: next, epsilon: ModelConfig.epsilonByDefault))
      }
      switch given.activation {
      case .relu: layers.append(.relu)
      case .gelu: layers.append(.gelu)
      case .tanh: layers.append(.tanh)
      }
      layers.append(.dropout(probability: given.dropout ?? 0))
      width = next
    }
    return layers + [.linear(inputs: width, outputs: outputs, hasBias: true)]
  }

  /// The base's layers with this many outputs.
  private static func layers(
    of base: BaseModel, outputs: Int, dropout: Double?
  ) throws(RegistryError) -> [Layer] {
    var layers = base.config.layers
    let last = layers.lastIndex { if case .linear = $0 { true } else { false } }
    guard let last, case .linear(let inputs, let old, let hasBias) = layers[last] else {
      throw RegistryError(
        .invalidInput, "\(base.reference) has no linear layer, so there is no head to train")
    }
    if old != outputs,
      layers[last...].contains(where: { if case .layerNorm = $0 { true } else { false } })
    {
      throw RegistryError(
        .invalidInput,
        "the head of \(base.reference) cannot get \(outputs) outputs: a layer norm follows it")
    }
    layers[last] = .linear(inputs: inputs, outputs: outputs, hasBias: hasBias)
    guard let dropout else { return layers }
    var hasDropout = false
    for index in layers.indices {
      guard case .dropout = layers[index] else { continue }
      layers[index] = .dropout(probability: dropout)
      hasDropout = true
    }
    guard hasDropout || dropout == 0 else {
      throw RegistryError(
        .invalidInput, "dropout has no effect: \(base.reference) has no dropout layer",
        hint: "weight_decay regularises every network")
    }
    return layers
  }

  private static func checkBase(
    _ given: Hyperparameters, _ base: BaseModel
  ) throws(RegistryError) {
    for key in ["hidden", "activation", "layer_norm", "standardize"]
    where given.given[key] != nil {
      throw RegistryError(
        .invalidInput, "\(key) is the base's: \(base.reference) has its layers and scales already",
        hint: "--scratch trains a new network")
    }
  }

  /// Freezes the tensors that globs match.
  ///
  /// - Throws: `invalidInput` for a tensor of a new head, and when nothing is left to train. That a
  ///   glob matches is checked where the run starts.
  mutating func freeze(_ globs: [String]) throws(RegistryError) {
    guard let base else { return }
    let names = base.tensors.map(\.name)
    for text in globs {
      for index in TensorGlob(text).matches(in: names).sorted() {
        let parameter = architecture.parameters[index]
        if let headNote, head.contains(index) {
          throw RegistryError(
            .invalidInput, "'\(text)' cannot freeze \(parameter.name): \(headNote)",
            hint: "freeze other tensors, such as '0.*'")
        }
        isFrozen[index] = true
      }
    }
    guard isFrozen.contains(false) else {
      throw RegistryError(
        .invalidInput, "every tensor of \(base.reference) is frozen, so nothing is left to train")
    }
  }
}

extension Engine.Parameter {
  fileprivate func isNorm(in layers: [Layer]) -> Bool {
    if case .layerNorm = layers[layer] { true } else { false }
  }
}

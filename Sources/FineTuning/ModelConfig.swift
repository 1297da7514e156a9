package import Datasets
package import Engine
package import Storage

/// What `config.json` of a network says: its layers, its classes, and what it does to features.
///
/// On disk: `{"architecture": "mlp", "layers": [{"linear": [64, 128]}, "relu", {"dropout": 0.1},
/// {"layer_norm": 128}, {"linear": [128, 10]}], "id2label": {…}, "label2id": {…}, "features": […],
/// "standardisation": {"means": […], "scales": […]}, "loss": "cross_entropy"}`. A linear layer may
/// add `"bias": false`, a layer norm `"eps": 1e-5`. Other keys are left alone.
package struct ModelConfig: Sendable {
  /// First to last, as the modules of a `torch.nn.Sequential`.
  package var layers: [Layer]
  /// The classes; nil where numbers are predicted, or nothing is said.
  package var labels: LabelMap?
  /// The names of the features; empty where they have none.
  package var features: [String] = []
  /// What features go through first; nil takes them as they are.
  package var standardisation: Standardisation?
  /// What the network was trained for; nil where nothing is said.
  package var loss: Hyperparameters.Loss?

  /// The architecture's name on disk.
  package static let architectureName = "mlp"

  static let epsilonByDefault = 1e-5  // PyTorch's

  /// A network of these layers.
  package init(layers: [Layer]) {
    self.layers = layers
  }

  /// Reads what `json` wrote, or what a person wrote after its pattern.
  ///
  /// - Parameters:
  ///   - json: The whole of `config.json`, whose architecture is `mlp`.
  ///   - place: Where it stands, for sentences.
  /// - Throws: `invalidInput` naming what is wrong.
  package init(_ json: JSON, of place: String) throws(RegistryError) {
    func fault(_ what: String) -> RegistryError {
      RegistryError(.invalidInput, "\(place): \(what)")
    }
    guard let list = json["layers"]?.array else { throw fault("it has no list 'layers'") }
    var layers: [Layer] = []
    for (index, layer) in list.enumerated() {
      guard let layer = Layer(layer) else {
        let shown = Excerpt(layer.string ?? layer.text())
        throw fault("layer \(index), \(shown), is none that the built-in trainer knows")
      }
      layers.append(layer)
    }
    self.layers = layers
    do throws(RegistryError) {
      if let map = Self.member("id2label", of: json) { labels = try LabelMap(id2label: map) }
      if let scales = Self.member("standardisation", of: json) {
        standardisation = try Standardisation(json: scales)
      }
    } catch {
      throw fault(error.message)
    }
    features = (json["features"]?.array ?? []).compactMap(\.string)
    if let name = Self.member("loss", of: json) {
      guard let loss = name.string.flatMap(Hyperparameters.Loss.init) else {
        let shown = Excerpt(name.string ?? name.text())
        throw fault("the loss \(shown) is neither cross_entropy nor mse")
      }
      self.loss = loss
    }
  }

  /// The member, unless it is null.
  private static func member(_ key: String, of json: JSON) -> JSON? {
    json[key].flatMap { $0 == .null ? nil : $0 }
  }

  /// The content of `config.json`: a member a line.
  package var text: String {
    let members = json.members ?? []
    let lines = members.map { "  " + JSON.string($0.key).text() + ": " + $0.value.text() }
    return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
  }

  /// The whole of `config.json`.
  package var json: JSON {
    var members: [JSON.Member] = [
      .init("architecture", .string(Self.architectureName)),
      .init("layers", .array(layers.map(\.json))),
    ]
    if let labels {
      members += [.init("id2label", labels.id2label), .init("label2id", labels.label2id)]
    }
    members += [
      .init("features", .array(features.map(JSON.string))),
      .init("standardisation", standardisation?.json ?? .null),
      .init("loss", JSON(loss?.rawValue)),
    ]
    return .object(members)
  }
}

extension Layer {
  /// Reads a layer of `config.json`; nil for one that is not known.
  fileprivate init?(_ json: JSON) {
    switch json.string {
    case "relu": self = .relu
    case "gelu": self = .gelu
    case "tanh": self = .tanh
    case .some: return nil
    case nil:
      func keys(_ known: String...) -> Bool {
        json.members?.allSatisfy { member in
          known.contains { $0.utf8.elementsEqual(member.key.utf8) }
        } ?? false
      }
      if let widths = json["linear"]?.array?.map(\.integer), keys("linear", "bias") {
        guard widths.count == 2, let inputs = widths[0].flatMap({ Int(exactly: $0) }),
          let outputs = widths[1].flatMap({ Int(exactly: $0) })
        else { return nil }
        switch json["bias"] ?? true {
        case .bool(let hasBias):
          self = .linear(inputs: inputs, outputs: outputs, hasBias: hasBias)
        default: return nil
        }
      } else if let probability = json["dropout"]?.double, keys("dropout") {
        self = .dropout(probability: probability)
      } else if let width = json["layer_norm"]?.integer.flatMap({ Int(exactly: $0) }),
        keys("layer_norm", "eps")
      {
        let epsilon = json["eps"] ?? .number(ModelConfig.epsilonByDefault)
        guard let epsilon = epsilon.double else { return nil }
        self = .layerNorm(width: width, epsilon: epsilon)
      } else {
        return nil
      }
    }
  }

  fileprivate var json: JSON {
    switch self {
    case .relu: return "relu"
    case .gelu: return "gelu"
    case .tanh: return "tanh"
    case .dropout(let probability): return ["dropout": .number(probability)]
    case .linear(let inputs, let outputs, let hasBias):
      let widths = JSON.Member("linear", .array([JSON(inputs), JSON(outputs)]))
      return .object(hasBias ? [widths] : [widths, JSON.Member("bias", false)])
    case .layerNorm(let width, let epsilon):
      let member = JSON.Member("layer_norm", JSON(width))
      let isUsual = epsilon == ModelConfig.epsilonByDefault
      return .object(isUsual ? [member] : [member, JSON.Member("eps", .number(epsilon))])
    }
  }
}

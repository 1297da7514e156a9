extension Hyperparameters.Key {
  private typealias Numbers = ClosedRange<Double>

  /// Every key, in the order in which help shows them.
  package static let all: [Hyperparameters.Key] = training + rates + regularisation + network

  private static let training = [
    whole("epochs", 1...1_000_000, "30", "times through the rows") { $0.epochs = $1 },
    whole("batch_size", 1...65536, "32", "rows a step") { $0.batchSize = $1 },
    choice("loss", "cross_entropy, or as the base", "what is made small") { $0.loss = $1 },
    choice("class_weights", "none", "balanced: classes count alike") { $0.classWeights = $1 },
    whole("patience", 0...1_000_000, "10", "epochs without improvement before it stops; 0: never") {
      $0.patience = $1
    },
    number("min_delta", 0...1e30, "0", "how much counts as an improvement") { $0.minDelta = $1 },
  ]

  private static let rates = [
    number("lr", 1e-12...1e6, "0.001; sgd 0.01", "the learning rate") { $0.rate = $1 },
    choice("optimizer", "adamw", "how parameters change") { $0.optimizer = $1 },
    number("momentum", 0...0.999999, "0.9", "of sgd") { $0.momentum = $1 },
    choice("schedule", "constant", "how the learning rate falls") { $0.schedule = $1 },
    number("warmup", 0...1e9, "0", "steps of the warm-up; below 1 the part of all steps") {
      $0.warmup = $1
    },
    whole("step_every", 1...1_000_000, "10", "epochs between steps of schedule=step") {
      $0.stepEvery = $1
    },
    number("step_factor", 1e-6...1, "0.1", "what a step multiplies the rate by") {
      $0.stepFactor = $1
    },
    whole("plateau_patience", 0...1_000_000, "3", "epochs that schedule=plateau waits") {
      $0.plateauPatience = $1
    },
    number("plateau_factor", 1e-6...1, "0.1", "what it multiplies the rate by") {
      $0.plateauFactor = $1
    },
  ]

  private static let regularisation = [
    number("weight_decay", 0...1e6, "0.01; sgd 0", "decay of the weights") { $0.decay = $1 },
    number("dropout", 0...0.99, "0, or as the base", "part of the activations that is dropped") {
      $0.dropout = $1
    },
    number("clip", 0...1e30, "0", "the greatest length of a gradient; 0: any") { $0.clip = $1 },
  ]

  private static let network = [
    Hyperparameters.Key(
      name: "hidden", allowed: "widths such as 128 or 128,64, or none", usual: "128",
      meaning: "hidden layers; without a base only"
    ) { parameters, text in
      guard text != "none" else {
        parameters.hidden = []
        return true
      }
      let widths = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      guard widths.count <= 64, widths.allSatisfy({ (1...65536).contains($0) }) else {
        return false
      }
      parameters.hidden = widths
      return true
    },
    choice("activation", "relu", "without a base only") { $0.activation = $1 },
    flag("layer_norm", "false", "without a base only") { $0.layerNorm = $1 },
    flag("standardize", "true", "features to mean 0, deviation 1; without a base only") {
      $0.standardize = $1
    },
  ]

  private static func whole(
    _ name: String, _ range: ClosedRange<Int>, _ usual: String, _ meaning: String,
    _ set: @escaping @Sendable (inout Hyperparameters, Int) -> Void
  ) -> Hyperparameters.Key {
    Hyperparameters.Key(
      name: name, allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      usual: usual, meaning: meaning
    ) { parameters, text in
      guard let number = Int(text), range.contains(number) else { return false }
      set(&parameters, number)
      return true
    }
  }

  private static func number(
    _ name: String, _ range: ClosedRange<Double>, _ usual: String, _ meaning: String,
    _ set: @escaping @Sendable (inout Hyperparameters, Double) -> Void
  ) -> Hyperparameters.Key {
    let bounds = [range.lowerBound, range.upperBound].map { bound in
      bound == bound.rounded() && bound < 1e15 ? "\(Int(bound))" : "\(bound)"
    }
    return Hyperparameters.Key(
      name: name, allowed: "a number from \(bounds[0]) to \(bounds[1])", usual: usual,
      meaning: meaning
    ) { parameters, text in
      let isDecimal = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
      guard isDecimal, let number = Double(text), range.contains(number) else { return false }
      set(&parameters, number)
      return true
    }
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ usual: String, _ meaning: String,
    _ set: @escaping @Sendable (inout Hyperparameters, Choice) -> Void
  ) -> Hyperparameters.Key {
    Hyperparameters.Key(
      name: name, allowed: Choice.allCases.map(\.rawValue).joined(separator: " or "),
      usual: usual, meaning: meaning
    ) { parameters, text in
      guard let choice = Choice(rawValue: text) else { return false }
      set(&parameters, choice)
      return true
    }
  }

  private static func flag(
    _ name: String, _ usual: String, _ meaning: String,
    _ set: @escaping @Sendable (inout Hyperparameters, Bool) -> Void
  ) -> Hyperparameters.Key {
    choice(name, usual, meaning) { (parameters, value: Hyperparameters.Switch) in
      set(&parameters, value == .true)
    }
  }
}

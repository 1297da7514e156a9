package import Storage
import Tracking
import Workspace

/// How to train: what `--set` says, checked, and what it leaves out by default.
package struct Hyperparameters: Sendable, Equatable {
  /// What training makes small, by its name in `config.json`.
  package enum Loss: String, Sendable, CaseIterable {
    case crossEntropy = "cross_entropy"
    case meanSquaredError = "mse"
  }

  /// The optimisers.
  package enum Optimizer: String, Sendable, CaseIterable {
    case adamw, sgd
  }

  /// The ways in which the learning rate falls.
  package enum Schedule: String, Sendable, CaseIterable {
    case constant, linear, cosine, step, plateau
  }

  /// The functions between linear layers.
  package enum Activation: String, Sendable, CaseIterable {
    case relu, gelu, tanh
  }

  /// Whether classes count by their rows or alike.
  package enum ClassWeights: String, Sendable, CaseIterable {
    case none, balanced
  }

  /// A yes or no.
  enum Switch: String, Sendable, CaseIterable {
    case `true`, `false`
  }

  /// Times through the training rows.
  package var epochs = 30
  /// Rows a step.
  package var batchSize = 32
  /// How parameters change.
  package var optimizer = Optimizer.adamw
  /// How the learning rate falls.
  package var schedule = Schedule.constant
  /// Epochs between two steps of the `step` schedule.
  package var stepEvery = 10
  /// What the rate is multiplied by at each of them.
  package var stepFactor = 0.1
  /// Epochs without improvement before `plateau` lowers the rate.
  package var plateauPatience = 3
  /// What the rate is multiplied by then.
  package var plateauFactor = 0.1
  /// Steps of the warm-up; below 1, the part of all steps.
  package var warmup = 0.0
  /// Epochs without improvement before training stops; 0 never stops early, nil is the default.
  package var patience: Int?
  /// How much better an epoch must be to count as an improvement.
  package var minDelta = 0.0
  /// The greatest length of a gradient; 0 is any.
  package var clip = 0.0
  /// Whether classes count alike.
  package var classWeights = ClassWeights.none
  /// Widths of the hidden layers of a network without a base.
  package var hidden = [128]
  /// What lies between its linear layers.
  package var activation = Activation.relu
  /// Whether it has layer normalisation.
  package var layerNorm = false
  /// Whether its features are brought to mean 0 and deviation 1.
  package var standardize = true

  /// The learning rate; nil takes the optimiser's usual one.
  var rate: Double?
  var momentum = 0.9
  /// Nil takes the optimiser's usual one.
  var decay: Double?
  /// The probability of dropout; nil keeps the base's.
  var dropout: Double?
  /// Nil takes the base's.
  var loss: Loss?

  /// The texts that were given, by key.
  private(set) var given: [String: String] = [:]

  /// The usual learning rate of the optimiser, or what was given.
  package var learningRate: Double { rate ?? (optimizer == .adamw ? 0.001 : 0.01) }
  /// The usual weight decay of the optimiser, or what was given.
  package var weightDecay: Double { decay ?? (optimizer == .adamw ? 0.01 : 0) }

  /// Epochs without improvement before training stops where nothing is said.
  static let patienceByDefault = 10

  /// Takes the defaults.
  package init() {}

  /// Takes texts such as `lr` and `3e-4`.
  ///
  /// - Parameter texts: Keys and values as typed.
  /// - Throws: `invalidInput` for a key that is none, with the nearest ones; for a value that is
  ///   not allowed; and for a key that has no effect beside the others.
  package init(_ texts: [(key: String, value: String)]) throws(RegistryError) {
    for (name, text) in texts {
      guard let key = Key.all.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
        let names = Key.all.map(\.name)
        throw RegistryError(
          .invalidInput, "the built-in trainer has no hyperparameter '\(name)'",
          hint: Nearest.hint(
            to: name, in: names, else: "it has " + names.joined(separator: ", ")))
      }
      guard given.updateValue(text, forKey: key.name) == nil else {
        throw RegistryError(.invalidInput, "\(key.name) is set twice")
      }
      guard key.set(&self, text) else {
        throw RegistryError(
          .invalidInput, "\(key.name)=\(text) is not allowed", hint: "\(key.name) is \(key.allowed)"
        )
      }
    }
    try checkEffects()
  }

  /// Refuses what would be recorded and change nothing.
  private func checkEffects() throws(RegistryError) {
    let owners = [
      ("momentum", optimizer == .sgd, "optimizer=sgd"),
      ("step_every", schedule == .step, "schedule=step"),
      ("step_factor", schedule == .step, "schedule=step"),
      ("plateau_patience", schedule == .plateau, "schedule=plateau"),
      ("plateau_factor", schedule == .plateau, "schedule=plateau"),
      ("class_weights", loss != .meanSquaredError, "loss=cross_entropy"),
      ("min_delta", patience != 0, "patience above 0"),
    ]
    for (name, isUsed, owner) in owners where !isUsed && given[name] != nil {
      throw RegistryError(.invalidInput, "\(name) has no effect without \(owner)")
    }
  }
}

extension Hyperparameters {
  /// A key of `--set`.
  package struct Key: Sendable {
    /// As it is typed and recorded.
    package let name: String
    /// What its value may be, for sentences and help.
    package let allowed: String
    /// What it is where it is not given.
    package let usual: String
    /// What it does.
    package let meaning: String
    let set: @Sendable (inout Hyperparameters, String) -> Bool
  }
}

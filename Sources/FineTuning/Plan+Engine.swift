import Datasets
import Engine
import Storage
import Tracking

extension Plan {
  /// What trains the network as the hyperparameters say.
  func trainer(
    _ network: Network<Float>, on processor: Processor
  ) throws(EngineError) -> Trainer<Float> {
    let all = hyperparameters
    return try Trainer(
      network,
      loss: loss == .crossEntropy ? .crossEntropy(weights: classWeights) : .meanSquaredError,
      optimizer: all.optimizer == .sgd
        ? .sgd(momentum: all.momentum, weightDecay: all.weightDecay)
        : .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: all.weightDecay),
      batchSize: min(all.batchSize, training.count), seed: seed,
      clipping: all.clip > 0 ? all.clip : nil, on: processor)
  }

  /// The learning rate over the steps of the run.
  ///
  /// - Throws: `invalidInput` when the warm-up is longer than the run.
  static func schedule(
    _ all: Hyperparameters, _ watch: Watch, rowCount: Int
  ) throws(RegistryError) -> Schedule {
    let stepsPerEpoch = (rowCount + all.batchSize - 1) / all.batchSize
    let steps = all.epochs * stepsPerEpoch
    let warmUp = all.warmup < 1 ? all.warmup * Double(steps) : all.warmup
    guard warmUp <= Double(steps) else {
      throw RegistryError(
        .invalidInput, "a warm-up of \(Int(warmUp)) steps is longer than the run's \(steps)")
    }
    let shape: Schedule.Shape =
      switch all.schedule {
      case .constant: .constant
      case .linear: .linear
      case .cosine: .cosine
      case .step: .step(every: all.stepEvery * stepsPerEpoch, factor: all.stepFactor)
      case .plateau:
        .plateau(
          factor: all.plateauFactor, patience: all.plateauPatience,
          higherIsBetter: watch.direction == .max)
      }
    return try inPlace("schedule") { () throws(EngineError) in
      try Schedule(shape, rate: all.learningRate, warmUp: Int(warmUp.rounded()), steps: steps)
    }
  }

  /// One weight a class so that all classes count alike, as scikit-learn's `balanced`.
  private var classWeights: [Double]? {
    guard hyperparameters.classWeights == .balanced, let labels = data.labels,
      let counts = try? labels.counts(data.training)
    else { return nil }
    return counts.map { Double(data.training.rowCount) / (Double(labels.count) * Double($0)) }
  }
}

import Catalog
import Datasets
import Engine
import Foundation
import Storage
import Tracking
import Weights
import Workspace

/// All that a run will do, decided and checked before there is a run.
struct Plan {
  let hyperparameters: Hyperparameters
  let loss: Hyperparameters.Loss
  let data: TrainingData
  let base: BaseModel?
  /// What the version's `config.json` will say.
  let config: ModelConfig
  let architecture: Architecture
  /// The first of the parameters of the last linear layer.
  let head: Range<Int>
  /// Why the last linear layer starts from the seed although there is a base; nil if it does not.
  let headNote: String?
  /// One flag a parameter.
  let isFrozen: [Bool]
  let watch: Watch
  let training: Examples<Float>
  let validation: Examples<Float>?
  let schedule: Schedule
  let seed: UInt64

  /// Decides.
  ///
  /// - Throws: `notFound`; `invalidInput` for whatever cannot be trained.
  init(_ request: FineTuning.Request, _ store: Store) throws {
    let given = try Hyperparameters(request.settings)
    let (experiment, version) = try store.read { db in
      try RunSession.subject(of: request.session, db)
    }
    let base = try version.map { try BaseModel($0, store) }
    let loss = given.loss ?? base?.config.loss ?? .crossEntropy
    if loss == .meanSquaredError, given.given["class_weights"] != nil {
      throw RegistryError(.invalidInput, "class_weights has no effect with loss=mse")
    }
    watch = try Self.watch(experiment, loss, given, request.validation)
    let data = try TrainingData(
      request.rows, validation: request.validation,
      kind: loss == .crossEntropy ? .labels : .numbers, labelColumn: request.labelColumn,
      hasHeader: request.hasHeader)
    try Self.check(watch, data)
    var design = try NetworkDesign(given, base, data, loss)
    try design.freeze(request.session.source.freeze)
    try Self.checkMemory(
      design.architecture, batchSize: min(given.batchSize, data.training.rowCount),
      sizeBytes: request.memoryBytes)
    (architecture, head) = (design.architecture, design.head)
    (headNote, isFrozen) = (design.headNote, design.isFrozen)
    config = design.config
    training = try data.examples(data.training, config.standardisation)
    validation = try data.validation.map { try data.examples($0, design.config.standardisation) }
    schedule = try Self.schedule(given, watch, rowCount: training.count)
    (hyperparameters, self.loss, self.data, self.base) = (given, loss, data, base)
    seed = UInt64(bitPattern: request.session.seed ?? 0)
  }

  /// The metric that the epochs are judged by: the task's, else the loss.
  private static func watch(
    _ experiment: Experiment, _ loss: Hyperparameters.Loss, _ given: Hyperparameters,
    _ validation: ValidationSource
  ) throws(RegistryError) -> Watch {
    let hasValidation = if case .none = validation { false } else { true }
    let own = Scores.trainingKeys(loss).map { "train/" + $0 }
    let others = Scores.validationKeys(loss).map { "val/" + $0 }
    let measured = own + (hasValidation ? others : [])
    if let key = experiment.task?.metric, let direction = experiment.task?.direction {
      guard measured.contains(where: { $0.utf8.elementsEqual(key.utf8) }) else {
        let needsRows = others.contains { $0.utf8.elementsEqual(key.utf8) }
        throw RegistryError(
          .invalidInput,
          "\(experiment.name) is ranked by \(key), which the built-in trainer does not measure"
            + (needsRows ? " without validation rows" : ""),
          hint: needsRows
            ? "--hold-out 0.2, or --validation FILE"
            : "it measures " + (own + others).joined(separator: ", "))
      }
      return Watch(
        key, direction, patience: given.patience ?? Hyperparameters.patienceByDefault,
        minDelta: given.minDelta)
    }
    guard hasValidation || (given.patience ?? 0) == 0 else {
      throw RegistryError(
        .invalidInput, "patience has no effect without validation rows",
        hint: "--hold-out 0.2, or --validation FILE")
    }
    return Watch(
      hasValidation ? "val/loss" : "train/loss", .min,
      patience: hasValidation ? given.patience ?? Hyperparameters.patienceByDefault : 0,
      minDelta: given.minDelta)
  }
}

extension Plan {
  /// Refuses to judge by what the validation rows cannot tell.
  private static func check(_ watch: Watch, _ data: TrainingData) throws(RegistryError) {
    guard watch.key.utf8.elementsEqual("val/r2".utf8), let table = data.validation,
      case .numbers(let targets) = table.target, targets.allSatisfy({ $0 == targets[0] })
    else { return }
    throw RegistryError(
      .invalidInput,
      "every validation row of \(table.name) has the target \(Double(targets[0]).typed), so "
        + "there is no val/r2",
      hint: "hold out more rows, or rank the runs by val/loss")
  }

  /// Refuses a network for which this machine is too small.
  private static func checkMemory(
    _ architecture: Architecture, batchSize: Int, sizeBytes: UInt64
  ) throws(RegistryError) {
    let needed = architecture.trainingBytes(batchSize: batchSize)
    guard UInt64(clamping: needed) > sizeBytes else { return }
    func text(_ bytes: Double) -> String { String(format: "%.3g GB", bytes / 1e9) }
    throw RegistryError(
      .invalidInput,
      "training this network takes about \(text(Double(needed))) of memory, and this machine has "
        + text(Double(sizeBytes)),
      hint: "take fewer or narrower hidden layers, or a smaller batch_size")
  }

  /// What must be told before training.
  var warnings: [String] {
    let names = base.flatMap { data.warning(features: $0.config.features, of: $0.reference) }
    return [data.training.constantColumnsWarning, names].compactMap(\.self)
  }

  /// What the run keeps as checks from its start.
  var checks: [RunCheck] {
    let columns = data.training.constantColumns
    guard !columns.isEmpty else { return [] }
    return [
      RunCheck(
        rule: "constant-columns", .warn,
        evidence: [
          "count": JSON(columns.count),
          "columns": .array(columns.prefix(20).map { .string(data.training.columns[$0]) }),
        ])
    ]
  }

  /// Every hyperparameter that has an effect, as it was typed or by default.
  var parameters: [Tracking.Parameter] {
    let all = hyperparameters
    let hidden = all.hidden.isEmpty ? "none" : all.hidden.map(String.init).joined(separator: ",")
    var texts: [(String, String)] = [
      ("epochs", "\(all.epochs)"), ("batch_size", "\(all.batchSize)"), ("loss", loss.rawValue),
      ("optimizer", all.optimizer.rawValue), ("lr", all.learningRate.typed),
      ("schedule", all.schedule.rawValue), ("warmup", all.warmup.typed),
      ("weight_decay", all.weightDecay.typed), ("dropout", dropout.typed),
      ("clip", all.clip.typed), ("patience", "\(watch.patience)"),
    ]
    if watch.patience > 0 { texts.append(("min_delta", all.minDelta.typed)) }
    if all.optimizer == .sgd { texts.append(("momentum", all.momentum.typed)) }
    if loss == .crossEntropy { texts.append(("class_weights", all.classWeights.rawValue)) }
    if all.schedule == .step {
      texts += [("step_every", "\(all.stepEvery)"), ("step_factor", all.stepFactor.typed)]
    }
    if all.schedule == .plateau {
      texts += [
        ("plateau_patience", "\(all.plateauPatience)"),
        ("plateau_factor", all.plateauFactor.typed),
      ]
    }
    if base == nil {
      texts += [
        ("hidden", hidden), ("activation", all.activation.rawValue),
        ("layer_norm", "\(all.layerNorm)"), ("standardize", "\(all.standardize)"),
      ]
    }
    return texts.map { Tracking.Parameter($0.0, all.given[$0.0] ?? $0.1) }
  }

  private var dropout: Double {
    config.layers.lazy.compactMap { layer in
      if case .dropout(let probability) = layer { probability } else { nil }
    }.first ?? 0
  }
}

extension Double {
  /// As a person types it: `0.001`, `30`.
  var typed: String {
    self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)"
  }
}

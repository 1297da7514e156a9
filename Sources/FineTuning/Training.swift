import Datasets
import Engine
import Foundation
import Runner
import Storage
import Tracking
import Weights

/// The epochs of a run, from the first step to the files of the version.
struct Training {
  private let plan: Plan
  private let work: Work
  private let hooks: FineTuning.Hooks
  private let store: Store
  private let network: Network<Float>
  private let trainer: Trainer<Float>
  private let stepsPerEpoch: Int
  private var schedule: Schedule
  private var watch: Watch
  private var bestWeights: Network<Float>.Snapshot
  private var steps = 0
  /// The last epoch that was judged.
  private var lastEpoch = 0
  private var watched: (key: String, value: Double)?

  init(
    _ plan: Plan, _ work: Work, _ hooks: FineTuning.Hooks, _ store: Store,
    on processor: Processor
  ) throws(RegistryError) {
    (self.plan, self.work, self.hooks, self.store) = (plan, work, hooks, store)
    let network = Network<Float>(plan.architecture, seed: plan.seed)
    trainer = try inPlace("the training") { () throws(EngineError) in
      for (index, parameter) in plan.architecture.parameters.enumerated() {
        guard let base = plan.base, plan.headNote == nil || !plan.head.contains(index)
        else { continue }
        guard base.numbers[index].count == parameter.count else { continue }
        try network.setNumbers(base.numbers[index], at: index)
        network.setFrozen(plan.isFrozen[index], at: index)
      }
      return try plan.trainer(network, on: processor)
    }
    self.network = network
    stepsPerEpoch = (plan.training.count + trainer.batchSize - 1) / trainer.batchSize
    schedule = plan.schedule
    watch = plan.watch
    bestWeights = network.snapshot()
  }

  /// Trains.
  mutating func run() throws -> Work.Ending {
    if let note = plan.headNote { try say(note) }
    for epoch in 1...plan.hyperparameters.epochs {
      switch try train(epoch) {
      case .whole(let metrics):
        if let ending = try finish(epoch, metrics) { return ending }
      case .interrupted: return try stop()
      case .diverged(let step, let what): return try diverge(epoch, step: step, what)
      }
      if work.interruptCount > 0 { return try stop() }
      if watch.isOver {
        try say("\(watch.key) was no better for \(watch.patience) epochs")
        break
      }
    }
    if watch.patience > 0, let best = watch.best, best.epoch != lastEpoch {
      try restore(best.epoch)
    }
    guard isFinite else {
      return try diverge(lastEpoch, step: stepsPerEpoch, "weights are not finite")
    }
    try writeFiles()
    return .finished
  }

  private enum Epoch {
    case whole([JSON.Member])
    case interrupted
    case diverged(step: Int, String)
  }

  /// Takes every row once.
  private mutating func train(_ epoch: Int) throws -> Epoch {
    _ = try inPlace(plan.data.training.name) { () throws(EngineError) in
      try trainer.begin(epoch: epoch, of: plan.training)
    }
    var sums = LossSums()
    var norms = 0.0
    var rate = 0.0
    var rows = 0
    for step in 1...stepsPerEpoch {
      rate = schedule.rate(at: steps)
      guard let done = trainer.step(rate: rate) else { break }
      guard done.isFinite else {
        return .diverged(step: step, "loss is " + Self.name(done.loss.mean))
      }
      guard done.gradientNorm.isFinite else {
        return .diverged(step: step, "gradient is " + Self.name(done.gradientNorm))
      }
      steps += 1
      sums.loss += done.loss.loss
      sums.weight += done.loss.weight
      sums.correct += done.loss.correct
      norms += done.gradientNorm
      rows = min(rows + trainer.batchSize, plan.training.count)
      hooks.advanced(progress(epoch, rows: rows, loss: sums.mean))
      if work.interruptCount > 0, step < stepsPerEpoch { return .interrupted }
    }
    let scores = Scores(sums, rows: plan.training.count, hasClasses: plan.loss == .crossEntropy)
    let own = [("lr", rate), ("grad_norm", norms / Double(stepsPerEpoch))]
    return .whole(
      scores.members("train/") + own.map { JSON.Member($0.0, .number($0.1)) })
  }

  private func progress(_ epoch: Int, rows: Int, loss: Double) -> FineTuning.Progress {
    let epochs = plan.hyperparameters.epochs
    return FineTuning.Progress(
      epoch: epoch, epochs: epochs, rows: (epoch - 1) * plan.training.count + rows,
      rowsAtMost: epochs * plan.training.count, loss: loss, watched: watched)
  }

  /// Judges the epoch and keeps its point; how the run ends, if it ends here.
  private mutating func finish(
    _ epoch: Int, _ training: [JSON.Member]
  ) throws -> Work.Ending? {
    let metrics =
      training.filter { $0.key.hasPrefix("train/") } + (try validationMetrics())
      + training.filter { !$0.key.hasPrefix("train/") }
    func value(_ key: String) -> Double? { metrics.first { $0.key == key }?.value.double }
    guard value("val/loss")?.isFinite ?? true else {
      return try diverge(epoch, step: stepsPerEpoch, "validation loss is not finite")
    }
    let watchedValue = value(watch.key) ?? .nan
    try log(epoch, metrics)
    try say("epoch \(epoch)/\(plan.hyperparameters.epochs)  " + text(metrics), isEpoch: true)
    lastEpoch = epoch
    if watch.observe(watchedValue, epoch: epoch) { network.save(to: &bestWeights) }
    schedule.observe(watchedValue)
    watched = (watch.key, watchedValue)
    return nil
  }

  private func validationMetrics() throws(RegistryError) -> [JSON.Member] {
    guard let table = plan.data.validation, let examples = plan.validation else { return [] }
    var scores: Scores
    let (sums, outputs) = try inPlace(table.name) { () throws(EngineError) in
      (
        try trainer.evaluate(examples),
        plan.loss == .crossEntropy ? try trainer.outputs(of: examples) : []
      )
    }
    scores = Scores(sums, rows: table.rowCount, hasClasses: plan.loss == .crossEntropy)
    switch table.target {
    case .labels:
      scores.addMacroF1(
        outputs, classes: try plan.data.labels?.encode(table) ?? [],
        classCount: plan.architecture.outputs)
    case .numbers(let numbers): scores.addRegression(sums, targets: numbers)
    }
    return scores.members("val/")
  }

  /// Goes back to the best weights, if any epoch was whole; the files stay with the run.
  private mutating func stop() throws -> Work.Ending {
    guard work.interruptCount == 1, let best = watch.best else { return .stopped }
    if best.epoch != lastEpoch || steps != lastEpoch * stepsPerEpoch { try restore(best.epoch) }
    if work.interruptCount == 1 { try writeFiles() }
    return .stopped
  }

  /// Brings earlier weights back, and makes their metrics the latest.
  private func restore(_ epoch: Int) throws {
    network.restore(bestWeights)
    let sums = try inPlace(plan.data.training.name) { () throws(EngineError) in
      try trainer.evaluate(plan.training)
    }
    let scores = Scores(sums, rows: plan.training.count, hasClasses: plan.loss == .crossEntropy)
    let metrics = scores.members("train/") + (try validationMetrics())
    try log(lastEpoch + 1, metrics)
    try work.setTags([Tag("restoredStep", "\(epoch)")])
    try say("restored epoch \(epoch)  " + text(metrics))
  }

  /// What a number that is not finite is called.
  private static func name(_ number: Double) -> String { number.isNaN ? "nan" : "infinite" }

  private var isFinite: Bool {
    plan.architecture.parameters.indices.allSatisfy { index in
      network.numbers(at: index).allSatisfy(\.isFinite)
    }
  }

  private func diverge(_ epoch: Int, step: Int, _ what: String) throws -> Work.Ending {
    try work.addCheck(
      RunCheck(
        rule: "diverged", .fail,
        evidence: ["epoch": JSON(epoch), "step": JSON(step), "what": .string(what)]))
    let error = RegistryError(
      .refused, "training diverged: the \(what) in epoch \(epoch), step \(step)",
      hint: "try a lower learning rate: --set lr=\((plan.hyperparameters.learningRate / 10).typed)")
    try work.say(error.message)  // the caller tells it as the error
    return .failed(error, .diverged)
  }

  private func log(_ step: Int, _ metrics: [JSON.Member]) throws(RegistryError) {
    let time = Double(Timestamp.now.milliseconds) / 1000
    try work.log(.object([.init("step", JSON(step)), .init("time", .number(time))] + metrics))
  }

  private func say(_ line: String, isEpoch: Bool = false) throws(RegistryError) {
    try work.say(line)
    hooks.said(line, isEpoch)
  }

  private func text(_ metrics: [JSON.Member]) -> String {
    metrics.map { "\($0.key) \(String(format: "%.4g", $0.value.double ?? .nan))" }
      .joined(separator: "  ")
  }

  private func writeFiles() throws {
    try work.write("config.json") { sink in
      try sink(Array(plan.config.text.utf8))
    }
    let parameters = plan.architecture.parameters
    let writer = try SafetensorsWriter(
      parameters.enumerated().map { index, parameter in
        .init(
          name: parameter.name, dtype: frozenTensor(index)?.dtype ?? .f32, shape: parameter.shape)
      })
    try work.write("model.safetensors") { sink in
      try writer.write(
        { entry in
          let index = try inPlace("the training") { () throws(EngineError) in
            try plan.architecture.index(of: entry.name)
          }
          guard let tensor = frozenTensor(index) else {
            return network.numbers(at: index).withUnsafeBytes(Array.init)
          }
          return try content(of: tensor)
        }, to: sink)
    }
  }

  /// The base's tensor of a frozen parameter, whose bytes are kept whatever their type.
  private func frozenTensor(_ index: Int) -> Tensor? {
    plan.isFrozen[index] ? plan.base?.tensors[index] : nil
  }

  private func content(of tensor: Tensor) throws -> [UInt8] {
    try store.read(.weights) { db in
      var content: [UInt8] = []
      try tensor.forEachChunk(db) { content += $0 }
      return content
    }
  }
}

extension Scores {
  /// The scores as members of a metrics line.
  func members(_ prefix: String) -> [JSON.Member] {
    values.map { JSON.Member(prefix + $0.key, .number($0.value)) }
  }
}

// The room of the built-in trainer: a table of rows and a base become a run and its version,
// without another program. A `Plan` is made first, from all that can be refused; then `Training`
// does the epochs on Engine's maths, as work that Runner keeps as it keeps a command's.

import Datasets
import Engine
import Foundation
package import Runner
package import Storage
import Tracking
package import Workspace

/// Trains a dense network as a run of a task or experiment.
package enum FineTuning {
  /// What to train on, and how.
  package struct Request: Sendable {
    /// The run to be: task, starting version, name, seed, frozen globs, command line.
    package var session: RunSession.Request
    /// The rows to learn from.
    package var rows: TableSource
    /// The rows to judge by.
    package var validation: ValidationSource
    /// The column of the labels or numbers to predict; nil for the usual names.
    package var labelColumn: String?
    /// Whether a CSV file names its columns.
    package var hasHeader = true
    /// Hyperparameters as typed, in order.
    package var settings: [(key: String, value: String)] = []
    /// How many threads to use; nil takes one for each processor, at most 16.
    package var threads: Int?
    /// How much memory there is.
    package var memoryBytes = ProcessInfo.processInfo.physicalMemory

    /// A run on these rows.
    package init(
      _ session: RunSession.Request, rows: TableSource, validation: ValidationSource = .none
    ) {
      self.session = session
      self.rows = rows
      self.validation = validation
    }
  }

  /// How far training is.
  package struct Progress: Sendable {
    /// The epoch in work, from 1, and how many there are at most.
    package let epoch, epochs: Int
    /// Rows trained on since the start, and how many there are at most.
    package let rows, rowsAtMost: Int
    /// The mean loss of this epoch's rows so far.
    package let loss: Double
    /// The watched metric of the last epoch: `val/loss`.
    package let watched: (key: String, value: Double)?
  }

  /// What a caller may follow.
  package struct Hooks {
    /// Called with a sentence before the run starts.
    package var warned: (String) -> Void = { _ in }
    /// Called once the run is there.
    package var started: (RunSession) -> Void = { _ in }
    /// Called after every step.
    package var advanced: (Progress) -> Void = { _ in }
    /// Called with each line of the run's output, and whether it is an epoch's.
    package var said: (_ line: String, _ isEpoch: Bool) -> Void = { _, _ in }
    /// Called with the bytes of the output that are stored.
    package var stored: (Int64) -> Void = { _ in }
    /// How often it was asked to end; nil counts this process's signals.
    package var interrupts: (() -> Int)?

    /// Follows nothing.
    package init() {}
  }

  /// Trains to the end, or until this process is asked to end.
  ///
  /// - Parameters:
  ///   - request: What to train on, and how.
  ///   - store: An open store.
  ///   - hooks: What the caller follows.
  /// - Returns: How it went; a loss that is no number is a failure in it, `refused`.
  /// - Throws: Whatever can be refused before there is a run: `notFound`, `invalidInput`,
  ///   `conflict`.
  package static func run(
    _ request: Request, _ store: Store, _ hooks: Hooks = Hooks()
  ) throws -> Runner.Outcome {
    var request = request
    request.session.seed = request.session.seed ?? 0
    let plan = try Plan(request, store)
    let count = request.threads ?? min(ProcessInfo.processInfo.activeProcessorCount, 16)
    let processor = try inPlace("--threads") { () throws(EngineError) in
      try Processor(threads: count)
    }
    plan.warnings.forEach(hooks.warned)
    let (dataParameters, dataTags) = try record(of: request, plan)
    var session = request.session
    // The version that the plan was made from, even if an alias moves meanwhile.
    session.from = plan.base?.reference
    session.parameters += plan.parameters + dataParameters
    session.tags += dataTags
    session.tags += [
      Tag("engine.level", processor.level), Tag("engine.threads", "\(processor.threads)"),
    ]
    if plan.headNote != nil { session.tags.append(Tag("head", "new")) }
    session.wantsBaseFolder = false
    return try Runner.perform(
      session, store, stored: hooks.stored, interrupts: hooks.interrupts
    ) { work in
      for check in plan.checks { try work.addCheck(check) }
      hooks.started(work.session)
      var training = try Training(plan, work, hooks, store, on: processor)
      return try training.run()
    }
  }

  /// What the run keeps of its rows: names as parameters, counts and digests as tags.
  private static func record(
    of request: Request, _ plan: Plan
  ) throws -> ([Tracking.Parameter], [Tag]) {
    var parameters: [Tracking.Parameter] = []
    var tags = [Tag("data.rows", "\(plan.data.training.rowCount)")]
    func keep(_ source: TableSource, as key: String, _ prefix: String) throws(RegistryError) {
      let (rows, labels) = try source.record()
      for case (let key, let part?) in [(key, rows), (prefix + "labels", labels)] {
        parameters.append(Tracking.Parameter(key, part.name))
        if let digest = part.digest { tags.append(Tag(key + ".sha256", digest.hex)) }
      }
    }
    try keep(request.rows, as: "data", "")
    switch request.validation {
    case .none: break
    case .holdOut(let fraction): parameters.append(Tracking.Parameter("hold_out", "\(fraction)"))
    case .rows(let source): try keep(source, as: "validation", "validation_")
    }
    if let label = request.labelColumn { parameters.append(Tracking.Parameter("label", label)) }
    if !request.hasHeader { parameters.append(Tracking.Parameter("header", "false")) }
    if let table = plan.data.validation {
      tags.append(Tag("validation.rows", "\(table.rowCount)"))
    }
    return (parameters, tags)
  }
}

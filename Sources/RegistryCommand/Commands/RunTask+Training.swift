import ArgumentParser
import FineTuning
import Foundation
import Runner
import Storage
import Tracking
import Workspace

extension RunTask {
  /// The two ways to fine-tune a task or experiment, for hints.
  static func next(for task: String) -> String {
    "registry run \(task) --data FILE, or registry run \(task) -- COMMAND"
  }

  /// Trains in this process; the status to exit with.
  func train() throws -> ExitCode {
    var request = FineTuning.Request(
      try session(), rows: try training.rows(), validation: try training.validationRows())
    try refuseCommandOptions()
    request.session.source.command = CommandLine.argumentBytes.map {
      String(decoding: $0, as: UTF8.self)
    }
    request.labelColumn = training.label
    request.hasHeader = !training.noHeader
    request.settings = set.map { ($0.key, $0.value) }
    request.threads = training.threads
    let outcome = try globals.writing { store in
      let outcome = try FineTuning.run(request, store, trainingHooks)
      try RunEnd(outcome, globals).show(store)
      return outcome
    }
    return ExitCode(outcome.failure?.kind.exitCode ?? outcome.exitStatus)
  }

  private func refuseCommandOptions() throws(RegistryError) {
    let given = [
      ("--no-scrape", noScrape), ("--output-include", !outputInclude.isEmpty),
      ("--output-exclude", !outputExclude.isEmpty),
    ].first(where: \.1)
    guard let option = given?.0 else { return }
    throw RegistryError(
      .invalidInput, "\(option) belongs to a command",
      hint: "registry run \(task) \(option) … -- COMMAND")
  }

  private var trainingHooks: FineTuning.Hooks {
    var hooks = FineTuning.Hooks()
    hooks.warned = { globals.note($0.printable, .warning) }
    hooks.started = { session in
      let base = session.baseReference.map { " from \($0.printable)" } ?? ""
      globals.note("run \(session.run.id.short) \(session.run.name.printable)\(base)", .dim)
    }
    let bar = Progress("training", .items("rows"), globals)
    hooks.advanced = { progress in
      guard globals.errorOutput.isTerminal else { return }
      var detail = "loss \(progress.loss.fourDigits)"
      if let (key, value) = progress.watched {
        detail += "  \(key.printable) \(value.fourDigits)"
      }
      bar.update(
        done: Int64(progress.rows), total: Int64(progress.rowsAtMost),
        as: "epoch \(progress.epoch)/\(progress.epochs)", detail: detail)
    }
    hooks.said = { line, isEpoch in
      // The bar shows the epochs of a terminal; what is said besides stays below it.
      guard !isEpoch || !globals.errorOutput.isTerminal else { return }
      bar.end()
      globals.note(line.printable)
    }
    var storing: Progress?
    hooks.stored = { done in
      bar.end()
      let progress = storing ?? Progress("storing the output", .bytes, globals)
      storing = progress
      progress.update(done: done, total: 0)
    }
    return hooks
  }
}

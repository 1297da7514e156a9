import Catalog
import Runner
import Storage
import Tracking
import Weights
import Workspace

/// What is said when a command has ended.
struct RunEnd {
  private let outcome: Runner.Outcome
  private let globals: Globals

  init(_ outcome: Runner.Outcome, _ globals: Globals) {
    self.outcome = outcome
    self.globals = globals
  }

  /// Shows the run in a few lines on the error stream, or as the answer of a machine format.
  func show(_ store: Store) throws {
    if let run = outcome.run {
      let text =
        globals.isForPeople
        ? try summary(run, store) : try RunDetails.report(run.id.hex, store)
      if globals.isForPeople {
        if !globals.quiet {
          globals.errorOutput.write(text.text(globals.format, globals.errorOutput))
        }
      } else {
        globals.show(text)
      }
    }
    if let failure = outcome.failure {
      Failure(failure, arguments: []).show(asJSON: globals.json, globals.errorOutput)
    }
  }

  private func summary(_ run: Run, _ store: Store) throws -> Report {
    try store.read { db in
      let experiment = try Experiment.get(id: run.experimentId, db)
      let state = RunState(run, isLost: false)
      var report = Report("run")
      let series = try run.series(db)
      let primary = experiment.task?.metric
      // What tells most goes first: the primary metric, then what was measured on other rows.
      func rank(_ key: String) -> Int { key == primary ? 0 : key.hasPrefix("val/") ? 1 : 2 }
      let shown = (0...2).flatMap { place in series.filter { rank($0.key) == place } }
      let metrics = shown.prefix(4).map { "\($0.key.printable) \($0.latest.value.fourDigits)" }
      report.line(
        .init(state.outcome.sign + " ", state.outcome.style), .init(run.id.short, .accent),
        .init(" \(run.name.printable)  ", .bold),
        .init(([statusText(run)] + metrics).joined(separator: "  ")))
      report.line("  " + costText(run), .dim)
      for check in try run.checks(db) {
        let outcome = Value.Outcome(rawValue: check.outcome.rawValue) ?? .none
        report.line(
          .init("  \(outcome.sign) ", outcome.style), .init(check.rule.printable),
          .init("  " + check.evidence.factsText.printable.cut(to: 70, ascii: false), .dim))
      }
      let left = try run.artifacts(db).count
      if outcome.version == nil, left > 0 {
        let files = left == 1 ? "1 file stays" : "\(left) files stay"
        let model = experiment.task == nil ? " --model NAME" : ""
        report.line("  \(files) with the run → registry run adopt \(run.id.short)\(model)")
      }
      if let version = outcome.version {
        report.line(.init("  → "), .init(version.reference, .bold))
      }
      return report
    }
  }

  private func statusText(_ run: Run) -> String {
    if let signal = run.usage.exitSignal { return "signal \(signal)" }
    if let status = run.usage.exitStatus, status != 0 { return "exit \(status)" }
    return run.reason?.rawValue ?? run.status.rawValue.lowercased()
  }

  private func costText(_ run: Run) -> String {
    [
      run.durationSeconds.map { Value.duration($0) },
      run.usage.cpuSeconds.map { "cpu \(Value.duration($0))" },
      run.usage.memoryPeakBytes.map { "memory \(Value.size($0))" },
    ].compactMap { $0 }.joined(separator: "  ")
  }
}

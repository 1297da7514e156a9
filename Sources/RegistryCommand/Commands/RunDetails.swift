import Catalog
import GRDB
import Runner
import Storage
import Tracking
import Workspace

/// Everything that is known of one run.
enum RunDetails {
  static func report(_ reference: String, _ store: Store) throws -> Report {
    try store.read { db in
      let run = try Reference(reference).run(db)
      let experiment = try Experiment.get(id: run.experimentId, db)
      let source = try RunSource.get(run, db)
      var report = Report("run")
      report.add(try identity(run, experiment, isLost: Spool.isLost(run, store), db))
      report.add(origin(run, source), title: "source")
      report.add(cost(run.usage), title: "cost")
      report.add(
        try run.parameters(db).map { .init($0.key, $0.key.printable, .text($0.value)) },
        key: "params", title: "parameters")
      report.add(
        try run.tags(db).map { .init($0.key, $0.key.printable, .text($0.value)) }, key: "tags",
        title: "tags")
      report.add(try metrics(run, primary: experiment.task?.metric, db), title: "metrics")
      report.add(checks(try run.checks(db)), title: "checks")
      report.add(artifacts(try run.artifacts(db)), title: "artifacts")
      return report
    }
  }

  private static func identity(
    _ run: Run, _ experiment: Experiment, isLost: Bool, _ db: Database
  ) throws -> [Report.Field] {
    func version(_ id: Int64?) throws -> Value {
      Value(try id.flatMap { try Version.find(id: $0, db)?.reference })
    }
    let state = RunState(run, isLost: isLost)
    return [
      .init("id", "run", .text(run.id.hex), .accent), .init("name", nil, .text(run.name), .bold),
      .init("experiment", experiment.task == nil ? nil : "task", .text(experiment.name)),
      .init("status", nil, state.value, state.outcome.style),
      .init("reason", nil, .init(state.reason?.rawValue)),
      .init("base", nil, try version(run.baseVersionId)),
      .init("version", "made", try version(run.outputVersionId)),
      .init("startedAt", "started", .time(run.startTime)),
      .init("endedAt", "ended", run.endTime.map { .time($0) } ?? .none),
      .init("durationSeconds", "took", run.durationSeconds.map { .seconds($0) } ?? .none),
      .init("lifecycle", nil, run.lifecycle == .deleted ? .text("removed") : .none),
    ].filter { !$0.isEmpty }
  }

  /// What the working tree had beside the commit: `, clean` only where it had nothing.
  private static func tree(_ source: RunSource) -> String {
    let changes = source.gitDiff.map { " with changes (\(Value.size(Int64($0.count))))" } ?? ""
    switch source.untrackedCount ?? 0 {
    case 0: return changes.isEmpty ? ", clean" : changes
    case 1: return changes + ", 1 untracked file"
    case let count: return changes + ", \(count) untracked files"
    }
  }

  private static func origin(_ run: Run, _ source: RunSource) -> [Report.Field] {
    let commit = source.gitCommit.map { commit in
      let tree = tree(source)
      return Value.structure(.string(commit), text: String(commit.prefix(12)) + tree)
    }
    return [
      .init(
        "command", nil,
        source.command.isEmpty
          ? .none
          : .structure(
            .array(source.command.map(JSON.string)), text: ShellWords.text(source.command))),
      .init("seed", nil, .init(run.seed)),
      .init("freeze", nil, source.freeze.isEmpty ? .none : .list(source.freeze)),
      .init("commit", nil, commit ?? .none),
      .init("host", nil, .init(run.host)), .init("user", nil, .init(run.user)),
      .init("gpu", nil, source.gpu.map { .structure($0, text: $0.text()) } ?? .none),
    ].filter { !$0.isEmpty }
  }

  private static func cost(_ usage: Run.Usage) -> [Report.Field] {
    [
      .init("wallSeconds", "wall", usage.wallSeconds.map { .seconds($0) } ?? .none),
      .init("cpuSeconds", "cpu", usage.cpuSeconds.map { .seconds($0) } ?? .none),
      .init("memoryPeakBytes", "memory", usage.memoryPeakBytes.map { .bytes($0) } ?? .none),
      .init("exitStatus", "exit status", .init(usage.exitStatus.map { Int($0) })),
      .init("exitSignal", "signal", .init(usage.exitSignal.map { Int($0) })),
    ].filter { !$0.isEmpty }
  }

  private static func metrics(_ run: Run, primary: String?, _ db: Database) throws -> Table {
    let all = try run.series(db)
    var table = Table(
      "metrics",
      [
        .init("key", "metric", pinned: true), .init("latest", pinned: true),
        .init("step", "at step"), .init("min"), .init("minStep", "at step"), .init("max"),
        .init("maxStep", "at step"), .init("count", "points"),
        .init("nanCount", "nan", hidden: all.allSatisfy { $0.nanCount == 0 }),
      ])
    for series in all {
      table.add([
        .init(.text(series.key), series.key == primary ? .bold : .plain),
        .init(.number(series.latest.value), series.key == primary ? .good : .plain),
        .init(.integer(series.latest.step), .dim), .init(.init(series.min?.value)),
        .init(.init(series.min?.step), .dim), .init(.init(series.max?.value)),
        .init(.init(series.max?.step), .dim), .init(.init(series.count)),
        .init(.init(series.nanCount), series.nanCount == 0 ? .dim : .warning),
      ])
    }
    return table
  }

  private static func checks(_ checks: [RunCheck]) -> Table {
    var table = Table(
      "checks",
      [
        .init("outcome", "", pinned: true), .init("rule", "check", pinned: true),
        .init("evidence", flexible: true),
      ])
    for check in checks {
      let outcome = Value.Outcome(rawValue: check.outcome.rawValue) ?? .none
      table.add([
        .init(.outcome(outcome), outcome.style), .init(.text(check.rule)),
        .init(.structure(check.evidence, text: check.evidence.factsText)),
      ])
    }
    return table
  }

  private static func artifacts(_ artifacts: [Artifact]) -> Table {
    var table = Table(
      "artifacts",
      [
        .init("path", "artifact", pinned: true), .init("sizeBytes", "size"),
        .init("digest", "sha256"),
      ])
    for artifact in artifacts {
      table.add(
        .text(artifact.path), .bytes(artifact.sizeBytes),
        .structure(.string(artifact.digest.hex), text: artifact.digest.short))
    }
    return table
  }
}

extension Report.Field {
  /// Whether there is nothing to show.
  var isEmpty: Bool { cell.value.isNone }
}

extension JSON {
  /// An object as `key=value key=value`, for one line; of a list of objects only the first, with their number.
  var factsText: String {
    if let members {
      return members.filter { $0.value != .null }
        .map { "\($0.key)=\($0.value.factsText)" }.joined(separator: " ")
    }
    if let array {
      guard let first = array.first else { return "none" }
      guard first.members != nil else { return array.map(\.factsText).joined(separator: ",") }
      return array.count == 1 ? "(\(first.factsText))" : "\(array.count) (\(first.factsText) …)"
    }
    return string ?? text()
  }
}

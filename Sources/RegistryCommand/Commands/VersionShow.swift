import ArgumentParser
import Catalog
import GRDB
import Promotion
import Storage
import Tracking
import Weights
import Workspace

struct VersionShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows a version: files, tensors, origin, metrics, decisions.",
    discussion: """
      Examples:
        registry version show reviews@prod
        registry version show reviews:3 --tensors
        registry version show reviews@prod~1 --json
      """)

  @Argument(help: ArgumentHelp("The version.", valueName: "ref")) var reference: String
  @Flag(help: "Lists every tensor.") var tensors = false
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(reference)
    let report = try globals.reading { store in
      let version = try store.read { try reference.version($0) }
      let facts = try VersionFacts(version, store)
      var report = Report("version")
      report.add(try origin(version, store) + ImportReport.fields(facts))
      try addMetrics(of: version, to: &report, store)
      report.add(Self.files(facts.files), title: "files")
      if tensors {
        let found = try FoundTensors(reference, store)
        report.add(TensorTable.of(found.tensors), title: "tensors")
      }
      report.add(try store.read { try Self.decisions(version, $0) }, title: "decisions")
      return report
    }
    globals.show(report)
  }

  private func origin(_ version: Version, _ store: Store) throws -> [Report.Field] {
    try store.read { db in
      let parentCount = try version.parents(db).count
      let run = try Reference.findRun(of: version, db)
      let aliases = try version.aliases(db)
      // People need not read that there is none; programs find the list in every version.
      return [
        .init("reference", "version", .text(version.reference), .bold),
        .init(
          "aliases", nil,
          aliases.isEmpty ? .structure(.array([]), text: "") : .aliases(aliases), .accent),
        .init(
          "parents", parentCount == 1 ? "parent" : "parents",
          parentCount == 0 ? .structure(.array([]), text: "") : try .parents(of: version, db)),
        .init(
          "runId", "run",
          run.map { .structure(.string($0.id.hex), text: "\($0.id.short) \($0.name)") } ?? .none),
        .init("source", nil, .init(version.source)),
        .init("createdAt", "made", .time(version.createdAt)),
        .init("note", nil, .init(version.note)),
      ].filter { !$0.isEmpty }
    }
  }

  private func addMetrics(of version: Version, to report: inout Report, _ store: Store) throws {
    let scores = try store.read { try VersionScores.get(version, $0).scores }
    var table = Table(
      "metrics", [.init("key", "metric", pinned: true), .init("value"), .init("source")])
    for score in scores {
      table.add(.text(score.key), .number(score.value), .text(score.source))
    }
    report.add(table, title: "metrics")
  }

  private static func files(_ files: [VersionFile]) -> Table {
    var table = Table(
      "files",
      [.init("path", "file", pinned: true), .init("sizeBytes", "size"), .init("digest", "sha256")])
    for file in files {
      table.add(
        .text(file.path), .bytes(file.sizeBytes),
        .structure(.string(file.digest.hex), text: file.digest.short))
    }
    return table
  }

  private static func decisions(_ version: Version, _ db: Database) throws -> Table {
    var table = Table(
      "decisions",
      [
        .init("outcome", "", pinned: true), .init("kind", "decision"), .init("alias"),
        .init("failed", "failed gates"), .init("waived", flexible: true),
        .init("createdAt", "when"), .init("note", flexible: true),
      ])
    for decision in try Promotion.list(of: version, db) {
      let outcome: Value.Outcome = decision.outcome == .refused ? .fail : .ok
      table.add([
        .init(
          .structure(.string(decision.outcome.rawValue), text: outcome.sign), outcome.style),
        .init(.text(decision.kind.rawValue)), .init(.text("@" + decision.alias)),
        .init(decision.failures.isEmpty ? .none : .list(decision.failures.map(\.gate.name))),
        .init(
          decision.usedWaivers.isEmpty
            ? .none : .list(decision.usedWaivers.map { "\($0.gate.name): \($0.reason)" })),
        .init(.time(decision.createdAt), .dim),
        .init(.init(decision.note)),
      ])
    }
    return table
  }
}

extension [Int] {
  /// A shape as `30522×384`.
  var value: Value {
    .structure(.array(map { .integer(Int64($0)) }), text: map(String.init).joined(separator: "×"))
  }
}

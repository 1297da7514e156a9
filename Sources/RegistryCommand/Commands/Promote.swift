import ArgumentParser
import Catalog
import Promotion
import Storage
import Workspace

struct Promote: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judges a version by its gates and moves an alias to it, or refuses (exit 5).",
    discussion: """
      Examples:
        registry promote reviews/best --to prod
        registry promote reviews:7 --to prod --note 'replay 10 %'
        registry promote reviews:7 --to prod --waive metric --reason 'slang'
      """)

  @Argument(help: ArgumentHelp("The version.", valueName: "ref")) var reference: String
  @Option(help: ArgumentHelp("The alias.", valueName: "alias")) var to: String
  @Option(help: ArgumentHelp("Why.", valueName: "text")) var note: String?
  @Option(
    help: ArgumentHelp(
      "A gate that may fail this once: finite, frozen, parentage, metric.", valueName: "gate"))
  var waive: [String] = []
  @Option(
    help: ArgumentHelp("Why it may; one, or one a waived gate.", valueName: "text"))
  var reason: [String] = []
  @OptionGroup var globals: Globals

  func validate() throws {
    if waive.isEmpty, !reason.isEmpty { throw ValidationError("--reason needs a --waive") }
    guard waive.isEmpty || reason.count == 1 || reason.count == waive.count else {
      throw ValidationError(
        reason.isEmpty
          ? "--waive needs a --reason"
          : "--reason is given \(reason.count) times for \(waive.count) waived gates")
    }
  }

  func run() throws {
    let reference = try Reference(reference)
    let reasons = reason.count == 1 ? waive.map { _ in reason[0] } : reason
    let waivers = try zip(waive, reasons).map { try Promotion.Waiver($0, reason: $1) }
    try globals.writing { store in
      let version = try store.read { try reference.version($0) }
      let progress = Progress("judging", .bytes, globals)
      let decision = try Promotion.promote(
        version, to: to, note: note, waivers: waivers, in: store,
        progress: { progress.update(done: $0, total: $1) })
      progress.end()
      globals.show(try PromotionReport.make(decision, store))
      if let refusal = decision.refusal(of: version) { throw refusal }
    }
  }
}

struct Rollback: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Moves an alias back to the version that held it before.",
    discussion: """
      Examples:
        registry rollback reviews@prod
        registry rollback reviews@prod --note 'complaints about latency'
      """)

  @Argument(help: ArgumentHelp("The alias.", valueName: "model@alias")) var alias: String
  @Option(help: ArgumentHelp("Why.", valueName: "text")) var note: String?
  @OptionGroup var globals: Globals

  func run() throws {
    let alias = try AliasName(alias)
    let report = try globals.writing { store in
      let model = try store.read { try Reference.model(alias.model, $0) }
      let decision = try Promotion.rollback(alias.name, of: model, note: note, in: store)
      return try PromotionReport.make(decision, store)
    }
    globals.show(report)
  }
}

/// A decision with what each gate said.
enum PromotionReport {
  static func make(_ decision: Promotion, _ store: Store) throws -> Report {
    let (version, previous, wasSet) = try store.read { db in
      let version = try Version.get(id: decision.versionId, db)
      let log = try Model.get(id: version.modelId, db).aliasLog(decision.alias, db)
      return (
        version, try decision.previousVersionId.flatMap { try Version.find(id: $0, db) },
        log.count > 1
      )
    }
    let before = previous.map { ", before \($0.reference)" }
    var report = Report("promotion")
    report.add(gates(decision.gates))
    let alias = "\(version.modelName)@\(decision.alias)"
    switch decision.outcome {
    case .refused:
      report.line(
        .init("✗ ", .bad), .init(alias, .accent),
        .init(previous.map { " stays on \($0.reference)" } ?? " is not set"))
    case .unchanged:
      report.line(
        .init("✓ ", .good), .init(alias, .accent), .init(" is on \(version.reference) already"))
    case .promoted:
      let waived = decision.gates.count { $0.outcome == .waived }
      report.line(
        .init("✓ ", .good), .init(alias, .accent), .init(" → "), .init(version.reference, .bold),
        .init(before ?? (wasSet ? ", before unset" : ", the first holder")),
        .init(waived > 0 ? ", \(waived) waived" : "", .warning),
        .init(decision.eventSequence.map { "  event \($0)" } ?? "", .dim))
    }
    for member in decision.json(version: version.reference, previous: previous?.reference).members
      ?? [] where member.key != "gates"
    {
      report.data(member.key, member.value)
    }
    return report
  }

  private static func gates(_ results: [Gate.Result]) -> Table {
    var table = Table(
      "gates",
      [
        .init("outcome", "", pinned: true), .init("gate", pinned: true),
        .init("finding", "evidence", pinned: true, flexible: true), .init("evidence", hidden: true),
      ])
    for result in results {
      let outcome: Value.Outcome =
        switch result.outcome {
        case .ok: .ok
        case .fail: .fail
        case .waived: .warn
        case .notApplicable: .none
        }
      table.add([
        .init(
          .state(outcome, word: result.outcome.word, exact: result.outcome.rawValue),
          outcome.style), .init(.text(result.gate.name), .bold), .init(.text(result.finding)),
        .init(.structure(result.evidence, text: "")),
      ])
    }
    return table
  }
}

extension Gate.Result.Outcome {
  fileprivate var word: String { self == .notApplicable ? "n/a" : rawValue }
}

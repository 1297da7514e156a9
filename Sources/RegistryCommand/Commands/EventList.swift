import ArgumentParser
import Catalog
import GRDB
import Storage
import Tracking
import Workspace

struct EventCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "event", abstract: "The log of everything that changed.",
    discussion: """
      Examples:
        registry event ls
        registry event ls --subject reviews@prod --json
      """,
    subcommands: [EventList.self])
}

struct EventList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists what changed, the latest last.",
    discussion: """
      Examples:
        registry event ls
        registry event ls --subject sections@prod
        registry event ls --subject 7f3a
        registry event ls --kind alias.move --limit 100 --json
      """)

  @Option(
    help: ArgumentHelp(
      "Only events about this version, alias, model, experiment or run.", valueName: "ref"))
  var subject: String?
  @Option(help: ArgumentHelp("Only this kind, as noun.verb; may be repeated.", valueName: "kind"))
  var kind: [String] = []
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("At most so many, the latest.", valueName: "n"))
  var limit = 50
  @OptionGroup var globals: Globals

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit \(limit) is not a positive number") }
  }

  func run() throws {
    var table = Table(
      "events",
      [
        .init("sequence", "#", pinned: true), .init("time", "when"), .init("kind", pinned: true),
        .init("subject", pinned: true), .init("detail", pinned: true, flexible: true),
        .init("actor", "who"), .init("hash", hidden: true),
      ], emptyText: subject == nil && kind.isEmpty ? "nothing has happened yet" : "no event matches"
    )
    try globals.reading { store in
      try store.read { db in
        let about = try subject.map { try Self.subject($0, db) }
        for event in try Event.list(subject: about, kinds: kind, limit: limit, db) {
          let detail = (try? JSON.parse(Array(event.detail.utf8))) ?? .string(event.detail)
          let run = RunID(hex: event.subject)
          table.add(
            .integer(event.sequence), .time(event.time), .text(event.kind),
            .structure(
              .string(event.subject), text: run.map { "run \($0.short)" } ?? event.subject),
            .structure(detail, text: try EventText.summary(event, detail, db)),
            .text(event.actor), .text(event.hash.hex))
        }
      }
    }
    globals.show(Report(table))
  }

  /// What events call the thing that is meant: a run by all its digits, others as they are typed.
  private static func subject(_ text: String, _ db: Database) throws -> String {
    // A name that something has is meant as it stands, also when that is gone by now.
    guard try Event.list(subject: text, limit: 1, db).isEmpty else { return text }
    do {
      return try Run.resolve(text, db).id.hex
    } catch let error as RegistryError where error.kind == .notFound {
      guard case .run(let run)? = try? Reference(text).target(db) else { return text }
      return run.id.hex
    }
  }
}

/// What an event's detail says in one line; all of it is in JSON.
enum EventText {
  static func summary(_ event: Event, _ detail: JSON, _ db: Database) throws -> String {
    func text(_ key: String) -> String? { detail[key].flatMap { $0 == .null ? nil : $0.factsText } }
    switch event.kind {
    case "version.add", "version.rm":
      let count = detail["files"]?.members?.count ?? 0
      let parents = (detail["parents"]?.array ?? []).compactMap { parent in
        parent["version"]?.string.map { "\(parent["relation"]?.string ?? "") of \($0)" }
      }
      return (["\(count) file\(count == 1 ? "" : "s")"] + parents).joined(separator: ", ")
    case "promotion.add", "promotion.refuse", "promotion.rollback":
      let failed = (detail["gates"]?.array ?? []).filter { $0["outcome"] == "fail" }
        .compactMap { $0["gate"]?.string }
      let waived = (detail["waivers"]?.members ?? []).map {
        "waived \($0.key): \($0.value.string ?? "")"
      }
      let note = text("note").map { [$0] } ?? []
      return
        (["\(text("alias") ?? ""): \(text("outcome") ?? "")"]
        + (failed.isEmpty ? [] : ["by " + failed.joined(separator: ", ")]) + waived + note)
        .joined(separator: "  ")
    case "alias.move", "alias.rollback", "alias.unset":
      // Numbers alone could be anything's.
      let model = event.subject.split(separator: "@").first ?? ""
      func version(_ key: String) -> String { text(key).map { "\(model):\($0)" } ?? "unset" }
      let note = text("note").map { ["note=\($0)"] } ?? []
      let before = text("from") == nil ? "" : ", before \(version("from"))"
      return ([version("to") + before] + note).joined(separator: "  ")
    case "run.output":
      let id = detail["versionId"]?.integer
      let version = try id.map { try Version.find(id: $0, db)?.reference ?? "a removed version" }
      return version ?? "no version"
    default: return detail.factsText
    }
  }
}

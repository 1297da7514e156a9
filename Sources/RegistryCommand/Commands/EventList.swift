import ArgumentParser
import Storage

struct EventCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "event", abstract: "The log of everything that changed.",
    subcommands: [EventList.self])
}

struct EventList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists what changed, the latest last.",
    discussion: """
      Examples:
        registry event ls
        registry event ls --subject sections@prod
        registry event ls --kind alias.move --limit 100 --json
      """)

  @Option(help: ArgumentHelp("Only events about this reference.", valueName: "ref"))
  var subject: String?
  @Option(help: ArgumentHelp("Only this kind, as noun.verb; may be repeated.", valueName: "kind"))
  var kind: [String] = []
  @Option(help: ArgumentHelp("At most so many, the latest.", valueName: "n"))
  var limit = 50
  @OptionGroup var globals: Globals

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit \(limit) is not a positive number") }
  }

  func run() throws {
    let events = try globals.reading { store in
      try store.read { try Event.list(subject: subject, kinds: kind, limit: limit, $0) }
    }
    var table = Table(
      "events",
      [
        .init("sequence", "#", pinned: true), .init("time", "when"), .init("kind", pinned: true),
        .init("subject", pinned: true), .init("detail", pinned: true, flexible: true),
        .init("actor", "who"), .init("hash", hidden: true),
      ], emptyText: subject == nil && kind.isEmpty ? "nothing has happened yet" : "no event matches"
    )
    for event in events {
      let detail = (try? JSON.parse(Array(event.detail.utf8))) ?? .string(event.detail)
      table.add(
        .integer(event.sequence), .time(event.time), .text(event.kind), .text(event.subject),
        .structure(detail, text: EventText.summary(event.kind, detail)), .text(event.actor),
        .text(event.hash.hex))
    }
    globals.show(Report(table))
  }
}

/// What an event's detail says in one line; all of it is in JSON.
enum EventText {
  static func summary(_ kind: String, _ detail: JSON) -> String {
    func text(_ key: String) -> String? { detail[key].flatMap { $0 == .null ? nil : $0.factsText } }
    switch kind {
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
    default: return detail.factsText
    }
  }
}

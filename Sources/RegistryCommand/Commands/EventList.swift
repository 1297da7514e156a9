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

  func run() throws {
    let events = try globals.reading { store in
      try store.read { try Event.list(subject: subject, kinds: kind, limit: limit, $0) }
    }
    var table = Table(
      "events",
      [
        .init("sequence", "#", pinned: true), .init("time", "when"), .init("kind", pinned: true),
        .init("subject", pinned: true), .init("actor", "who"),
        .init("detail", flexible: true), .init("hash", hidden: true),
      ], emptyText: "nothing has happened yet")
    for event in events {
      let detail = (try? JSON.parse(Array(event.detail.utf8))) ?? .string(event.detail)
      table.add(
        .integer(event.sequence), .time(event.time), .text(event.kind), .text(event.subject),
        .text(event.actor), .structure(detail, text: detail.factsText),
        .text(event.hash.hex))
    }
    globals.show(Report(table))
  }
}

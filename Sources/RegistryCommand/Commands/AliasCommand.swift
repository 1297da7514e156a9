import ArgumentParser
import Catalog
import GRDB
import Promotion
import Storage
import Workspace

struct AliasCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alias", abstract: "Movable names on versions, with their history.",
    discussion: """
      Examples:
        registry alias ls
        registry alias log reviews@prod
        registry promote reviews/best --to prod
      """,
    subcommands: [AliasList.self, AliasLog.self, AliasRemove.self])
}

/// `model@alias` as typed.
struct AliasName {
  let model: String
  let name: String

  /// Reads it.
  init(_ text: String) throws(RegistryError) {
    let reference = try Reference(text)
    guard case .alias(let model, let name, 0) = reference.subject, reference.parents.isEmpty,
      reference.path == nil
    else {
      throw RegistryError(.invalidInput, "'\(text)' names no alias", hint: "MODEL@ALIAS does")
    }
    self.model = model
    self.name = name
  }
}

struct AliasList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists aliases and the versions that hold them.",
    discussion: """
      Examples:
        registry alias ls
        registry alias ls reviews
      """)

  @Argument(help: "Only this model's.") var model: String?
  @OptionGroup var globals: Globals

  func run() throws {
    var table = Table(
      "aliases",
      [
        .init("alias", pinned: true), .init("version", pinned: true), .init("since"),
        .init("actor", "by"), .init("note", flexible: true),
      ], emptyText: "no alias is set; registry promote REF --to ALIAS")
    try globals.reading { store in
      try store.read { db in
        let models = try model.map { [try Reference.model($0, db)] } ?? Model.list(db)
        for model in models {
          for alias in try model.aliases(db) {
            let last = try model.aliasLog(alias.name, db).last
            table.add([
              .init(.text("\(model.name)@\(alias.name)"), .accent),
              .init(.text(try Version.get(id: alias.versionId, db).reference), .bold),
              .init(last.map { .age($0.time) } ?? .none, .dim), .init(.init(last?.actor)),
              .init(.init(last?.note)),
            ])
          }
        }
      }
    }
    globals.show(Report(table))
  }
}

struct AliasLog: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Shows who put an alias where, when and why; the latest last.",
    discussion: """
      Examples:
        registry alias log reviews@prod
        registry alias log reviews@prod --json
      """)

  @Argument(help: ArgumentHelp("The alias.", valueName: "model@alias")) var alias: String
  @OptionGroup var globals: Globals

  func run() throws {
    let alias = try AliasName(alias)
    var table = Table(
      "entries",
      [
        .init("back", "", pinned: true), .init("version", pinned: true), .init("kind", "how"),
        .init("time", "when"), .init("actor", "by"), .init("sequence", "event"),
        .init("waived", flexible: true),
        .init("note", flexible: true),
      ])
    try globals.reading { store in
      try store.read { db in
        let model = try Reference.model(alias.model, db)
        let log = try model.aliasLog(alias.name, db)
        guard !log.isEmpty else { _ = try model.getAlias(alias.name, db); return }
        let decisions = try Promotion.list(of: model, alias: alias.name, db)
        for (index, entry) in log.enumerated() {
          // A promotion appends the move and then itself.
          let decision = decisions.first {
            $0.outcome == .promoted && $0.eventSequence == entry.sequence + 1
          }
          let waived = (decision?.usedWaivers ?? []).map { "\($0.gate.name): \($0.reason)" }
          let back = log.count - 1 - index
          let reference = back == 0 ? "@\(alias.name)" : "@\(alias.name)~\(back)"
          table.add([
            .init(.structure(.integer(Int64(back)), text: reference), back == 0 ? .accent : .dim),
            .init(
              entry.number.map {
                .structure(.string("\(model.name):\($0)"), text: "\(model.name):\($0)")
              }
                ?? .structure(.null, text: "unset"), .bold),
            .init(.text(String(entry.kind.split(separator: ".").last ?? ""))),
            .init(.time(entry.time), .dim), .init(.text(entry.actor)),
            .init(.integer(decision?.eventSequence ?? entry.sequence), .dim),
            .init(waived.isEmpty ? .none : .list(waived)), .init(.init(entry.note)),
          ])
        }
      }
    }
    globals.show(Report(table))
  }
}

struct AliasRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Takes an alias away; its log stays.",
    discussion: """
      Examples:
        registry alias rm reviews@staging
        registry alias rm reviews@prod --note 'the model is retired'
      """, aliases: ["unset"])

  @Argument(help: ArgumentHelp("The alias.", valueName: "model@alias")) var alias: String
  @Option(help: ArgumentHelp("Why.", valueName: "text")) var note: String?
  @OptionGroup var globals: Globals

  func run() throws {
    let alias = try AliasName(alias)
    let entry = try globals.writing { store in
      try store.write { db in
        let model = try Reference.model(alias.model, db)
        return try Alias.unset(alias.name, of: model, note: note, db)
      }
    }
    var report = Report("alias")
    report.add([
      .init("alias", "unset", .text("\(alias.model)@\(alias.name)")),
      .init("event", nil, .integer(entry.sequence)),
    ])
    globals.show(report)
  }
}

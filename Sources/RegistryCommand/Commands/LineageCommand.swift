import ArgumentParser
import Storage
import Workspace

struct LineageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lineage",
    abstract: "Shows what a version was made from, or what was made from it.",
    discussion: """
      Examples:
        registry lineage reviews@prod
        registry lineage bert-tiny:1 --down
        registry lineage bert-tiny --down --format dot | dot -Tsvg > lineage.svg
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, dot, mermaid, json
  }

  @Argument(help: ArgumentHelp("The version.", valueName: "ref")) var reference: String
  @Flag(help: "Looks at what was made from it.") var down = false
  @Option(help: ArgumentHelp("text, dot, mermaid or json.", valueName: "format"))
  var format: Format?
  @OptionGroup var globals: Globals

  func validate() throws {
    if format != nil, format != .text, !globals.isForPeople, !(format == .json && globals.json) {
      throw ValidationError("--format and the options for formats exclude each other")
    }
  }

  func run() throws {
    let reference = try Reference(reference)
    let lineage = try globals.reading { store in
      try store.read { db in
        try Lineage(of: try reference.version(db), down ? .descendants : .ancestors, db)
      }
    }
    switch format ?? (globals.json ? .json : .text) {
    case .dot: globals.output.write(lineage.dot)
    case .mermaid: globals.output.write(lineage.mermaid)
    case .json: globals.output.write(lineage.json.text(indent: 2) + "\n")
    case .text where globals.isForPeople:
      var report = Report()
      for line in lineage.text.split(separator: "\n") { report.line(String(line).printable) }
      globals.show(report)
    case .text: globals.show(Report(Self.edges(lineage)))
    }
  }

  /// The edges as a list, for CSV and Markdown.
  private static func edges(_ lineage: Lineage) -> Table {
    var table = Table("edges", [.init("parent"), .init("relation"), .init("child")])
    for edge in lineage.json["edges"]?.array ?? [] {
      table.add(
        .init(edge["parent"]?.string), .init(edge["relation"]?.string),
        .init(edge["child"]?.string))
    }
    return table
  }
}

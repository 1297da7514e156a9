import ArgumentParser
import Foundation
import Runner
import Storage
import Tracking

/// When colours are used.
enum ColorChoice: String, CaseIterable, ExpressibleByArgument {
  case auto, always, never
}

/// The options that every command takes, before its verb or after it.
struct Globals: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The store: a .registry folder or one that contains it (or REGISTRY_STORE).",
      valueName: "dir"), completion: .directory)
  var store: String?
  @Flag(help: "Answer as JSON.") var json = false
  @Flag(help: "Answer as CSV.") var csv = false
  @Flag(help: "Answer as Markdown.") var md = false
  @Flag(help: "Answer in plain ASCII, neither coloured nor fitted.") var plain = false
  @Option(help: ArgumentHelp("Colours: auto, always or never.", valueName: "when"))
  var color: ColorChoice = .auto
  @Flag(name: [.short, .long], help: "Say nothing but the answer and errors.") var quiet = false
  @Flag(name: [.short, .long], help: "Say more about what happens.") var verbose = false

  /// Names of the options without and with a value, for moving them behind the verb.
  static let flagNames: Set = [
    "--json", "--csv", "--md", "--plain", "--quiet", "-q", "--verbose", "-v",
  ]
  static let optionNames: Set = ["--store", "--color"]

  /// What ArgumentParser says of them in every usage line.
  static let usage =
    "[--store <dir>] [--json] [--csv] [--md] [--plain] [--color <when>] [--quiet] [--verbose]"

  func validate() throws {
    let formats = zip(["--json", "--csv", "--md", "--plain"], [json, csv, md, plain])
    let chosen = formats.filter(\.1).map(\.0)
    if chosen.count > 1 {
      throw ValidationError("\(chosen.joined(separator: " and ")) exclude each other")
    }
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
  }

  var format: OutputFormat {
    if json { return .json }
    if csv { return .csv }
    if md { return .markdown }
    return plain ? .plain : .people
  }

  /// Whether a person reads the answer.
  var isForPeople: Bool { format == .people || format == .plain }

  var output: Terminal { Terminal(1, color: color, isPlain: plain) }
  var errorOutput: Terminal { Terminal(2, color: color, isPlain: plain) }

  /// Prints an answer and, for people, what to type next.
  func show(_ report: Report) {
    output.write(report.text(format, output))
    if isForPeople || format == .markdown {
      for text in report.notes { note(plain ? text.inASCII : text, .dim) }
    }
    if let next = report.next, isForPeople, !quiet {
      let arrow = plain ? "-> " : "→ "
      errorOutput.write(errorOutput.styled(arrow + next.printable, .dim) + "\n")
    }
  }

  /// Tells people something beside the answer.
  func note(_ text: String, _ style: Style = .plain) {
    guard !quiet else { return }
    errorOutput.write(errorOutput.styled(text, style) + "\n")
  }

  /// The store's folder, found as git finds its own.
  func folder() throws -> URL {
    try Store.find(
      from: URL(filePath: FileManager.default.currentDirectoryPath), named: store,
      environment: ProcessInfo.processInfo.environment)
  }

  /// Runs a body on the store, open for reading.
  func reading<Result>(_ body: (Store) throws -> Result) throws -> Result {
    let store = try Store.open(try folder(), .read)
    defer { try? store.close() }
    return try body(store)
  }

  /// Runs a body on the store, open for writing.
  func writing<Result>(_ body: (Store) throws -> Result) throws -> Result {
    let store = try Store.open(try folder(), .write)
    let result: Result
    do {
      try settle(store)
      result = try body(store)
    } catch {
      try? store.close()
      throw error
    }
    try store.close()
    return result
  }

  /// Closes runs whose processes are gone; every command that writes does so first.
  func settle(_ store: Store) throws {
    for settled in try Abandoned.settle(store) {
      let run = "run \(settled.run.id.short) \(settled.run.name.printable)"
      if let fault = settled.fault {
        note("\(run) was abandoned and could not be closed: \(fault.message.printable)", .warning)
      } else {
        note("\(run) was abandoned and is closed now", .dim)
      }
    }
  }
}

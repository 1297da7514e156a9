import ArgumentParser
import Foundation
import Storage

/// Finds what the word at the cursor may become: verbs, options and, from the store, names.
///
/// All three shells ask `registry __complete WORD…`, the last word being the one at the cursor.
struct Completer {
  /// The hidden verb by which a shell asks.
  static let verb = "__complete"

  /// What may stand in a place.
  enum Answer: Equatable {
    case words([String])
    /// The shell knows these better.
    case files
  }

  /// A command as ArgumentParser describes it.
  private struct Command {
    let json: JSON

    var subcommands: [Command] {
      (json["subcommands"]?.array ?? []).map(Command.init).filter { $0.name != "help" }
    }
    var name: String { json["commandName"]?.string ?? "" }
    var isShown: Bool { json["shouldDisplay"] == true }
    /// The command that takes words which are no verb.
    var fallback: Command? {
      guard let name = json["defaultSubcommand"]?.string else { return nil }
      return subcommands.first { $0.name == name }
    }
    var arguments: [Argument] { (json["arguments"]?.array ?? []).map(Argument.init) }
    var positionals: [Argument] { arguments.filter { $0.kind == "positional" && !$0.isCommand } }
    var optionNames: [String] { arguments.flatMap(\.names) }

    func subcommand(_ word: String) -> Command? {
      subcommands.first {
        $0.name == word || $0.json["aliases"]?.array?.contains(.string(word)) == true
      }
    }
  }

  private struct Argument {
    let json: JSON

    var kind: String { json["kind"]?.string ?? "" }
    var valueName: String { json["valueName"]?.string ?? "" }
    var isRepeating: Bool { json["isRepeating"] == true }
    /// What stands behind `--`.
    var isCommand: Bool { json["parsingStrategy"] == "postTerminator" }
    var names: [String] {
      (json["names"]?.array ?? []).compactMap { name in
        name["name"]?.string.map { (name["kind"] == "long" ? "--" : "-") + $0 }
      }
    }
    var values: [String]? {
      json["completionKind"]?["list"]?["values"]?.array?.compactMap(\.string)
    }
    var isPath: Bool {
      json["completionKind"]?["file"] != nil || json["completionKind"]?["directory"] != nil
    }
  }

  private let words: [String]
  private let word: String

  /// Takes the words behind the program's name.
  init(_ words: [String]) {
    self.words = Verb.movingGlobals(Array(words.dropLast()))
    word = words.last ?? ""
  }

  /// What may stand in place of the last word.
  var answer: Answer {
    guard !words.contains("--") else { return .files }
    let dump = try? JSON.parse(Array(RegistryHelp._dumpHelp().utf8))
    var command = Command(json: dump?["command"] ?? .null)
    var rest = words[...]
    while let next = rest.first, let inner = command.subcommand(next) {
      command = inner
      rest.removeFirst()
    }
    var found: [String] = []
    if rest.allSatisfy({ $0.hasPrefix("-") }) || rest.isEmpty {
      found = command.subcommands.filter(\.isShown).map(\.name)
    }
    if let fallback = command.fallback { command = fallback }
    let (pending, position) = read(rest, command)
    if let pending { return values(of: pending, word) }
    if word.hasPrefix("-") { return option(command) }
    guard let argument = positional(position, command) else { return .words(matching(found, word)) }
    guard case .words(let more) = values(of: argument, word) else { return .files }
    return .words(matching(found, word) + more)
  }

  /// Goes through the words before; an option that waits for its value, and how many others there are.
  private func read(
    _ rest: ArraySlice<String>, _ command: Command
  ) -> (pending: Argument?, position: Int) {
    var pending: Argument?
    var position = 0
    for word in rest {
      if pending != nil {
        pending = nil
      } else if word.hasPrefix("-") {
        pending = command.arguments.first { $0.kind == "option" && $0.names.contains(word) }
      } else {
        position += 1
      }
    }
    return (pending, position)
  }

  private func positional(_ position: Int, _ command: Command) -> Argument? {
    let all = command.positionals
    if position < all.count { return all[position] }
    return all.last.flatMap { $0.isRepeating ? $0 : nil }
  }

  /// An option's name or, behind `=`, its value.
  private func option(_ command: Command) -> Answer {
    guard let sign = word.firstIndex(of: "=") else {
      return .words(matching(command.optionNames, word))
    }
    let name = String(word[..<sign])
    guard let argument = command.arguments.first(where: { $0.names.contains(name) }),
      case .words(let values) = values(of: argument, String(word[word.index(after: sign)...]))
    else { return .words([]) }
    return .words(values.map { "\(name)=\($0)" })
  }

  private func values(of argument: Argument, _ start: String) -> Answer {
    if argument.isPath { return .files }
    if let values = argument.values { return .words(matching(values, start)) }
    guard let kind = CompletionNames.Kind(valueName: argument.valueName) else { return .words([]) }
    let names = CompletionNames(start: start, words: words)
    return .words(matching(names.list(kind, in: storeFolder), start))
  }

  /// The store that is named, as other commands find it.
  private var storeFolder: URL? {
    let named =
      zip(words, words.dropFirst()).first { $0.0 == "--store" }?.1
      ?? words.first { $0.hasPrefix("--store=") }.map { String($0.dropFirst(8)) }
    return try? Store.find(
      from: URL(filePath: FileManager.default.currentDirectoryPath), named: named,
      environment: ProcessInfo.processInfo.environment)
  }

  private func matching(_ words: [String], _ start: String) -> [String] {
    words.filter { $0.utf8.starts(with: start.utf8) }
  }
}

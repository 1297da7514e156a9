import ArgumentParser

/// The words before a command's own arguments.
enum Verb {
  /// Moves options of all commands from before the verb to behind it, before a `--`.
  static func movingGlobals(_ arguments: [String]) -> [String] {
    var moved: [String] = []
    var rest = arguments[...]
    while let argument = rest.first {
      if Globals.flagNames.contains(argument)
        || Globals.optionNames.contains(where: { argument.hasPrefix($0 + "=") })
      {
        moved.append(argument)
        rest.removeFirst()
      } else if Globals.optionNames.contains(argument), rest.count > 1 {
        moved += rest.prefix(2)
        rest.removeFirst(2)
      } else {
        break
      }
    }
    let end = rest.firstIndex(of: "--") ?? rest.endIndex
    return Array(rest[..<end]) + moved + Array(rest[end...])
  }

  /// `help run ls` as `run ls --help`.
  static func expandingHelp(_ arguments: [String]) -> [String] {
    arguments.first == "help" ? arguments.dropFirst() + ["--help"] : arguments
  }

  /// The sentence about a command to run that does not stand behind `--`.
  static func unmarkedCommand(in arguments: [String]) -> (message: String, hint: String)? {
    let (path, _, rest) = descend(arguments)
    let words = rest.prefix { !$0.hasPrefix("-") }
    guard path == ["registry", "run"], !arguments.contains("--"), words.count > 1,
      let task = words.first
    else { return nil }
    return (
      "the command to run stands behind --, and '\(words[words.startIndex + 1])' does not",
      "registry run \(task) -- " + rest.dropFirst().joined(separator: " ")
    )
  }

  /// The sentence about a verb that does not exist, with the nearest one that does.
  static func unknown(in arguments: [String]) -> (message: String, hint: String)? {
    let (path, command, rest) = descend(arguments)
    let configuration = command.configuration
    guard !configuration.subcommands.isEmpty, configuration.defaultSubcommand == nil,
      let word = rest.first, !word.hasPrefix("-")
    else { return nil }
    let known = configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0.name }
    let typed = (path + [word]).joined(separator: " ")
    let near = known.min { word.distance(to: $0) < word.distance(to: $1) }
    if let near, word.distance(to: near) <= max(1, word.count / 3) {
      return ("no command '\(typed)'", (path + [near] + rest.dropFirst()).joined(separator: " "))
    }
    return ("no command '\(typed)'", (path + ["--help"]).joined(separator: " "))
  }

  /// The command that shows the help of what was typed.
  static func help(for arguments: [String]) -> String {
    (descend(arguments).path + ["--help"]).joined(separator: " ")
  }

  /// Whether another program is to be run: `registry run TASK … -- COMMAND`.
  static func runsCommand(_ arguments: [String]) -> Bool {
    arguments.contains("--") && descend(arguments).path == ["registry", "run"]
  }

  private static func descend(
    _ arguments: [String]
  ) -> (path: [String], command: any ParsableCommand.Type, rest: ArraySlice<String>) {
    var command: any ParsableCommand.Type = Registry.self
    var path = ["registry"]
    var rest = arguments[...]
    while let word = rest.first,
      let next = command.configuration.subcommands.first(where: { $0.name == word })
    {
      command = next
      path.append(word)
      rest.removeFirst()
    }
    return (path, command, rest)
  }
}

extension ParsableCommand {
  fileprivate static var name: String { configuration.commandName ?? _commandName }
}

extension String {
  /// The number of letters to add, remove, replace or swap with a neighbour (Damerau, restricted).
  fileprivate func distance(to other: String) -> Int {
    let (a, b) = (Array(self), Array(other))
    var before: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = Swift.min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          best = Swift.min(best, before[j - 1] + 1)
        }
        row.append(best)
      }
      (before, last) = (last, row)
    }
    return last[b.count]
  }
}

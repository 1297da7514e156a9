import Foundation
import Runner
import Storage

/// A command of the demo: what is said of it, its words, and how it must end.
struct DemoStep {
  /// Why it is typed; lines that a shell would skip as comments.
  let story: [String]
  /// The words after `registry`.
  let words: [String]
  /// The exit status that the story tells of.
  let status: Int32

  init(_ story: String..., run line: String, status: Int32 = 0) {
    self.story = story
    self.words = line.split(separator: " ").map(String.init)
    self.status = status
  }

  /// Shows the command as a person would type it, runs it, and shows how it ended.
  ///
  /// - Parameter globals: The demo's own options, of which the command gets those of style.
  /// - Throws: `RegistryError` when it ends in another way than the story tells; an exit status
  ///   when this process was asked to end.
  func run(_ globals: Globals) throws {
    let terminal = globals.output
    let all = words + Self.style(globals)
    var text = "\n"
    for line in story { text += terminal.styled("# " + line, .dim) + "\n" }
    for (index, line) in Self.lines(["registry"] + all).enumerated() {
      text += terminal.styled((index == 0 ? "$ " : "    ") + line, .bold) + "\n"
    }
    terminal.write(text)
    let ended = try OwnCommand.run(all, environment: Self.colours(globals))
    if ended.isInterrupted { throw DemoInterrupted(status: ended.status) }
    if ended.status != 0 { terminal.write(terminal.styled("[exit \(ended.status)]", .dim) + "\n") }
    guard ended.status != status else { return }
    throw RegistryError(
      .unavailable,
      "the demo stops: the last command ended with \(ended.status), not \(status)",
      hint: "what it made so far stays; registry demo OTHER-FOLDER begins anew")
  }

  /// The command in lines of at most 76 columns, to be pasted into a shell; options stay with
  /// their values.
  static func lines(_ words: [String]) -> [String] {
    var groups: [String] = []
    for word in words.map({ ShellWords.text([$0]) }) {
      if let last = groups.last, last.hasPrefix("--"), !last.contains(" "), !word.hasPrefix("--") {
        groups[groups.count - 1] += " " + word
      } else {
        groups.append(word)
      }
    }
    var lines: [String] = []
    var line = ""
    for group in groups {
      if !line.isEmpty, line.width + 1 + group.width > 72 {
        lines.append(line + " \\")
        line = group
      } else {
        line += (line.isEmpty ? "" : " ") + group
      }
    }
    return lines + [line]
  }

  private static func style(_ globals: Globals) -> [String] {
    [("--plain", globals.plain), ("-q", globals.quiet), ("-v", globals.verbose)]
      .filter(\.1).map(\.0)
  }

  /// `--color` as variables that every command obeys, so that it need not be typed.
  private static func colours(_ globals: Globals) -> [String: String] {
    switch globals.color {
    case .auto: [:]
    case .always: ["NO_COLOR": "", "CLICOLOR_FORCE": "1"]
    case .never: ["NO_COLOR": "1"]
    }
  }
}

/// The demo was asked to end.
struct DemoInterrupted: Error {
  let status: Int32
}

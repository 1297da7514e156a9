import ArgumentParser
import Foundation
import Storage

/// Why a command ends without having done what it was asked: the one place of words and exit codes.
struct Failure {
  private let kind: String
  private let message: String
  private let hint: String?
  let exitCode: Int32

  /// Makes words of an error.
  ///
  /// - Parameters:
  ///   - error: What was thrown.
  ///   - arguments: The command line, for a guess at a mistyped verb.
  init(_ error: any Error, arguments: [String]) {
    if let error = error as? RegistryError {
      kind = error.kind.rawValue
      message = error.message
      hint = error.hint
      exitCode = error.kind.exitCode
    } else if Registry.exitCode(for: error) == .validationFailure {
      kind = RegistryError.Kind.invalidInput.rawValue
      exitCode = RegistryError.Kind.invalidInput.exitCode
      let guess = Verb.unknown(in: arguments) ?? Verb.unmarkedCommand(in: arguments)
      message = guess?.message ?? Registry.message(for: error).withoutUsage
      hint = guess?.hint ?? Verb.help(for: arguments)
    } else {
      kind = "defect"
      message = "\(error)"
      hint = "this is a defect of registry; please report it with the command that you typed"
      exitCode = 1
    }
  }

  /// Writes the error to the error stream: for people, or as `{"error": {…}}`.
  func show(asJSON: Bool, _ terminal: Terminal) {
    if asJSON {
      let error: JSON = [
        "error": ["kind": .string(kind), "message": .string(message), "hint": JSON(hint)]
      ]
      terminal.write(error.text() + "\n")
      return
    }
    let lines = message.split(separator: "\n").map { String($0).printable }
    var text = terminal.styled("error:", .bad) + " " + lines.joined(separator: "\n") + "\n"
    if let hint { text += terminal.styled("hint:", .accent) + "  " + hint.printable + "\n" }
    terminal.write(terminal.isASCII ? text.inASCII : text)
  }
}

extension RegistryError.Kind {
  /// The exit code of design §8.
  var exitCode: Int32 {
    switch self {
    case .invalidInput: 2
    case .notFound, .ambiguous: 3
    case .denied: 4
    case .refused: 5
    case .conflict: 6
    case .corrupt: 7
    case .unavailable: 8
    }
  }
}

extension String {
  /// ArgumentParser's sentence in our form: one clause, without usage and lists of bullets.
  fileprivate var withoutUsage: String {
    let lines = split(separator: "\n").prefix { !$0.hasPrefix("Usage:") && !$0.hasPrefix("  See ") }
    let values = lines.dropFirst().compactMap { $0.firstMatch(of: #/^ *- (.*)$/#).map { $0.1 } }
    var text = String(lines.first ?? "")
    if text.hasPrefix("Error: ") { text.removeFirst(7) }
    if !values.isEmpty { text += " " + values.joined(separator: ", ") }
    text = text.replacing(
      #/The value '(.*)' is invalid for '(?:(--[a-z-]+) )?<key=value>'/#
    ) { "'\($0.1)' is not key=value\($0.2.map { " (\($0))" } ?? "")" }
    return text.prefix(1).lowercased() + text.dropFirst()
  }
}

// The room of the command line: words, flags, tables and exit codes over the verbs of the rooms below.
// A command opens the store, calls one verb, and tells its answer once, as a Report; the format is
// chosen in one place, and so are the words and codes of what goes wrong.

import ArgumentParser
import Foundation
import Runner
import Storage

/// The root of the command line.
@main
struct Registry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry",
    abstract: "Tracks experiments and keeps models: fine-tune, compare, promote, reuse.",
    discussion: """
      Examples:
        registry init
        registry base add ./bert-tiny
        registry fork bert-tiny reviews --metric val/f1:max
        registry run reviews --set lr=3e-5 -- python train.py --lr {lr}
        registry compare reviews:2 reviews:3
        registry promote reviews/best --to prod
      """,
    version: "0.1.0",
    subcommands: [
      Init.self, ExperimentCommand.self, RunCommand.self, EventCommand.self, Completion.self,
    ])

  static func main() async {
    if CommandLine.arguments.dropFirst().first == Guard.verb { Foundation.exit(Guard.main()) }
    let arguments = Verb.movingGlobals(Array(CommandLine.arguments.dropFirst()))
    do {
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      end(error, arguments)
    }
  }

  /// Says why the command ends, and ends it.
  private static func end(_ error: any Error, _ arguments: [String]) -> Never {
    if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
    let words = arguments.prefix { $0 != "--" }
    let isPlain = words.contains("--plain")
    if exitCode(for: error) == .success {  // help, the version, a completion script
      let text = fullMessage(for: error).replacing(Globals.usage, with: "[options]")
      Terminal(1, color: .never, isPlain: isPlain).write(text + "\n")
      Foundation.exit(0)
    }
    let failure = Failure(error, arguments: arguments)
    let color: ColorChoice =
      words.contains("--color=never") ? .never : words.contains("--color=always") ? .always : .auto
    failure.show(
      asJSON: words.contains("--json"), Terminal(2, color: color, isPlain: isPlain))
    Foundation.exit(failure.exitCode)
  }
}

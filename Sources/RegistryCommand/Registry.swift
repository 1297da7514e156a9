// The room of the command line: words, flags, tables and exit codes over the verbs of rooms below.
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
        registry demo
        registry init
        registry base add ./bert-tiny
        registry fork bert-tiny reviews --metric val/f1:max
        registry run reviews --set lr=3e-5 -- python train.py --lr {lr}
        registry compare reviews:2 reviews:3
        registry promote reviews/best --to prod
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(name: "To begin with", subcommands: [DemoCommand.self]),
      CommandGroup(
        name: "Models",
        subcommands: [
          Init.self, BaseCommand.self, ForkCommand.self, ModelCommand.self, VersionCommand.self,
          Diff.self, LineageCommand.self,
        ]),
      CommandGroup(
        name: "Runs",
        subcommands: [RunCommand.self, ExperimentCommand.self, Compare.self, Best.self]),
      CommandGroup(
        name: "Releases",
        subcommands: [Promote.self, Rollback.self, AliasCommand.self, EventCommand.self]),
      CommandGroup(
        name: "Upkeep",
        subcommands: [
          VerifyCommand.self, BackupCommand.self, CollectCommand.self, DiskUsageCommand.self,
          Completion.self,
        ]),
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
    if exitCode(for: error) == .success {  // help, the version, a completion script
      let asked = fullMessage(for: error)
      let text = (RunTask.help(inPlaceOf: asked) ?? asked)
        .replacing(Globals.usage, with: "[options]")
      Terminal(1, color: .never, isPlain: false).write(text + "\n")
      Foundation.exit(0)
    }
    let failure = Failure(error, arguments: arguments)
    show(failure, arguments)
    // A command that should have been run did not start: that is never the command's own status.
    Foundation.exit(Verb.runsCommand(arguments) ? 125 : failure.exitCode)
  }

  /// The options are looked for here, since they may be what could not be read.
  private static func show(_ failure: Failure, _ arguments: [String]) {
    let words = arguments.prefix { $0 != "--" }
    func isGiven(_ option: String, _ value: String) -> Bool {
      words.contains("\(option)=\(value)")
        || zip(words, words.dropFirst()).contains { $0 == (option, value) }
    }
    let color: ColorChoice =
      isGiven("--color", "never") ? .never : isGiven("--color", "always") ? .always : .auto
    failure.show(
      asJSON: words.contains("--json"),
      Terminal(2, color: color, isPlain: words.contains("--plain")))
  }
}

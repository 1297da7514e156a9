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
          TensorCommand.self, Diff.self, LineageCommand.self,
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
          VerifyCommand.self, RepairCommand.self, BackupCommand.self, CollectCommand.self,
          CompactCommand.self, DiskUsageCommand.self, CompletionCommand.self,
        ]),
    ])

  static func main() async {
    StandardDescriptors.fill()
    if CommandLine.arguments.dropFirst().first == Guard.verb { Foundation.exit(Guard.main()) }
    if CommandLine.arguments.dropFirst().first == Completer.verb { Foundation.exit(complete()) }
    let arguments = Verb.expandingHelp(
      Verb.movingGlobals(Array(CommandLine.arguments.dropFirst())))
    do {
      try await perform(arguments)
      try Terminal.checkOutput()
      Foundation.exit(0)
    } catch let code as ExitCode {
      Foundation.exit(code.rawValue)
    } catch {
      let failure = Failure(error, arguments: arguments)
      show(failure, arguments)
      // A command that should have been run did not start: that is never the command's own status.
      Foundation.exit(Verb.runsCommand(arguments) ? 125 : failure.exitCode)
    }
  }

  /// Prints what the last word may become; 1 where that is a file.
  private static func complete() -> Int32 {
    guard case .words(let words) = Completer(Array(CommandLine.arguments.dropFirst(2))).answer
    else { return 1 }
    Terminal(1, color: .never, isPlain: false).write(words.map { $0.printable + "\n" }.joined())
    return 0
  }

  /// Runs the command that was typed, or says what was asked of it.
  private static func perform(_ arguments: [String]) async throws {
    do {
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch  where exitCode(for: error) == .success {
      if error is ExitCode { return }
      if let unknown = Verb.unknown(in: arguments) {
        throw RegistryError(.invalidInput, unknown.message, hint: unknown.hint)
      }
      let asked = fullMessage(for: error)  // help, the version, a completion script
      let text = (RunTask.help(inPlaceOf: asked) ?? RegistryHelp.text(inPlaceOf: asked) ?? asked)
        .replacing(Globals.usage, with: "[options]")
      Terminal(1, color: .never, isPlain: false).write(text + "\n")
    }
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

/// The root with the options of all commands, for its help and for completion.
///
/// The root itself must not have them: it would take `-v` out of `--sort -val/f1` behind a verb.
struct RegistryHelp: ParsableCommand {
  static let configuration = Registry.configuration

  @OptionGroup var globals: Globals

  static func text(inPlaceOf text: String) -> String? {
    text == Registry.helpMessage() ? helpMessage() : nil
  }
}

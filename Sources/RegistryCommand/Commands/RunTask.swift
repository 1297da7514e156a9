import ArgumentParser
import Foundation
import Runner
import Storage
import Tracking
import Workspace

struct RunTask: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "_",
    abstract: "Runs a command for a task; its output folder becomes the next version.",
    usage: """
      registry run <task> [options] -- <command> ...
             registry run <task> --data <file> [options]
      """,
    discussion: """
      Examples:
        registry run reviews --set lr=3e-5 -- python train.py --lr {lr}
        registry run reviews --seed 1 --freeze 'embeddings.*' -- python train.py
        registry run reviews --from reviews@prod --name second-try -- ./train.sh
        registry run reviews --scratch --output-exclude '*.log' -- python train.py
        registry run digits --data train.csv --hold-out 0.2 --set lr=0.003
        registry run digits --data train.csv --validation val.csv --freeze '0.*'

      The command finds REGISTRY_BASE_DIR, REGISTRY_OUTPUT_DIR, REGISTRY_METRICS,
      REGISTRY_PARAMETERS, REGISTRY_PARAM_<key>, REGISTRY_SEED and REGISTRY_FREEZE.
      Its exit status is passed through; 125 means that registry itself failed.

      Without a command, the built-in trainer fine-tunes a dense network on rows of
      numbers; its config.json says "architecture": "mlp". It takes with --set:

      \(TrainingOptions.hyperparameters)
      """, shouldDisplay: false)

  @Argument(help: "The task or experiment.") var task: String
  @Option(help: ArgumentHelp("Starts from this version, not the task's.", valueName: "ref"))
  var from: String?
  @Flag(help: "Starts from nothing.") var scratch = false
  @Option(
    help: ArgumentHelp(
      "A parameter, also for {key} in the command; may be repeated.", valueName: "key=value"))
  var set: [Assignment] = []
  @Option(parsing: .unconditional, help: ArgumentHelp("The seed.", valueName: "n")) var seed: Int64?
  @Option(
    help: ArgumentHelp(
      "Tensors of the base that shall not change; may be repeated.", valueName: "glob"))
  var freeze: [String] = []
  @Option(
    help: ArgumentHelp("Output that belongs to the version; may be repeated.", valueName: "glob"))
  var outputInclude: [String] = []
  @Option(
    help: ArgumentHelp(
      "Output that does not belong to the version; may be repeated.", valueName: "glob"))
  var outputExclude: [String] = []
  @Option(help: ArgumentHelp("The run's name; one is made otherwise.", valueName: "name"))
  var name: String?
  @Option(help: ArgumentHelp("A tag; may be repeated.", valueName: "key=value"))
  var tag: [Assignment] = []
  @Flag(help: "Finds no metrics in the output.") var noScrape = false
  @Argument(
    parsing: .postTerminator, help: ArgumentHelp("The command.", valueName: "command"))
  var command: [String] = []
  @OptionGroup(title: "Options of the built-in trainer") var training: TrainingOptions
  @OptionGroup var globals: Globals

  /// `run --help` tells of running a command and of the verbs of runs, which are two commands here.
  static func help(inPlaceOf text: String) -> String? {
    guard text == Registry.helpMessage(for: RunCommand.self),
      let verbs = text.range(of: "SUBCOMMANDS:")
    else { return nil }
    return Registry.helpMessage(for: RunTask.self) + "\n" + text[verbs.lowerBound...]
  }

  func run() async throws {
    guard !command.isEmpty else {
      try globals.reading { store in try store.read { _ = try Reference.experiment(task, $0) } }
      throw try train()
    }
    if let option = training.given {
      throw RegistryError(
        .invalidInput, "\(option) belongs to the built-in trainer, which runs without a command")
    }
    throw ExitCode(try await runToEnd().exitStatus)
  }

  private func runToEnd() async throws -> Runner.Outcome {
    let store = try Store.open(try globals.folder(), .write)
    do {
      try globals.settle(store)
      let output = EchoedOutput()
      let outcome = try await Runner.run(try request(), store, hooks(store, output))
      if globals.isForPeople, output.endsInsideLine { globals.errorOutput.write("\n") }
      try RunEnd(outcome, globals).show(store)
      try store.close()
      return outcome
    } catch {
      try? store.close()
      throw error
    }
  }

  /// The run as both ways of training are asked for it.
  func session() throws -> RunSession.Request {
    if let name { try Name.checkNew(name, noun: "run") }
    var session = RunSession.Request(task: task)
    session.from = from
    session.isScratch = scratch
    session.name = name
    session.tags = tag.map { Tag($0.key, $0.value) }
    session.seed = seed
    session.source.freeze = freeze
    return session
  }

  private func request() throws -> Runner.Request {
    var session = try session()
    session.parameters = set.map { Parameter($0.key, $0.value) }
    session.output.includes = outputInclude
    session.output.excludes = outputExclude
    let words = CommandLine.argumentBytes.suffix(command.count)
    var request = Runner.Request(session, command: Array(words))
    request.scrapes = !noScrape
    request.echoDescriptor = globals.isForPeople ? 1 : 2
    return request
  }

  private func hooks(_ store: Store, _ output: EchoedOutput) -> Runner.Hooks {
    var hooks = Runner.Hooks()
    hooks.started = { session in
      output.follow(Spool(session.run.id, store).outputPath)
      let base = session.baseReference.map { " from \($0.printable)" } ?? ""
      globals.note("run \(session.run.id.short) \(session.run.name.printable)\(base)", .dim)
      guard !noScrape else { return }
      globals.note("metrics: key=number and key:number in its output (registry run scrape)", .dim)
      guard globals.verbose else { return }
      for line in Scrape.rule.wrapped(to: globals.errorOutput.width ?? 100) {
        globals.note(line, .dim)
      }
    }
    let progress = Progress("storing the output", .bytes, globals)
    hooks.interrupted = {
      globals.note("the command has ended; its output is being stored", .warning)
    }
    hooks.stored = { progress.update(done: $0, total: 0) }
    return hooks
  }
}

/// The command's output, as far as what we say after it has to know.
private final class EchoedOutput {
  private var file: Int32 = -1

  deinit { if file >= 0 { _ = close(file) } }

  /// Keeps the file in reach, which is gone from its folder when the command has ended.
  func follow(_ path: String) {
    file = open(path, O_RDONLY | O_CLOEXEC)
  }

  /// Whether the output and our words go to one place, and the output did not end its last line.
  var endsInsideLine: Bool {
    var (output, errors, all) = (stat(), stat(), stat())
    guard fstat(1, &output) == 0, fstat(2, &errors) == 0, output.st_dev == errors.st_dev,
      output.st_ino == errors.st_ino, fstat(file, &all) == 0, all.st_size > 0
    else { return false }
    var last: UInt8 = 0
    return pread(file, &last, 1, all.st_size - 1) == 1 && last != 10
  }
}

extension CommandLine {
  /// The arguments byte for byte; `arguments` repairs what is not UTF-8.
  static var argumentBytes: [[UInt8]] {
    (0..<Int(argc)).compactMap { index in
      unsafeArgv[index].map { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
        .map { $0.map(UInt8.init(bitPattern:)) }
    }
  }
}

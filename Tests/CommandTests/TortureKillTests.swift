import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct KillTests {
    /// Attempts, of which half and more meet a live process; `REGISTRY_TEST_KILLS` makes more.
    private static let killCount =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_KILLS"].flatMap(Int.init) ?? 100

    @Test func `fifty kills lose nothing that was acknowledged`() throws {
      let seed =
        ProcessInfo.processInfo.environment["REGISTRY_TEST_SEED"].flatMap(UInt64.init)
        ?? UInt64.random(in: 0...UInt64.max)
      try withTemporaryFolder { folder in
        let siege = try Siege(folder, seed: seed)
        do {
          for _ in 0..<Self.killCount { try siege.attempt() }
          try siege.check()
        } catch {
          Issue.record("\(siege.story): \(error)")
        }
      }
    }
  }
}

/// One store, commands of which most are killed, and what was acknowledged.
private final class Siege {
  private enum Act: CaseIterable {
    case add, remove, log, run, promote, rollback, collect
  }

  private let witness: Witness
  private let seed: UInt64
  private var generator: SeededGenerator
  private var history: [String] = []

  /// How long each act takes undisturbed, in microseconds.
  private var durations: [Act: UInt32] = [:]
  /// How many kills met a process, and how many came after its end.
  private var killCount = 0
  private var lateCount = 0
  private var sourceCount: UInt64 = 0
  /// The seed of the source of each acknowledged version that was not asked to go.
  private var sources: [String: UInt64] = [:]
  private var removed: Set<String> = []
  private var steps: Int64 = 0
  private var acknowledgedSteps: Set<Int64> = []
  private var holder = "zoo:1"
  private let log: String

  private var folder: URL { witness.folder }

  /// What happened, for the one who must do it again.
  var story: Comment {
    Comment(rawValue: "REGISTRY_TEST_SEED=\(seed): \(history.joined(separator: " "))")
  }

  /// Makes the store and does each act once undisturbed.
  init(_ folder: URL, seed: UInt64) throws {
    self.seed = seed
    generator = SeededGenerator(seed: seed)
    witness = try Witness.start(folder)
    log = try Product.succeed("run", "start", "job", "--name", "hand", in: folder)
      .text.trimmingCharacters(in: .newlines)
    try Product.succeed("promote", "zoo:1", "--to", "prod", in: folder)
    for act in [Act.add, .add] + Act.allCases {
      let start = ContinuousClock.now
      try perform(act, isKilled: false)
      let took = start.duration(to: .now).components
      durations[act] = UInt32(took.seconds * 1_000_000 + took.attoseconds / 1_000_000_000_000)
    }
  }

  /// Does one act and kills it at a random moment.
  func attempt() throws {
    let acts: [Act] = [.add, .add, .remove, .log, .log, .run, .run, .promote, .rollback, .collect]
    try perform(acts.randomElement(using: &generator) ?? .add, isKilled: true)
  }

  private func perform(_ act: Act, isKilled: Bool) throws {
    history.append("\(act)")
    switch act {
    case .add: try add(isKilled)
    case .remove: try remove(isKilled)
    case .log: try logPoints(isKilled)
    case .run: try run(isKilled)
    case .promote: try move(["promote", target(), "--to", "prod"], act, isKilled)
    case .rollback: try move(["rollback", "zoo@prod"], act, isKilled)
    case .collect: _ = try result(.collect, ["gc"], isKilled)
    }
  }

  /// Starts the product and kills it at a random moment; what it left when it was acknowledged.
  private func result(
    _ act: Act, _ arguments: [String], _ isKilled: Bool, environment: [String: String] = [:]
  ) throws -> Product.Outcome? {
    let running = try Product.start(arguments, in: folder, environment: environment)
    if isKilled {
      usleep(.random(in: 0...(durations[act] ?? 0), using: &generator))
      running.send(SIGKILL)
    }
    let outcome = try running.finish()
    count(outcome, isKilled)
    if outcome.status == 128 + SIGKILL, isKilled { return nil }
    history.append("(\(outcome.status))")
    guard outcome.status == 0 else {
      throw Product.Failure(arguments: arguments, outcome: outcome)
    }
    return outcome
  }

  private func count(_ outcome: Product.Outcome, _ isKilled: Bool) {
    guard isKilled else { return }
    if outcome.status == 128 + SIGKILL { killCount += 1 } else { lateCount += 1 }
  }

  private func source(_ seed: UInt64) -> URL { folder.appending(path: "sources/\(seed)") }

  private func add(_ isKilled: Bool) throws {
    sourceCount += 1
    let source = try Checkpoint.write(to: source(sourceCount), seed: sourceCount)
    let arguments = ["version", "add", "zoo", source.path, "--parent", "zoo:1", "--json"]
    guard let outcome = try result(.add, arguments, isKilled) else { return }
    let answer = try JSON.parse(Array(outcome.output))
    let version = try #require(answer["version"]?["reference"]?.string)
    #expect(sources.updateValue(sourceCount, forKey: version) == nil, story)
  }

  /// An acknowledged version that has never held the alias goes.
  private func remove(_ isKilled: Bool) throws {
    let free = sources.keys.filter { !promoted.contains($0) }.sorted()
    guard let version = free.randomElement(using: &generator) else { return }
    sources[version] = nil
    if try result(.remove, ["version", "rm", version], isKilled) != nil { removed.insert(version) }
  }

  private func logPoints(_ isKilled: Bool) throws {
    let step = steps
    steps += 1
    let arguments = ["run", "log", log, "a=\(step)", "b=\(step)", "c=\(step)", "--step", "\(step)"]
    if try result(.log, arguments, isKilled) != nil { acknowledgedSteps.insert(step) }
  }

  /// The child notes each point after it has logged it, and the processes of its run before.
  private func run(_ isKilled: Bool) throws {
    let script = """
      echo $$ >> ../processes; echo $PPID >> ../processes; mkdir -p ../acks; i=0
      while [ $i -lt \(isKilled ? 1_000_000 : 200) ]; do
        echo "{\\"loss\\": $i, \\"step\\": $i}" >> "$REGISTRY_METRICS"
        echo $i > "../acks/$REGISTRY_RUN_ID"; i=$((i+1))
      done
      """
    let place = folder.appending(path: "place")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let command = ["run", "job", "--", "/bin/sh", "-c", "cd '\(place.path)'\n" + script]
    _ = try result(.run, command, isKilled)
  }

  private var promoted: Set<String> = ["zoo:1"]

  private func target() -> String {
    let version = sources.keys.sorted().randomElement(using: &generator) ?? "zoo:1"
    promoted.insert(version)
    return version
  }

  /// The alias stays or goes to where it was sent, wholly.
  private func move(_ arguments: [String], _ act: Act, _ isKilled: Bool) throws {
    let running = try Product.start(arguments, in: folder)
    if isKilled {
      usleep(.random(in: 0...(durations[act] ?? 0), using: &generator))
      running.send(SIGKILL)
    }
    let outcome = try running.finish()
    count(outcome, isKilled)
    history.append("(\(outcome.status))")
    let answer = try Product.json("version", "show", "zoo@prod", in: folder)
    let now = try #require(answer["version"]?["reference"]?.string)
    #expect(promoted.contains(now), story)
    switch (act, outcome.status) {
    case (.promote, 0): #expect(now == arguments[1], story)
    case (.promote, 128 + SIGKILL): #expect([holder, arguments[1]].contains(now), story)
    case (.rollback, 0): break
    case (.rollback, 128 + SIGKILL): break
    case (.rollback, 5): #expect(now == holder, story)  // nothing to go back to
    default: throw Product.Failure(arguments: arguments, outcome: outcome)
    }
    holder = now
  }

  /// After all kills: nothing that was acknowledged is missing, no process is left, the store is whole.
  func check() throws {
    #expect(killCount >= lateCount, "\(story): \(killCount) kills met a process")
    let processes = Product.processes(folder.appending(path: "processes"))
    #expect(!processes.isEmpty, story)
    #expect(Product.waits { !processes.contains(where: Product.isAlive) }, story)
    try Product.succeed("experiment", "add", "afterwards", in: folder)
    try checkVersions()
    try checkPoints()
    try checkRuns()
    try witness.checkHealth(story)
    try checkVersions()
  }

  private func checkVersions() throws {
    let versions = try witness.versions(of: "zoo")
    #expect(Set(versions).count == versions.count, story)
    #expect(Set(versions).isSuperset(of: sources.keys), story)
    #expect(removed.isDisjoint(with: versions), story)
    for version in versions where version != "zoo:1" {
      let config = try Product.succeed(
        "version", "export", version + "//config.json", folder.path, in: folder)
      #expect(!config.output.isEmpty, story)
      let path = folder.appending(path: "config.json")
      let found = try JSON.parse(Array(Data(contentsOf: path)))["seed"]?.integer
      try FileManager.default.removeItem(at: path)
      let seed = try #require(found.flatMap(UInt64.init(exactly:)), story)
      #expect(sources[version] ?? seed == seed, "\(story) \(version)")
      #expect(try witness.exportEquals(version, source(seed)), "\(story) \(version)")
    }
  }

  /// A command's points are there all or not at all.
  private func checkPoints() throws {
    let series = try ["a", "b", "c"].map { try witness.points(log, $0) }
    #expect(series[0] == series[1] && series[1] == series[2], story)
    #expect(Set(series[0].keys).isSuperset(of: acknowledgedSteps), story)
    for (step, value) in series[0] { #expect(value == Double(step), story) }
  }

  private func checkRuns() throws {
    let runs = try Product.json("run", "ls", "job", "--limit", "1000", in: folder)["runs"]?.array
    let states = Dictionary(
      uniqueKeysWithValues: (runs ?? []).compactMap { run in
        run["id"]?.string.map { ($0, run["status"]?.string) }
      })
    for (run, state) in states where run != log {
      #expect(state == "FAILED" || state == "FINISHED", "\(story) \(run) \(state ?? "")")
    }
    let acks = folder.appending(path: "acks")
    for run in try FileManager.default.contentsOfDirectory(atPath: acks.path) {
      let text = try String(contentsOf: acks.appending(path: run), encoding: .utf8)
      guard let last = Int64(text.trimmingCharacters(in: .newlines)) else { continue }
      let points = try witness.points(run, "loss")
      #expect(states[run] != nil, "\(story) \(run)")
      #expect(points.count >= last + 1, "\(story) \(run)")
      for (step, value) in points { #expect(value == Double(step), "\(story) \(run)") }
    }
  }
}

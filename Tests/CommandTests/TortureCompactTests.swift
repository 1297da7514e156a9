import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct CompactTests {
    /// Attempts, of which half and more meet a live process; `REGISTRY_TEST_KILLS` makes more.
    private static let killCount =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_KILLS"].flatMap(Int.init) ?? 100

    @Test func `fifty kills of compact and gc leave every version whole`() throws {
      let seed =
        ProcessInfo.processInfo.environment["REGISTRY_TEST_SEED"].flatMap(UInt64.init)
        ?? UInt64.random(in: 0...UInt64.max)
      try withTemporaryFolder { folder in
        var dynasty = try Dynasty(folder, seed: seed)
        do {
          for number in 1...Self.killCount {
            try dynasty.change()
            try dynasty.attempt()
            if number % 20 == 0 { try dynasty.check() }
          }
          try dynasty.end()
        } catch {
          Issue.record("\(dynasty.story): \(error)")
        }
      }
    }
  }
}

/// A store with a line of checkpoints, some of which go, and upkeep that is killed.
private struct Dynasty {
  private let witness: Witness
  private let seed: UInt64
  private var generator: SeededGenerator
  private var history: [String] = []
  /// The number of the source of each version that is there.
  private var sources: [String: Int] = ["zoo:1": 0]
  /// The line in order; a version descends from the one before it.
  private var line = ["zoo:1"]
  private var sourceCount = 0
  /// How long each verb takes undisturbed, in microseconds.
  private var durations: [String: UInt32] = [:]
  private var killCount = 0
  private var lateCount = 0

  private var folder: URL { witness.folder }
  var story: Comment {
    Comment(rawValue: "REGISTRY_TEST_SEED=\(seed): \(history.joined(separator: " "))")
  }

  init(_ folder: URL, seed: UInt64) throws {
    self.seed = seed
    generator = SeededGenerator(seed: seed)
    witness = try Witness.start(folder)
    try Checkpoint.write(to: source(0), seed: 0)
    for _ in 1...6 { try add() }
    for verb in ["gc", "compact"] {
      try remove()
      let start = ContinuousClock.now
      try Product.succeed(verb, in: folder)
      let took = start.duration(to: .now).components
      durations[verb] = UInt32(took.seconds * 1_000_000 + took.attoseconds / 1_000_000_000_000)
    }
  }

  private func source(_ number: Int) -> URL { folder.appending(path: "sources/\(number)") }

  /// A checkpoint more, which differs from the last as that does from the one before.
  private mutating func add() throws {
    sourceCount += 1
    let source = try Checkpoint.write(to: source(sourceCount), seed: UInt64(sourceCount))
    let parent = line[line.count - 1]
    let answer = try Product.json(
      "version", "add", "zoo", source.path, "--parent", parent, in: folder)
    guard let version = answer["version"]?["reference"]?.string else { return }
    history.append("+\(version)")
    line.append(version)
    sources[version] = sourceCount
  }

  /// A version in the middle of the line goes.
  private mutating func remove() throws {
    guard let version = line.dropFirst().dropLast().randomElement(using: &generator) else { return }
    try Product.succeed("version", "rm", version, in: folder)
    history.append("-\(version)")
    line.removeAll { $0 == version }
    sources[version] = nil
  }

  /// Makes work for upkeep.
  mutating func change() throws {
    try add()
    if line.count > 6 { try remove() }
  }

  /// Starts gc or, mostly, compact and kills it at a random moment.
  mutating func attempt() throws {
    let verb = ["gc", "compact", "compact", "compact"].randomElement(using: &generator) ?? "gc"
    let running = try Product.start([verb], in: folder)
    usleep(.random(in: 0...(durations[verb] ?? 0), using: &generator))
    running.send(SIGKILL)
    let outcome = try running.finish()
    history.append("\(verb)(\(outcome.status))")
    switch outcome.status {
    case 128 + SIGKILL: killCount += 1
    case 0: lateCount += 1
    default: throw Product.Failure(arguments: [verb], outcome: outcome)
    }
  }

  /// Every version is there, whole, and comes back byte for byte.
  func check() throws {
    #expect(try Set(witness.versions(of: "zoo")) == Set(sources.keys), story)
    for (version, number) in sources {
      #expect(try witness.exportEquals(version, source(number)), "\(story) \(version)")
    }
    let verified = try Product.run("verify", "--full", in: folder)
    #expect(verified.status == 0, "\(story) \(verified.text)\(verified.messages)")
  }

  func end() throws {
    #expect(killCount >= lateCount, "\(story): \(killCount) kills met a process")
    try check()
    try Product.succeed("compact", in: folder)
    try check()
    let left = try Product.json("compact", "--dry-run", in: folder)
    #expect(left["compact"]?["movedCount"]?.integer == 0, "\(story) \(left)")
    try witness.checkHealth(story)
  }
}

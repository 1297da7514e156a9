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

/// A store with a line of checkpoints that grows and goes again, of which other versions keep some:
/// so there are chunks that no version has but others are differences to.
private struct Dynasty {
  private let witness: Witness
  private let seed: UInt64
  private var generator: SeededGenerator
  private var history: [String] = []
  /// The number of the source of each version that is there.
  private var sources: [String: Int] = ["zoo:1": 0]
  /// The line in order; each descends from the one before it.
  private var line = ["zoo:1"]
  private var kept: [String] = []
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
    for verb in ["gc", "compact"] {
      try grow()
      try shrink()
      let start = ContinuousClock.now
      try Product.succeed(verb, in: folder)
      let took = start.duration(to: .now).components
      durations[verb] = UInt32(took.seconds * 1_000_000 + took.attoseconds / 1_000_000_000_000)
    }
  }

  private func source(_ number: Int) -> URL { folder.appending(path: "sources/\(number)") }

  private mutating func add(_ number: Int, to model: String, parent: String) throws -> String {
    let answer = try Product.json(
      "version", "add", model, source(number).path, "--parent", parent, in: folder)
    let version = answer["version"]?["reference"]?.string ?? ""
    history.append("+\(version)")
    sources[version] = number
    return version
  }

  private mutating func remove(_ version: String) throws {
    try Product.succeed("version", "rm", version, in: folder)
    history.append("-\(version)")
    sources[version] = nil
  }

  /// Four checkpoints more.
  private mutating func grow() throws {
    for _ in 1...4 {
      sourceCount += 1
      try Checkpoint.write(to: source(sourceCount), seed: UInt64(sourceCount))
      line.append(try add(sourceCount, to: "zoo", parent: line[line.count - 1]))
    }
  }

  /// The line goes, but for the content of one or two that another model keeps.
  private mutating func shrink() throws {
    for version in line.dropFirst().shuffled(using: &generator).prefix(.random(in: 1...2)) {
      kept.append(try add(sources[version] ?? 0, to: "kept", parent: "zoo:1"))
    }
    while line.count > 1 { try remove(line.removeLast()) }
    while kept.count > 5 {
      try remove(kept.remove(at: .random(in: kept.indices, using: &generator)))
    }
  }

  /// Makes work for upkeep.
  mutating func change() throws {
    if line.count == 1 { try grow() } else { try shrink() }
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
    let versions = try witness.versions(of: "zoo") + witness.versions(of: "kept")
    #expect(Set(versions) == Set(sources.keys), story)
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

import Foundation
import GRDB
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct RepairKillTests {
    private static let killCount =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_KILLS"].flatMap(Int.init) ?? 40

    private func damagedFiles(_ folder: URL) throws -> Set<String> {
      let outcome = try Product.run("verify", "--full", "--json", in: folder)
      let faults = try JSON.parse(Array(outcome.output))["verification"]?["faults"]?.array ?? []
      return Set(faults.flatMap { $0["files"]?.array ?? [] }.compactMap(\.string))
    }

    private func destroy(_ folder: URL) throws {
      let store = try Store.open(folder.appending(path: ".registry"), .write)
      try store.writeWithoutTransaction(.weights) { db in
        try db.execute(
          sql: """
            PRAGMA foreign_keys = OFF;
            UPDATE pack SET content = zeroblob(length(content));
            UPDATE segment SET offset = offset + 1 WHERE blobId % 3 = 0;
            DELETE FROM blob WHERE id % 5 = 0; DELETE FROM chunk WHERE id % 7 = 0;
            PRAGMA foreign_keys = ON
            """)
      }
      try store.close()
    }

    @Test func `a killed repair has made nothing worse, and the next one goes on`() throws {
      let seed =
        ProcessInfo.processInfo.environment["REGISTRY_TEST_SEED"].flatMap(UInt64.init)
        ?? UInt64.random(in: 0...UInt64.max)
      var generator = SeededGenerator(seed: seed)
      let story: Comment = "REGISTRY_TEST_SEED=\(seed)"
      try withTemporaryFolder { folder in
        let witness = try Witness.start(folder)
        for index in 1...6 {
          let source = folder.appending(path: "sources/\(index)")
          try Checkpoint.write(to: source, seed: UInt64(index))
          try Product.succeed("version", "add", "zoo", source.path, "--parent", "zoo:1", in: folder)
        }
        try Product.succeed("backup", "backup", in: folder)
        try destroy(folder)
        let start = ContinuousClock.now
        let whole = folder.appending(path: "whole")
        try FileManager.default.copyItem(
          at: folder.appending(path: ".registry"), to: whole)
        try Product.succeed("--store", whole.path, "repair", "--from", "backup", in: folder)
        let took = start.duration(to: .now).components
        let usual = UInt32(took.seconds * 1_000_000 + took.attoseconds / 1_000_000_000_000)
        var killed = 0
        var damaged = try damagedFiles(folder)
        for _ in 0..<Self.killCount {
          let running = try Product.start(["repair", "--from", "backup"], in: folder)
          usleep(.random(in: 0...usual, using: &generator))
          running.send(SIGKILL)
          let outcome = try running.finish()
          if outcome.status == 128 + SIGKILL { killed += 1 } else { try destroy(folder) }
          let now = try damagedFiles(folder)
          if outcome.status == 128 + SIGKILL { #expect(now.isSubset(of: damaged), story) }
          damaged = now
        }
        #expect(killed > 0, story)
        try Product.succeed("repair", "--from", "backup", in: folder)
        for index in 0...6 {
          let source = folder.appending(path: index == 0 ? "origin" : "sources/\(index)")
          #expect(try witness.exportEquals("zoo:\(index + 1)", source), "\(story) \(index)")
        }
        try witness.checkHealth(story)
      }
    }
  }
}

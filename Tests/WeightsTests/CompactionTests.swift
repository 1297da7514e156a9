import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

@Suite struct CompactionTests {
  @Test func `a dead version in the middle of a chain goes, and the store becomes smaller`() throws
  {
    var seed = Seeded(state: 71)
    try withBlobs { blobs in
      var family = Family(blobs)
      try family.add(model(&seed), parent: nil)
      for index in 1...3 { try family.add(family.step(from: index - 1, &seed), parent: index - 1) }
      family.forget(1)
      try family.collect()
      let kept = try blobs.counts().chunks
      let before = try family.recordBytes()
      let done = try family.compact(.needed)
      #expect(done.movedCount > 0 && done.savedBytes > 0)
      #expect(try family.recordBytes() == before - done.savedBytes)
      #expect(try blobs.counts().chunks < kept)
      try family.check()
    }
  }

  @Test func `a dead start stays while many need it, and goes when one is left`() throws {
    var seed = Seeded(state: 72)
    try withBlobs { blobs in
      var family = Family(blobs)
      try family.add(model(&seed), parent: nil)
      for _ in 1...3 { try family.add(family.step(from: 0, &seed), parent: 0) }
      family.forget(0)
      try family.collect()
      let before = try family.recordBytes()
      let done = try family.compact(.needed)
      #expect(try family.recordBytes() == before - done.savedBytes && done.savedBytes >= 0)
      try family.check()
      family.forget(2)
      family.forget(3)
      try family.collect()
      try family.compact(.needed)
      try family.check()
      #expect(try blobs.depths().allSatisfy { $0 == 0 })
    }
  }

  @Test func `chains that are too dear are made shorter`() throws {
    var seed = Seeded(state: 73)
    try withBlobs { blobs in
      var family = Family(blobs)
      try family.add(model(&seed), parent: nil)
      for index in 0..<4 { try family.add(family.step(from: index, &seed), parent: index) }
      #expect(try family.costlyCount() == 0)
      #expect(try family.compact(.needed).movedCount == 0)
      #expect(try family.costlyCount(costMax: 2) > 0)
      #expect(try family.compact(.needed, costMax: 2).movedCount > 0)
      #expect(try family.costlyCount(costMax: 2) == 0)
      #expect(try family.compact(.needed, costMax: 2).movedCount == 0)
      try family.check()
    }
  }

  @Test func `a smaller record against an ancestor is found`() throws {
    var seed = Seeded(state: 74)
    try withBlobs { blobs in
      var family = Family(blobs)
      try family.add(model(&seed), parent: nil)
      try family.add(family.step(from: 0, size: 0.000003, &seed), parent: 0)
      try family.add(family.step(from: 0, size: 1e-9, &seed), parent: 1)  // almost as it was
      let before = try family.recordBytes()
      #expect(try family.compact(.needed).movedCount == 0)
      let planned = try family.compact(.all, dryRun: true)
      #expect(try family.recordBytes() == before)
      let done = try family.compact(.all)
      #expect(done.savedBytes > before / 20)
      #expect(done.savedBytes == planned.savedBytes && done.movedCount == planned.movedCount)
      #expect(try family.recordBytes() == before - done.savedBytes)
      try family.check()
      #expect(try family.compact(.all).movedCount == 0)
    }
  }

  @Test func `what is damaged is left as it is and becomes no base`() throws {
    var seed = Seeded(state: 75)
    try withBlobs { blobs in
      var family = Family(blobs)
      try family.add(model(&seed), parent: nil)
      for index in 1...3 { try family.add(family.step(from: index - 1, &seed), parent: index - 1) }
      family.forget(2)
      try family.collect()
      try blobs.store.write(.weights) { db in
        try db.execute(
          sql: """
            UPDATE pack SET content = zeroblob(length(content))
            WHERE id = (SELECT packId FROM chunk WHERE depth = 2 ORDER BY lengthBytes DESC LIMIT 1)
            """)
      }
      let faults = try Blob.verify(blobs.store, full: true)
      try family.compact(.all, isChecked: false)
      #expect(try Blob.verify(blobs.store, full: true) == faults && !faults.isEmpty)
      for index in 0...1 { #expect(try blobs.export(family.digests[index]) == family.files[index]) }
    }
  }

  @Test(arguments: 1...6) func `any history of forks, checkpoints and removals stays whole`(
    number: UInt64
  ) throws {
    let state =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_SEED"].flatMap(UInt64.init) ?? 80 + number
    var seed = Seeded(state: state)
    try withBlobs { blobs in
      var family = Family(blobs)
      try family.add(family.small(&seed), parent: nil)
      var history: [String] = []
      for _ in 0..<40 {
        let act = ["add", "add", "chain", "forget", "forget", "again", "gc", "compact"]
          .randomElement(using: &seed)
        history.append(act ?? "")
        switch act {
        case "add":
          let parent = family.live.randomElement(using: &seed)
          let made = try parent.map { try family.step(from: $0, &seed) } ?? family.small(&seed)
          try family.add(made, parent: parent)
        case "chain":
          for _ in 0..<4 {
            let parent = family.files.count - 1
            let share = Float([0.001, 1].randomElement(using: &seed) ?? 1)
            let isLive = family.live.contains(parent)
            try family.add(
              family.step(from: parent, share: share, &seed), parent: isLive ? parent : nil)
          }
        case "forget": family.forget(family.live.randomElement(using: &seed) ?? 0)
        case "again": try family.again(.random(in: family.files.indices, using: &seed))
        case "gc": try family.collect()
        default:
          try family.collect()
          let before = try family.recordBytes()
          let costMax = Int.random(in: 1...4, using: &seed)
          let costly = try family.costlyCount(costMax: costMax)
          let done = try family.compact(
            Bool.random(using: &seed) ? .all : .needed, costMax: costMax, slices: &seed)
          let after = try family.recordBytes()
          #expect(after == before - done.savedBytes, "seed \(state): \(history)")
          #expect(costly > 0 || done.savedBytes >= 0, "seed \(state): \(history)")
          #expect(try family.costlyCount(costMax: costMax) == 0, "seed \(state): \(history)")
        }
        if act != "add" && act != "forget" { try family.check("seed \(state): \(history)") }
      }
    }
  }
}

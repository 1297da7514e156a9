import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

@Suite struct BlobCollectTests {
  private func collect(
    _ live: [Digest], _ blobs: BlobFixture, dryRun: Bool = false
  ) throws -> Blob.Collected {
    try blobs.store.withoutContentUsers {
      try Blob.collect(live: Set(live), in: blobs.store, dryRun: dryRun)
    }
  }

  /// A base with its children, all exported contents by their digests in order of import.
  private func fill(_ blobs: BlobFixture, _ seed: inout Seeded) throws -> [(Digest, [UInt8])] {
    let base = model(&seed)
    let parent = try blobs.add(safetensors(base), "model.safetensors").digest
    return try [(parent, safetensors(base))]
      + children(of: base, &seed).map { _, child in
        let content = safetensors(child)
        return (try blobs.add(content, "model.safetensors", parents: [parent]).digest, content)
      }
  }

  @Test func `gc takes exactly what nothing names, for every choice of survivors`() throws {
    var seed = Seeded(state: 21)
    try withBlobs { blobs in
      for _ in 0..<4 {
        let files = try fill(blobs, &seed)
        let live = files.filter { _ in Bool.random(using: &seed) }
        let planned = try collect(live.map(\.0), blobs, dryRun: true)
        #expect(try blobs.counts().blobs >= files.count)
        let taken = try collect(live.map(\.0), blobs)
        #expect(taken == planned)
        #expect(taken.blobCount >= files.count - live.count)
        #expect(try blobs.counts().blobs == live.count)
        #expect(try Blob.verify(blobs.store, full: true) == [])
        for (digest, content) in live { #expect(try blobs.export(digest) == content) }
        let again = try collect(live.map(\.0), blobs)
        #expect(again.blobCount == 0 && again.chunkCount == 0 && again.freedBytes == 0)
      }
      _ = try collect([], blobs)
      let counts = try blobs.counts()
      #expect(counts.blobs == 0 && counts.chunks == 0 && counts.packs == 0)
    }
  }

  @Test func `gc keeps the base that a survivor is a difference to, and gives space back`() throws {
    var seed = Seeded(state: 22)
    try withBlobs { blobs in
      let files = try fill(blobs, &seed)
      let full = blobs.store.sizeBytes(.weights)
      _ = try collect([files[1].0], blobs)
      #expect(try blobs.depths().contains(1))
      #expect(try blobs.depths().contains(0))
      #expect(try blobs.export(files[1].0) == files[1].1)
      #expect(blobs.store.sizeBytes(.weights) < full)
      _ = try collect([], blobs)
      #expect(blobs.store.sizeBytes(.weights) < 300_000)
    }
  }

  @Test func `gc takes the chunks that a broken import left, and the next import may use them`()
    throws
  {
    var seed = Seeded(state: 23)
    try withBlobs { blobs in
      let content = safetensors(model(&seed))
      let added = try blobs.add(content, "model.safetensors")
      try blobs.store.write(.weights) { try $0.execute(sql: "DELETE FROM blob") }
      #expect(try Blob.verify(blobs.store, full: true) == [])
      let again = try blobs.add(content, "model.safetensors")
      #expect(again.isNew && again.storedBytes == 0)
      try blobs.store.write(.weights) { try $0.execute(sql: "DELETE FROM blob") }
      let taken = try collect([], blobs)
      #expect(taken.blobCount == 0 && taken.freedBytes == added.storedBytes)
      #expect(try blobs.counts().packs == 0)
    }
  }

  @Test func `a pack is rewritten when a quarter of it is dead`() throws {
    var seed = Seeded(state: 24)
    try withBlobs { blobs in
      let shared = seed.bytes(300_000)
      let both = safetensors([
        MadeTensor("a", "U8", [300_000], shared),
        MadeTensor("b", "U8", [500_000], seed.bytes(500_000)),
      ])
      _ = try blobs.add(both, "both.safetensors")
      let content = safetensors([MadeTensor("a", "U8", [300_000], shared)])
      let alone = try blobs.add(content, "alone.safetensors").digest
      _ = try collect([alone], blobs)
      let (packed, live) = try blobs.store.read(.weights) { db in
        (
          try Int.fetchOne(db, sql: "SELECT sum(length(content)) FROM pack") ?? 0,
          try Int.fetchOne(db, sql: "SELECT sum(lengthBytes) FROM chunk") ?? 0
        )
      }
      #expect(Double(live) > 0.75 * Double(packed))
      #expect(try blobs.export(alone) == content)
    }
  }

  @Test func `removing a blob frees what only it needs`() throws {
    var seed = Seeded(state: 25)
    try withBlobs { blobs in
      let files = try fill(blobs, &seed)
      for (index, file) in files.enumerated() {
        let usage = try blobs.store.read(.weights) { try Blob.usage(of: [[file.0]], $0) }
        let removed = try blobs.store.withoutContentUsers {
          try Blob.remove([file.0, file.0], in: blobs.store)
        }
        #expect(removed.blobCount == 1)
        if index > 0 { #expect(removed.freedBytes == usage[0].uniqueBytes) }
        #expect(try Blob.verify(blobs.store, full: true) == [])
        for (digest, content) in files.dropFirst(index + 1) {
          #expect(try blobs.export(digest) == content)
        }
      }
      #expect(try blobs.counts().blobs == 0)
    }
  }

  @Test func `usage adds up and a fork costs nothing of its own`() throws {
    var seed = Seeded(state: 26)
    try withBlobs { blobs in
      let files = try fill(blobs, &seed)
      let digests = files.map(\.0)
      let groups = [[digests[0]], [digests[0]]] + digests.dropFirst().map { [$0] }
      let (usage, all) = try blobs.store.read(.weights) { db in
        (try Blob.usage(of: groups, db), try Blob.usage(of: [digests], db))
      }
      #expect(usage[0].uniqueBytes == 0 && usage[0] == usage[1])
      #expect(usage[0].logicalBytes == Int64(files[0].1.count))
      let withNewLayer = try #require(usage.last)
      #expect(withNewLayer.uniqueBytes > 5760 && withNewLayer.sharedBytes > 0)
      #expect(all[0].sharedBytes == 0)
      let stored = try blobs.store.read(.weights) {
        try Int64.fetchOne($0, sql: "SELECT sum(lengthBytes) FROM chunk")
      }
      #expect(all[0].uniqueBytes == stored)
      #expect(usage.reduce(0) { $0 + $1.uniqueBytes } <= all[0].uniqueBytes)
    }
  }

  @Test func `gc leaves every survivor whole after each of its steps`() throws {
    var seed = Seeded(state: 27)
    try withBlobs { blobs in
      var live: [(Digest, [UInt8])] = []
      for _ in 0..<4 {  // most of a pack is the survivor's, the rest dies
        let kept = MadeTensor("a", "U8", [700_000], seed.bytes(700_000))
        let other = MadeTensor("b", "U8", [400_000], seed.bytes(400_000))
        _ = try blobs.add(safetensors([kept, other]), "both.safetensors")
        let content = safetensors([kept])
        live.append((try blobs.add(content, "alone.safetensors").digest, content))
      }
      var stepCount = 0
      var broken: [String] = []
      _ = try blobs.store.withoutContentUsers {
        try Blob.collect(live: Set(live.map(\.0)), in: blobs.store) { _ in
          stepCount += 1
          let faults = (try? Blob.verify(blobs.store, full: true)) ?? []
          let found = try? blobs.store.read(.weights) { try Blob.list($0).count }
          if !faults.isEmpty || found != live.count { broken.append("\(stepCount): \(faults)") }
        }
      }
      #expect(stepCount > 2)
      #expect(broken == [])
      for (digest, content) in live { #expect(try blobs.export(digest) == content) }
    }
  }
}

import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// Counts commits of a connection.
private final class CommitCounter: TransactionObserver {
  private(set) var count = 0
  func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
  func databaseDidChange(with event: DatabaseEvent) {}
  func databaseDidCommit(_ db: Database) { count += 1 }
  func databaseDidRollback(_ db: Database) {}
}

@Suite struct BlobImportTests {
  private func moved(_ tensors: [MadeTensor], _ seed: inout Seeded) -> [MadeTensor] {
    tensors.map { tensor in
      let step = seed.weights(tensor.values.count)
      return MadeTensor(
        tensor.name, tensor.shape, zip(tensor.values, step).map { $0 + $1 * 0.001 })
    }
  }

  private func renamed(_ tensors: [MadeTensor], _ name: (String) -> String) -> [MadeTensor] {
    tensors.map { MadeTensor(name($0.name), $0.dtype, $0.shape, $0.content) }
  }

  @Test func `a thousand small files are one transaction, and all of them are there`() throws {
    var seed = Seeded(state: 61)
    try withBlobs { blobs in
      let counter = CommitCounter()
      try blobs.store.write(.weights) { $0.add(transactionObserver: counter) }
      let before = counter.count
      let work = try Blob.Import(to: blobs.store)
      var files: [(digest: Digest, content: [UInt8])] = []
      for number in 0..<1000 {
        let file = blobs.folder.appending(path: "\(number)")
        let content = seed.bytes(number % 7 == 0 ? 0 : 500 + number % 100)
        try Data(content).write(to: file)
        files.append((try work.add(file).digest, content))
      }
      #expect(try blobs.counts().blobs == 0)
      try work.commit()
      #expect(counter.count == before + 1)
      #expect(try blobs.counts().blobs == Set(files.map(\.digest)).count)
      #expect(try blobs.counts().packs == 1)
      for file in files { #expect(try blobs.export(file.digest) == file.content) }
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `what is here costs no transaction`() throws {
    var seed = Seeded(state: 62)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let first = try blobs.add(content, "a.safetensors")
      _ = try blobs.add([UInt8](repeating: 7, count: 3 << 20), "zeros.bin")
      let counter = CommitCounter()
      try blobs.store.write(.weights) { $0.add(transactionObserver: counter) }
      let before = counter.count
      _ = try blobs.add(content, "b.safetensors", parents: [first.digest])
      _ = try blobs.add(content, "b.safetensors")
      _ = try blobs.add([UInt8](repeating: 7, count: 3 << 20), "zeros.bin")
      #expect(counter.count == before)
    }
  }

  @Test func `content that stands in a file many times is stored once`() throws {
    var seed = Seeded(state: 63)
    let layer = seed.weights(300_000)
    let tensors = (0..<12).map { MadeTensor("layer.\($0).w", [300_000], layer) }
    try withBlobs { blobs in
      let added = try blobs.add(safetensors(tensors), "model.safetensors")
      #expect(try blobs.counts().chunks == 3)  // the header and two of the layer
      #expect(added.storedBytes < Int64(tensors[0].content.count))
      #expect(try blobs.export(added.digest) == safetensors(tensors))
    }
  }

  @Test func `a malformed file among others leaves the others as they are`() throws {
    var seed = Seeded(state: 64)
    let tensors = model(&seed)
    let content = safetensors(tensors)
    try withBlobs { blobs in
      func file(_ name: String, _ content: [UInt8]) throws -> URL {
        let file = blobs.folder.appending(path: name)
        try Data(content).write(to: file)
        return file
      }
      let work = try Blob.Import(to: blobs.store)
      let first = try work.add(try file("a.safetensors", content))
      let broken = try file("b.safetensors", content.dropLast())
      #expect(kind { _ = try work.add(broken) } == .invalidInput)
      let changing = try file("c.bin", content + [1])
      let error = #expect(throws: RegistryError.self) {
        try work.add(changing) { _ in _ = truncate(changing.path, 100) }
      }
      #expect(error?.kind == .invalidInput)
      // What the failed file had in work is not missing in the next one.
      let second = try work.add(try file("d.bin", content + [1]))
      try work.commit()
      #expect(try blobs.export(first.digest) == content)
      #expect(try blobs.export(second.digest) == content + [1])
      #expect(try blobs.counts().blobs == 2)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `tensors under other names, in other files and of other rows are differences`() throws
  {
    var seed = Seeded(state: 65)
    let base = model(&seed)
    let child = moved(base, &seed)
    var resized = child
    resized[0] = MadeTensor(
      "embeddings.weight", [3010, 192], child[0].values + seed.weights(10 * 192))
    let numbers = Dictionary(
      uniqueKeysWithValues: base.enumerated().map { ($1.name, "t\($0)") })
    try withBlobs { blobs in
      let halves = [Array(base[..<2]), Array(base[2...])].enumerated()
      let parents = try halves.map {
        try blobs.add(safetensors($1), "part-\($0).safetensors").digest
      }
      let alone = Int64(child.reduce(0) { $0 + $1.content.count })
      for (name, tensors) in [
        ("one file", child), ("a known prefix", renamed(child) { "model." + $0 }),
        ("an unknown prefix", renamed(child) { "net.inner." + $0 }), ("more rows", resized),
        ("unlike names", renamed(child) { numbers[$0] ?? $0 }),
      ] {
        let added = try blobs.add(safetensors(tensors), "model.safetensors", parents: parents)
        #expect(Double(added.storedBytes) < 0.7 * Double(alone), "\(name)")
        #expect(try blobs.export(added.digest) == safetensors(tensors), "\(name)")
        _ = try Blob.remove([added.digest], in: blobs.store)
      }
    }
  }

  @Test func `a merge takes each tensor from the parent that it is nearest to`() throws {
    var seed = Seeded(state: 66)
    let left = model(&seed)
    let right = model(&seed)
    let child = moved([left[0], right[1], left[2], right[3]], &seed)
    try withBlobs { blobs in
      let parents = try [left, right].map {
        try blobs.add(safetensors($0), "model.safetensors").digest
      }
      let both = try blobs.add(safetensors(child), "model.safetensors", parents: parents)
      #expect(try blobs.export(both.digest) == safetensors(child))
      _ = try Blob.remove([both.digest], in: blobs.store)
      let one = try blobs.add(
        safetensors(child), "model.safetensors", parents: Array(parents[..<1]))
      #expect(both.storedBytes < one.storedBytes)
    }
  }

  @Test func `a tensor is read without the records of others`() throws {
    var seed = Seeded(state: 67)
    var files = [model(&seed)]
    for _ in 0..<4 { files.append(moved(files[files.count - 1], &seed)) }
    try withBlobs { blobs in
      var digests: [Digest] = []
      for file in files {
        digests.append(
          try blobs.add(safetensors(file), "model.safetensors", parents: digests.suffix(1)).digest)
      }
      let tensor = try #require(
        try blobs.store.read(.weights) { try Tensor.list(of: digests[4], $0) }
          .first { $0.name == "layer.0.weight" })
      try blobs.store.write(.weights) { db in
        // Everything but the records of the tensor's chain is overwritten.
        let chain = try Row.fetchAll(
          db,
          sql: """
            WITH RECURSIVE chain (id) AS (
              SELECT ?1
              UNION ALL SELECT baseChunkId FROM chunk JOIN chain USING (id)
              WHERE baseChunkId IS NOT NULL
            )
            SELECT packId, offset, lengthBytes FROM chunk JOIN chain USING (id)
            """, arguments: [tensor.chunkIds[0]])
        #expect(chain.count == 5 && tensor.chunkIds.count == 1)
        for id in try Int64.fetchAll(db, sql: "SELECT id FROM pack") {
          let pack = try #require(
            try Data.fetchOne(db, sql: "SELECT content FROM pack WHERE id = ?", arguments: [id]))
          var damaged = [UInt8](repeating: 0xA5, count: pack.count)
          for row in chain where row["packId"] == id {
            let start: Int = row["offset"]
            let range = start..<start + (row["lengthBytes"] as Int)
            damaged.replaceSubrange(range, with: Array(pack)[range])
          }
          try db.execute(
            sql: "UPDATE pack SET content = ? WHERE id = ?", arguments: [Data(damaged), id])
        }
      }
      var content: [UInt8] = []
      try blobs.store.read(.weights) { try tensor.forEachChunk($0) { content += $0 } }
      #expect(content == files[4][1].content)
      #expect(kind { _ = try blobs.export(digests[4]) } == .corrupt)
    }
  }
}

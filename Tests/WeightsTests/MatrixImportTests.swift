import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// Children whose base must be cast, or which are merged adapters: through a store and back.
@Suite struct MatrixImportTests {
  private func base(_ seed: inout Seeded) -> [MadeTensor] {
    [
      MadeTensor("a.weight", [1600, 256], seed.weights(409_600)),
      MadeTensor("b.weight", [256, 320], seed.weights(81_920)),
      MadeTensor("b.bias", [320], seed.weights(320)),
    ]
  }

  /// The tensors with a product of random factors added to each matrix, as float32 adds.
  private func merged(
    _ tensors: [MadeTensor], rank: Int, _ seed: inout Seeded
  ) -> [MadeTensor] {
    tensors.map { tensor in
      guard tensor.shape.count == 2 else { return tensor }
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      let a = seed.weights(rows * rank)
      let b = seed.weights(rank * columns)
      var values = tensor.values
      for row in 0..<rows {
        for k in 0..<rank {
          let factor = a[row * rank + k]
          for column in 0..<columns {
            values[row * columns + column] += factor * b[k * columns + column]
          }
        }
      }
      return MadeTensor(tensor.name, tensor.shape, values)
    }
  }

  private func cast(_ tensors: [MadeTensor], to target: DType) throws -> [MadeTensor] {
    try tensors.map { tensor in
      let source = try #require(DType(safetensorsName: tensor.dtype))
      return MadeTensor(
        tensor.name, target.name, tensor.shape,
        PredictionTwin.cast(tensor.content, from: source, to: target))
    }
  }

  private func factorCount(_ blobs: BlobFixture) throws -> (factors: Int, users: Int) {
    try blobs.store.read(.weights) { db in
      let sql = "SELECT count(DISTINCT factorChunkId), count(factorChunkId) FROM chunk"
      let row = try Row.fetchOne(db, sql: sql)
      return (row?[0] ?? 0, row?[1] ?? 0)
    }
  }

  private func isExported(_ blobs: BlobFixture, _ digest: Digest, _ content: [UInt8]) throws -> Bool
  {
    try blobs.export(digest) == content
  }

  /// Adds a base of two matrices, one of them of two chunks, and an adapter merged into it; checks
  /// that the child costs little more than factors, which chunks of a matrix share, and comes back.
  private func withMergedAdapter(
    _ base: [UInt8], _ child: [UInt8], _ body: (BlobFixture, Digest) throws -> Void = { _, _ in }
  ) throws {
    try withBlobs { blobs in
      let parent = try blobs.add(base, "a.safetensors").digest
      let added = try blobs.add(child, "b.safetensors", parents: [parent])
      #expect(added.storedBytes < Int64(child.count / 10), "\(added.storedBytes)")
      #expect(try factorCount(blobs) == (2, 3))
      #expect(try isExported(blobs, added.digest, child))
      #expect(try Blob.verify(blobs.store, full: true) == [])
      try body(blobs, added.digest)
    }
  }

  @Test func `a merged adapter costs little more than its factors, and comes back`() throws {
    var seed = Seeded(state: 91)
    let base = base(&seed)
    let child = safetensors(merged(base, rank: 4, &seed))
    try withMergedAdapter(safetensors(base), child) { blobs, digest in
      let tensors = try blobs.store.read(.weights) { try Tensor.list(of: digest, $0) }
      let second = try blobs.store.read(.weights) { try tensors[0].chunk(at: 1, $0) }
      #expect(child.suffix(second.count + 4 * 82_240).starts(with: second))
      #expect(second.count == (409_600 - 262_144) * 4)
      // A child of the child is a difference to it.
      let next = safetensors(merged(base, rank: 1, &seed))
      let grandchild = try blobs.add(next, "c.safetensors", parents: [digest])
      #expect(try isExported(blobs, grandchild.digest, next))
    }
  }

  @Test func `an adapter merged into a pruned base that stays pruned costs as little`() throws {
    var seed = Seeded(state: 98)
    func pruned(_ tensors: [MadeTensor]) -> [MadeTensor] {
      tensors.map { tensor in
        // A tenth, spread as hashes are.
        let values = tensor.values.enumerated().map { index, value in
          ((UInt64(index) &* 0x9e37_79b9_7f4a_7c15) >> 32) % 10 == 0 ? 0 : value
        }
        return MadeTensor(tensor.name, tensor.shape, values)
      }
    }
    let base = base(&seed)
    let child = safetensors(pruned(merged(base, rank: 4, &seed)))
    try withMergedAdapter(safetensors(pruned(base)), child)
  }

  @Test(arguments: [DType.bf16, .f16, .f8E4M3, .f8E5M2, .f64])
  func `a cast of what is stored costs next to nothing, in both directions`(to: DType) throws {
    var seed = Seeded(state: 92)
    let base = base(&seed)
    let narrow = try cast(base, to: to)
    let (wide, other) = (safetensors(base), safetensors(narrow))
    try withBlobs { blobs in
      let parent = try blobs.add(wide, "a.safetensors").digest
      let added = try blobs.add(other, "b.safetensors", parents: [parent])
      // One header, and a record of some bytes for each chunk.
      #expect(added.storedBytes < 700, "\(added.storedBytes)")
      #expect(try isExported(blobs, added.digest, other))
    }
    let back = safetensors(try cast(narrow, to: .f32))
    try withBlobs { blobs in
      let parent = try blobs.add(other, "b.safetensors").digest
      let added = try blobs.add(back, "a.safetensors", parents: [parent])
      // A chunk of F64 has half of the elements, so every second half of F32 stands alone.
      let most = to == .f64 ? Int64(back.count / 2) : 700
      #expect(added.storedBytes < most, "\(added.storedBytes)")
      #expect(try isExported(blobs, added.digest, back))
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `an adapter that is merged before the cast is found beside the wide base`() throws {
    var seed = Seeded(state: 93)
    let base = base(&seed)
    let child = safetensors(try cast(merged(base, rank: 4, &seed), to: .bf16))
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let added = try blobs.add(child, "b.safetensors", parents: [parent])
      #expect(added.storedBytes < Int64(child.count / 8), "\(added.storedBytes)")
      #expect(try factorCount(blobs) == (2, 3))
      #expect(try isExported(blobs, added.digest, child))
    }
  }

  @Test func `gc keeps a factor for as long as something needs it`() throws {
    var seed = Seeded(state: 94)
    let base = base(&seed)
    let child = safetensors(merged(base, rank: 4, &seed))
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let added = try blobs.add(child, "b.safetensors", parents: [parent]).digest
      try blobs.store.withoutContentUsers {
        _ = try Blob.collect(live: [added], in: blobs.store)
      }
      #expect(try isExported(blobs, added, child))
      #expect(try Blob.verify(blobs.store, full: true) == [])
      try blobs.store.withoutContentUsers {
        _ = try Blob.collect(live: [], in: blobs.store)
      }
      #expect(try blobs.counts() == (0, 0, 0))
    }
  }

  @Test func `compaction leaves content as it is`() throws {
    var seed = Seeded(state: 95)
    let base = base(&seed)
    let child = safetensors(merged(base, rank: 4, &seed))
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let added = try blobs.add(child, "b.safetensors", parents: [parent]).digest
      let narrow = safetensors(try cast(base, to: .bf16))
      let third = try blobs.add(narrow, "c.safetensors", parents: [parent]).digest
      for live in [[parent, added, third], [added, third]] as [Set<Digest>] {
        try blobs.store.withoutContentUsers {
          var compaction = Compaction(.all, costMax: 0)
          while try !compaction.work(live: live, in: blobs.store, isOver: { false }) {}
          _ = try Blob.collect(live: live, in: blobs.store)
        }
        #expect(try isExported(blobs, added, child))
        #expect(try isExported(blobs, third, narrow))
        #expect(try Blob.verify(blobs.store, full: true) == [])
      }
    }
  }

  @Test func `a damaged factor is told, and mended by what needs it`() throws {
    var seed = Seeded(state: 96)
    let base = base(&seed)
    let child = safetensors(merged(base, rank: 4, &seed))
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let added = try blobs.add(child, "b.safetensors", parents: [parent]).digest
      try blobs.store.write(.weights) { db in
        // The last byte of a factor's record is of a checksum or of a value.
        try db.execute(
          sql: """
            UPDATE pack SET content = CAST(
              substr(content, 1, chunk.offset + chunk.lengthBytes - 1) || x'5a5b'
              || substr(content, chunk.offset + chunk.lengthBytes + 2) AS BLOB)
            FROM chunk WHERE chunk.packId = pack.id
              AND chunk.id = (SELECT min(factorChunkId) FROM chunk)
            """)
      }
      #expect(kind { _ = try blobs.export(added) } == .corrupt)
      #expect(try Blob.verify(blobs.store, full: true) != [])
      #expect(try blobs.add(child, "b.safetensors", parents: [parent]).digest == added)
      #expect(try isExported(blobs, added, child))
    }
  }

  @Test func `a factor that is a difference itself is corrupt`() throws {
    var seed = Seeded(state: 97)
    let base = base(&seed)
    let child = safetensors(merged(base, rank: 4, &seed))
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let added = try blobs.add(child, "b.safetensors", parents: [parent]).digest
      try blobs.store.write(.weights) { db in
        try db.execute(
          sql: """
            UPDATE chunk SET factorChunkId = (SELECT id FROM chunk WHERE depth > 0 LIMIT 1)
            WHERE factorChunkId IS NOT NULL
            """)
      }
      #expect(kind { _ = try blobs.export(added) } == .corrupt)
      #expect(try !Blob.verify(blobs.store, full: false).isEmpty)
    }
  }

  @Test func `a damaged factor is told by the file that needs it, and healed from what has it`()
    throws
  {
    var seed = Seeded(state: 97)
    let base = base(&seed)
    let files = [safetensors(base), safetensors(merged(base, rank: 4, &seed))]
    for isStore in [true, false] {
      try withBlobs { blobs in
        let parent = try blobs.add(files[0], "a.safetensors").digest
        let child = try blobs.add(files[1], "b.safetensors", parents: [parent]).digest
        let other = blobs.folder.appending(path: "child")
        try Data(files[1]).write(to: other)
        try withBlobs { copy in
          for file in files {
            _ = try copy.add(
              file, "a.safetensors", parents: file == files[0] ? [] : [parent])
          }
          try blobs.store.write(.weights) { db in
            try db.execute(
              sql: """
                UPDATE chunk SET offset = offset + 1
                WHERE id IN (SELECT factorChunkId FROM chunk WHERE factorChunkId IS NOT NULL)
                """)
          }
          let faults = try Blob.verify(blobs.store, full: true)
          #expect(faults.count == 2, "\(faults)")
          for fault in faults { #expect(fault.places.map(\.blob) == [child]) }
          var healing = Healing(
            blobs.store, named: [:], from: [isStore ? .store(copy.store) : .files([other])],
            aside: blobs.folder.appending(path: "aside"))
          try blobs.store.withoutContentUsers { try healing.run() }
          // Files have no factors: what needed them is stored otherwise, and they are dropped.
          #expect(healing.result.chunks.count == (isStore ? 2 : 3))
          #expect(healing.result.discardedCount == (isStore ? 0 : 2))
          #expect(try factorCount(blobs) == (isStore ? (2, 3) : (0, 0)))
        }
        #expect(try isExported(blobs, child, files[1]))
        #expect(try Blob.verify(blobs.store, full: true) == [])
      }
    }
  }
}

import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// An import has the bytes at hand, so that what is damaged in the store can be made whole by it.
@Suite struct BlobMendTests {
  /// Flips a bit in the middle of every pack, which damages at least one chunk of each.
  private func flip(_ blobs: BlobFixture) throws {
    try blobs.store.write(.weights) { db in
      for id in try Int64.fetchAll(db, sql: "SELECT id FROM pack") {
        var pack = try Data.fetchOne(
          db, sql: "SELECT content FROM pack WHERE id = ?", arguments: [id])
        if let count = pack?.count { pack?[count / 2] ^= 4 }
        try db.execute(sql: "UPDATE pack SET content = ? WHERE id = ?", arguments: [pack, id])
      }
    }
  }

  @Test func `a damaged chunk is stored anew when the same file comes again`() throws {
    var seed = Seeded(state: 51)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let first = try blobs.add(content, "a.safetensors")
      let counts = try blobs.counts()
      try flip(blobs)
      #expect(kind { _ = try blobs.export(first.digest) } == .corrupt)
      let again = try blobs.add(content, "b.safetensors")
      #expect(!again.isNew && again.storedBytes > 0)
      #expect(try blobs.counts().chunks == counts.chunks)
      #expect(try blobs.export(first.digest) == content)
      #expect(try Blob.verify(blobs.store, full: true) == [])
      #expect(try blobs.add(content, "c.safetensors").storedBytes == 0)
    }
  }

  @Test func `a damaged chunk is mended by any file that has it, for every file that has it`()
    throws
  {
    var seed = Seeded(state: 52)
    let base = model(&seed)
    let frozen = Array(base[..<3]) + [MadeTensor("head", [192], seed.weights(192))]
    try withBlobs { blobs in
      let first = try blobs.add(safetensors(base), "a.safetensors")
      try blobs.store.write(.weights) { db in  // all but the small last tensor and the header
        try db.execute(sql: "UPDATE pack SET content = zeroblob(length(content)) WHERE id = 1")
      }
      let other = try blobs.add(safetensors(frozen), "a.safetensors", parents: [first.digest])
      #expect(try blobs.export(other.digest) == safetensors(frozen))
      let tensors = try blobs.store.read(.weights) { try Tensor.list(of: first.digest, $0) }
      for (tensor, made) in zip(tensors, base).prefix(3) {
        var content: [UInt8] = []
        try blobs.store.read(.weights) { try tensor.forEachChunk($0) { content += $0 } }
        #expect(content == made.content)
      }
    }
  }

  @Test func `a chunk mended in the middle of a chain takes its differences with it`() throws {
    var seed = Seeded(state: 53)
    var tensors = [MadeTensor("w", [100, 100], seed.weights(10_000))]
    try withBlobs { blobs in
      var parents: [Digest] = []
      var files: [(digest: Digest, content: [UInt8])] = []
      for _ in 0..<5 {
        let content = safetensors(tensors)
        parents = [try blobs.add(content, "model.safetensors", parents: parents).digest]
        files.append((parents[0], content))
        tensors = [MadeTensor("w", [100, 100], tensors[0].values.map { $0 * 1.00001 })]
      }
      #expect(try blobs.depths().max() == 4)
      try blobs.store.write(.weights) { db in
        try db.execute(
          sql: """
            UPDATE pack SET content = zeroblob(length(content))
            WHERE id = (SELECT packId FROM chunk WHERE depth = 2)
            """)
      }
      for (index, file) in files.enumerated() {
        #expect(kind { _ = try blobs.export(file.digest) } == (index < 2 ? nil : .corrupt))
      }
      _ = try blobs.add(files[2].content, "model.safetensors", parents: [files[1].digest])
      for file in files { #expect(try blobs.export(file.digest) == file.content) }
      #expect(try blobs.depths().max() == 2)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test(arguments: [
    "UPDATE segment SET chunkIds = x'02'", "UPDATE segment SET offset = 5 WHERE position = 2",
    "UPDATE segment SET shape = '[4,' WHERE name IS NOT NULL", "DELETE FROM segment",
    "UPDATE blob SET sizeBytes = 9223372036854775807", "UPDATE chunk SET lengthBytes = 1 << 40",
    "UPDATE chunk SET sizeBytes = 1 << 40",
  ])
  func `damaged rows of a file are made anew when it comes again`(damage: String) throws {
    var seed = Seeded(state: 54)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let digest = try blobs.add(content, "a.safetensors").digest
      try blobs.store.write(.weights) { try $0.execute(sql: damage) }
      #expect((try? Blob.verify(blobs.store, full: false)) != [])
      #expect(try !blobs.add(content, "a.safetensors").isNew)
      #expect(try blobs.export(digest) == content)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `a file of tensors is mended under any name`() throws {
    var seed = Seeded(state: 55)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let digest = try blobs.add(content, "a.safetensors").digest
      try flip(blobs)
      _ = try blobs.add(content, "a.bin")
      #expect(try blobs.export(digest) == content)
      #expect(try blobs.store.read(.weights) { try Tensor.list(of: digest, $0) }.count == 4)
    }
  }

  @Test func `a malformed file can be kept as bytes whatever its name says`() throws {
    let content = safetensors(header: "[]")
    try withBlobs { blobs in
      let file = blobs.folder.appending(path: "model.safetensors")
      try Data(content).write(to: file)
      #expect(kind { _ = try Blob.add(file: file, to: blobs.store) } == .invalidInput)
      let added = try Blob.add(file: file, asBytes: true, to: blobs.store)
      #expect(try blobs.export(added.digest) == content)
    }
  }
}

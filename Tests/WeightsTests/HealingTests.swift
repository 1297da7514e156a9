import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// Content is put back from wherever it still is, and nothing that can be read is lost.
@Suite struct HealingTests {
  /// A base, a child and a text, as the store names them.
  private struct Content {
    var named: [Digest: Healing.Named] = [:]
    var files: [(digest: Digest, name: String, content: [UInt8])] = []

    init(_ blobs: BlobFixture, seed: UInt64) throws {
      var seed = Seeded(state: seed)
      let base = [
        MadeTensor("embeddings", [1400, 192], seed.weights(268_800)),  // of two chunks
        MadeTensor("layer.weight", [64, 64], seed.weights(4096)),
        MadeTensor("layer.bias", [64], seed.weights(64)),
      ]
      let first = try add(safetensors(base), "base.safetensors", [], blobs)
      let child = base.map { tensor in
        MadeTensor(tensor.name, tensor.shape, tensor.values.map { $0 * 1.0001 })
      }
      let second = try add(safetensors(child), "child.safetensors", [first], blobs)
      let next = child.map {
        MadeTensor($0.name, $0.shape, $0.values.map { $0 * 1.0001 })
      }
      _ = try add(safetensors(next), "next.safetensors", [second], blobs)
      _ = try add(seed.bytes(1_500_000), "vocab.txt", [], blobs)
    }

    private mutating func add(
      _ content: [UInt8], _ name: String, _ parents: [Digest], _ blobs: BlobFixture
    ) throws -> Digest {
      let digest = try blobs.add(content, name, parents: parents).digest
      named[digest] = .init(name: name, sizeBytes: Int64(content.count))
      files.append((digest, name, content))
      return digest
    }

    func expectWhole(_ blobs: BlobFixture, _ comment: Comment) throws {
      for file in files { #expect(try blobs.export(file.digest) == file.content, comment) }
      #expect(try Blob.verify(blobs.store, full: true) == [], comment)
    }
  }

  /// Changes rows behind the back of SQLite's checks.
  private func damage(_ store: Store, _ sql: String) throws {
    try store.writeWithoutTransaction(.weights) { db in
      try db.execute(
        sql: """
          PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; \(sql);
          PRAGMA ignore_check_constraints = OFF; PRAGMA foreign_keys = ON
          """)
    }
  }

  private static let damages = [
    // content
    "UPDATE pack SET content = zeroblob(length(content))",
    "UPDATE pack SET content = zeroblob(length(content)) WHERE id = 1",
    "UPDATE pack SET content = substr(content, 1, length(content) / 2)",
    "UPDATE pack SET content = x''", "DELETE FROM pack", "DELETE FROM pack WHERE id = 2",
    // rows of chunks
    "DELETE FROM chunk", "DELETE FROM chunk WHERE depth = 0", "DELETE FROM chunk WHERE depth = 1",
    "UPDATE chunk SET lengthBytes = 1 << 40", "UPDATE chunk SET offset = offset + 1",
    "UPDATE chunk SET sizeBytes = 1 << 40", "UPDATE chunk SET sizeBytes = sizeBytes + 1",
    "UPDATE chunk SET packId = 999", "UPDATE chunk SET depth = 7", "UPDATE chunk SET depth = -1",
    "UPDATE chunk SET baseChunkId = id WHERE depth > 0",
    "UPDATE chunk SET baseChunkId = 9999 WHERE depth = 2",
    "UPDATE chunk SET baseChunkId = NULL WHERE depth = 1",
    // rows of files
    "DELETE FROM blob", "DELETE FROM segment", "DELETE FROM blob; DELETE FROM segment",
    "DELETE FROM segment WHERE position = 2", "UPDATE segment SET chunkIds = x'02'",
    "UPDATE segment SET chunkIds = x'ff'", "UPDATE segment SET offset = 5 WHERE position = 2",
    "UPDATE segment SET shape = '[4,' WHERE name IS NOT NULL",
    "UPDATE segment SET sizeBytes = sizeBytes + 1", "UPDATE segment SET dtype = 'F64'",
    "UPDATE blob SET sizeBytes = 9223372036854775807", "UPDATE blob SET digest = randomblob(32)",
    // all of it
    "DELETE FROM blob; DELETE FROM segment; DELETE FROM chunk; DELETE FROM pack",
  ]

  private func heal(
    _ blobs: BlobFixture, _ content: Content, from sources: [HealingSource], dryRun: Bool = false
  ) throws -> Healing.Result {
    var healing = Healing(
      blobs.store, named: content.named, from: sources,
      aside: blobs.folder.appending(path: "aside"), dryRun: dryRun)
    try blobs.store.withoutContentUsers { try healing.run() }
    #expect(!FileManager.default.fileExists(atPath: blobs.folder.appending(path: "aside").path))
    return healing.result
  }

  @Test(arguments: damages)
  func `any damage of content and rows is healed from another store`(sql: String) throws {
    try withBlobs { blobs in
      let content = try Content(blobs, seed: 91)
      try withBlobs { other in  // another store, with other ids
        for file in content.files.reversed() { _ = try other.add(file.content, file.name) }
        try damage(blobs.store, sql)
        let planned = try heal(blobs, content, from: [.store(other.store)], dryRun: true)
        let healed = try heal(blobs, content, from: [.store(other.store)])
        #expect(healed.chunks.count + healed.blobs.count + healed.rowCount > 0)
        #expect(planned.rowCount == 0 && planned.storedBytes == 0)
        try content.expectWhole(blobs, "\(sql)")
        let again = try heal(blobs, content, from: [])
        #expect(again == Healing.Result())
      }
    }
  }

  @Test(arguments: damages)
  func `any damage of content and rows is healed from a folder of files`(sql: String) throws {
    try withBlobs { blobs in
      let content = try Content(blobs, seed: 92)
      let urls = try content.files.enumerated().map { number, file in
        let url = blobs.folder.appending(path: "\(number)")  // Hugging Face's cache has such names
        try Data(file.content).write(to: url)
        return url
      }
      try damage(blobs.store, sql)
      _ = try heal(blobs, content, from: [.files(urls)])
      try content.expectWhole(blobs, "\(sql)")
    }
  }

  @Test(arguments: [
    "UPDATE chunk SET depth = 7", "UPDATE chunk SET digest = randomblob(32) WHERE id = 2",
    "DELETE FROM blob WHERE id = 2", "UPDATE blob SET digest = randomblob(32)",
    "UPDATE blob SET sizeBytes = 5", "UPDATE segment SET offset = 5 WHERE position = 2",
    "UPDATE segment SET shape = '[4,' WHERE name IS NOT NULL",
    "UPDATE segment SET dtype = 'F64' WHERE name IS NOT NULL",
    "UPDATE segment SET sizeBytes = 9223372036854775807",
  ]) func `rows whose content is still here are put right without any source`(sql: String) throws {
    try withBlobs { blobs in
      let content = try Content(blobs, seed: 93)
      try damage(blobs.store, sql)
      #expect((try? Blob.verify(blobs.store, full: true)) != [], "\(sql)")
      _ = try heal(blobs, content, from: [])
      try content.expectWhole(blobs, "\(sql)")
    }
  }

  @Test func `a part of the damage is healed by what has a part, and the rest stays as it was`()
    throws
  {
    try withBlobs { blobs in
      let content = try Content(blobs, seed: 94)
      try damage(blobs.store, "UPDATE pack SET content = zeroblob(length(content))")
      let base = content.files[0]
      let file = blobs.folder.appending(path: "x")
      try Data(base.content).write(to: file)
      let healed = try heal(blobs, content, from: [.files([file])])
      #expect(try blobs.export(base.digest) == base.content)
      #expect(healed.chunks.count == 5)  // the header, two pieces of a tensor and two tensors
      let faults = try Blob.verify(blobs.store, full: true)
      #expect(Set(faults.flatMap(\.places).map(\.blob)) == Set(content.files[1...].map(\.digest)))
      #expect(faults.allSatisfy { $0.chunk != nil })
    }
  }

  @Test func `what was a difference is stored as one again`() throws {
    try withBlobs { blobs in
      let content = try Content(blobs, seed: 98)
      let url = blobs.folder.appending(path: "x")
      try Data(content.files[1].content).write(to: url)
      func state() throws -> [Row] {
        try blobs.store.read(.weights) { db in
          try Row.fetchAll(
            db, sql: "SELECT id, digest, lengthBytes, baseChunkId, depth FROM chunk ORDER BY id")
        }
      }
      let before = try state()
      #expect(try blobs.depths().contains(2))
      let broken = "SELECT id FROM chunk WHERE depth = 1"
      try damage(blobs.store, "UPDATE chunk SET offset = offset + 1 WHERE id IN (\(broken))")
      let healed = try heal(blobs, content, from: [.files([url])])
      #expect(healed.chunks.count > 0)
      #expect(try state() == before)
      try content.expectWhole(blobs, "")
    }
  }

  @Test func `a chunk is healed by another file that has it`() throws {
    var seed = Seeded(state: 95)
    let base = model(&seed)
    let relative = Array(base[..<3]) + [MadeTensor("head", [192], seed.weights(192))]
    try withBlobs { blobs in
      let digest = try blobs.add(safetensors(base), "a.safetensors").digest
      try damage(
        blobs.store,
        """
        UPDATE pack SET content = CAST(
          substr(content, 1, 500000) || zeroblob(9) || substr(content, 500010) AS BLOB)
        WHERE id = 1
        """)
      let faults = try Blob.verify(blobs.store, full: true)
      #expect(faults.map(\.places.first?.tensor) == ["embeddings.weight"])
      let file = blobs.folder.appending(path: "relative.safetensors")
      try Data(safetensors(relative)).write(to: file)
      var healing = Healing(
        blobs.store, named: [:], from: [.files([file])],
        aside: blobs.folder.appending(path: "aside"))
      try blobs.store.withoutContentUsers { try healing.run() }
      #expect(healing.result.chunks == Set(faults.compactMap(\.chunk)))
      #expect(try blobs.export(digest) == safetensors(base))
      #expect(try blobs.counts().blobs == 1)
    }
  }

  @Test func `what cannot be read and nothing needs is dropped`() throws {
    try withBlobs { blobs in
      var content = try Content(blobs, seed: 96)
      let stray = try blobs.add(Array("nothing names this".utf8), "stray").digest
      try damage(
        blobs.store,
        """
        UPDATE pack SET content = zeroblob(length(content)) WHERE id = (SELECT max(id) FROM pack);
        DELETE FROM blob WHERE id = (SELECT max(id) FROM blob);
        DELETE FROM segment WHERE blobId NOT IN (SELECT id FROM blob)
        """)
      #expect(try !Blob.verify(blobs.store, full: true).isEmpty)
      let healed = try heal(blobs, content, from: [])
      #expect(healed.discardedCount == 1)
      try content.expectWhole(blobs, "")
      content.named[stray] = nil
    }
  }

  @Test func `a damaged source gives nothing wrong`() throws {
    try withBlobs { blobs in
      let content = try Content(blobs, seed: 97)
      try withBlobs { other in
        for file in content.files { _ = try other.add(file.content, file.name) }
        for store in [blobs.store, other.store] {
          try damage(store, "UPDATE pack SET content = zeroblob(length(content)) WHERE id = 1")
        }
        try damage(other.store, "UPDATE segment SET chunkIds = x'02' WHERE blobId = 2")
        let before = try Blob.verify(blobs.store, full: true)
        let healed = try heal(blobs, content, from: [.store(other.store)])
        let after = try Blob.verify(blobs.store, full: true)
        #expect(Set(before.compactMap(\.chunk)).isSuperset(of: after.compactMap(\.chunk)))
        #expect(healed.chunks.isDisjoint(with: after.compactMap(\.chunk)))
        for file in content.files {
          if let bytes = try? blobs.export(file.digest) { #expect(bytes == file.content) }
        }
      }
    }
  }
}

import Dispatch
import Foundation
import GRDB
import Storage
import Support
import Synchronization
import Testing
import Weights

@Suite struct BlobTests {
  @Test func `a file comes back byte for byte, with a parent and without`() throws {
    var seed = Seeded(state: 1)
    let base = model(&seed)
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "model.safetensors")
      for (name, child) in children(of: base, &seed) {
        let added = try blobs.add(safetensors(child), "model.safetensors", parents: [parent.digest])
        #expect(try blobs.export(added.digest) == safetensors(child), "\(name)")
      }
      #expect(try blobs.export(parent.digest) == safetensors(base))
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test(arguments: [0, 1, 1 << 20, 1 << 20 + 1, 5 << 20 + 3])
  func `bytes without structure come back`(_ count: Int) throws {
    var seed = Seeded(state: UInt64(count))
    let content = (0..<count).map { _ in UInt8.random(in: 97...110, using: &seed) }
    try withBlobs { blobs in
      let added = try blobs.add(content, "notes.txt")
      #expect(added.isNew)
      #expect(added.digest == Digest(of: content))
      #expect(try blobs.export(added.digest) == content)
      #expect(try blobs.store.read(.weights) { try Blob.content(added.digest, $0) } == content)
    }
  }

  @Test func `a tensor of every type comes back, empty and scalar ones too`() throws {
    var seed = Seeded(state: 3)
    var tensors = DType.allCases.map {
      MadeTensor($0.name, $0.name, [3, 50_000], seed.bytes(150_000 * $0.sizeBytes))
    }
    tensors.append(MadeTensor("scalar", "F32", [], seed.bytes(4)))
    tensors.append(MadeTensor("unknown", "F4", [3], seed.bytes(2)))
    tensors.append(MadeTensor("empty", "F32", [0, 7], []))
    try withBlobs { blobs in
      let added = try blobs.add(safetensors(tensors), "all.safetensors")
      #expect(try blobs.export(added.digest) == safetensors(tensors))
      let listed = try blobs.store.read(.weights) { try Tensor.list(of: added.digest, $0) }
      #expect(Set(listed.map(\.name)) == Set(tensors.map(\.name)))
      #expect(listed.first { $0.name == "empty" }?.shape == [0, 7])
      #expect(listed.first { $0.name == "F64" }?.chunkIds.count == 2)  // 131,072 elements a chunk
    }
  }

  @Test func `the same file twice, or under another name, adds nothing`() throws {
    var seed = Seeded(state: 4)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      #expect(try blobs.add(content, "a.safetensors").isNew)
      let size = try blobs.counts()
      let again = try blobs.add(content, "b.safetensors")
      #expect(!again.isNew && again.storedBytes == 0)
      let other = try blobs.add(content, "c.bin")
      #expect(!other.isNew && other.storedBytes == 0)
      #expect(try blobs.counts() == size)
    }
  }

  @Test func `a file is cut as tensors whatever its name is`() throws {
    var seed = Seeded(state: 41)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let first = try blobs.add(content, "a.bin")
      #expect(try blobs.store.read(.weights) { try Tensor.list(of: first.digest, $0) }.count == 4)
      #expect(try !blobs.add(content, "a.safetensors").isNew)
      #expect(try blobs.store.read(.weights) { try Tensor.list(of: first.digest, $0) }.count == 4)
      #expect(try blobs.export(first.digest) == content)
      #expect(try blobs.counts().blobs == 1)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `a damaged parent does not become the base of its child`() throws {
    var seed = Seeded(state: 42)
    let base = model(&seed)
    let child = children(of: base, &seed)[0].1
    for damage in ["UPDATE pack SET content = zeroblob(length(content))", "DELETE FROM pack"] {
      try withBlobs { blobs in
        let parent = try blobs.add(safetensors(base), "a.safetensors").digest
        try blobs.store.writeWithoutTransaction(.weights) {
          try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(damage); PRAGMA foreign_keys = ON")
        }
        let added = try blobs.add(safetensors(child), "a.safetensors", parents: [parent])
        #expect(try blobs.depths().allSatisfy { $0 == 0 })
        // All but the header, which the parent has too, is the child's own.
        let tensors = try blobs.store.read(.weights) { try Tensor.list(of: added.digest, $0) }
        for (tensor, made) in zip(tensors, child) {
          var content: [UInt8] = []
          try blobs.store.read(.weights) { try tensor.forEachChunk($0) { content += $0 } }
          #expect(content == made.content)
        }
      }
    }
  }

  @Test func `a child whose layers are frozen stores only what it changed`() throws {
    var seed = Seeded(state: 5)
    let base = model(&seed)
    var child = base
    child[2] = MadeTensor(child[2].name, child[2].shape, child[2].values.map { $0 + 0.001 })
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "model.safetensors")
      let alone = try blobs.add(safetensors(child), "model.safetensors", parents: [parent.digest])
      #expect(alone.storedBytes < Int64(child[2].content.count))
      #expect(alone.storedBytes > 0)
    }
  }

  @Test func `a difference finds its base under another prefix and pays`() throws {
    var seed = Seeded(state: 6)
    let base = model(&seed)
    let child = base.map { tensor in
      MadeTensor("bert." + tensor.name, tensor.shape, tensor.values.map { $0 * 1.0001 })
    }
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "model.safetensors")
      let added = try blobs.add(safetensors(child), "model.safetensors", parents: [parent.digest])
      #expect(try blobs.export(added.digest) == safetensors(child))
      #expect(Double(added.storedBytes) < 0.8 * Double(parent.storedBytes))
      #expect(try blobs.depths().max() == 1)
    }
  }

  @Test func `twenty generations keep chains short and every one byte for byte`() throws {
    var seed = Seeded(state: 7)
    var tensors = [MadeTensor("w", [100, 100], seed.weights(10_000))]
    try withBlobs { blobs in
      var parents: [Digest] = []
      var files: [Digest: [UInt8]] = [:]
      for _ in 0..<20 {
        let content = safetensors(tensors)
        let added = try blobs.add(content, "model.safetensors", parents: parents)
        files[added.digest] = content
        parents = [added.digest]
        let moved = tensors[0].values.map { $0 * 1.00001 }
        tensors = [MadeTensor("w", [100, 100], moved)]
      }
      #expect(files.count == 20)
      let deepest = try #require(try blobs.depths().max())
      #expect(deepest > 1 && deepest <= 8)
      for (digest, content) in files { #expect(try blobs.export(digest) == content) }
    }
  }

  @Test func `export never shows half a file and never replaces one`() throws {
    try withBlobs { blobs in
      let added = try blobs.add([1, 2, 3], "a.bin")
      let target = blobs.folder.appending(path: "out.bin")
      try Blob.export(added.digest, to: target, from: blobs.store)
      #expect(kind { try Blob.export(added.digest, to: target, from: blobs.store) } == .conflict)
      #expect(try Array(Data(contentsOf: target)) == [1, 2, 3])
      #expect(kind { try Blob.export(Digest(of: []), to: target, from: blobs.store) } == .notFound)
      let lost = blobs.folder.appending(path: "no/such/folder/x")
      #expect(kind { try Blob.export(added.digest, to: lost, from: blobs.store) } == .notFound)
    }
  }

  @Test func `a flipped byte is found and never delivered`() throws {
    var seed = Seeded(state: 8)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let added = try blobs.add(content, "model.safetensors")
      try blobs.store.write(.weights) { db in
        var pack = try #require(try Data.fetchOne(db, sql: "SELECT content FROM pack WHERE id = 2"))
        pack[pack.startIndex + pack.count / 2] ^= 4
        try db.execute(sql: "UPDATE pack SET content = ? WHERE id = 2", arguments: [pack])
      }
      #expect(try Blob.verify(blobs.store, full: false) == [])
      let faults = try Blob.verify(blobs.store, full: true)
      #expect(faults.count == 1 && faults[0].places.map(\.blob) == [added.digest])
      let before = try blobs.files()
      #expect(kind { _ = try blobs.export(added.digest) } == .corrupt)
      #expect(try blobs.files() == before)
    }
  }

  @Test func `a list of chunks that names others never gives a wrong file`() throws {
    var seed = Seeded(state: 81)
    try withBlobs { blobs in
      let one = try blobs.add(seed.bytes(1000), "a.bin").digest
      let other = try blobs.add(seed.bytes(1000), "b.bin").digest
      try blobs.store.write(.weights) { db in
        try db.execute(
          sql: """
            UPDATE segment SET chunkIds = (SELECT chunkIds FROM segment WHERE blobId = 2)
            WHERE blobId = 1
            """)
      }
      let before = try blobs.files()
      #expect(kind { _ = try blobs.export(one) } == .corrupt)
      #expect(try blobs.files() == before)
      let read = kind { _ = try blobs.store.read(.weights) { try Blob.content(one, $0) } }
      #expect(read == .corrupt)
      #expect(try blobs.export(other).count == 1000)
    }
  }

  @Test func `rows that do not fit together are found by the quick look`() throws {
    var seed = Seeded(state: 9)
    for damage in [
      "DELETE FROM segment WHERE position = 1", "UPDATE segment SET sizeBytes = sizeBytes + 1",
      "UPDATE segment SET chunkIds = x'02' WHERE position = 2",
      "UPDATE segment SET chunkIds = x'ff'", "UPDATE chunk SET offset = 1 << 40 WHERE id = 2",
      "UPDATE blob SET sizeBytes = 5", "UPDATE blob SET sizeBytes = 9223372036854775807",
      "UPDATE segment SET sizeBytes = 9223372036854775807 WHERE position = 2",
      "UPDATE segment SET offset = 9223372036854775807 WHERE position = 2",
      "UPDATE segment SET shape = '[4,' WHERE position = 2",
      "UPDATE segment SET shape = '[-4]' WHERE position = 2",
      "UPDATE segment SET dtype = NULL WHERE position = 2",
      "UPDATE chunk SET lengthBytes = 9223372036854775807 WHERE id = 2",
      "PRAGMA ignore_check_constraints = ON; UPDATE chunk SET depth = 64 WHERE id = 2",
      "PRAGMA ignore_check_constraints = ON; UPDATE chunk SET depth = -1 WHERE id = 2",
      "PRAGMA ignore_check_constraints = ON; UPDATE chunk SET sizeBytes = -5 WHERE id = 2",
    ] {
      try withBlobs { blobs in
        _ = try blobs.add(safetensors(model(&seed)), "model.safetensors")
        try blobs.store.write(.weights) { try $0.execute(sql: damage) }
        // What a look runs into is as good as what it finds.
        func finds(full: Bool) -> Bool {
          do {
            return try Blob.verify(blobs.store, full: full) != []
          } catch let error as RegistryError { return error.kind == .corrupt } catch {
            return false
          }
        }
        #expect(finds(full: false) && finds(full: true), "\(damage)")
      }
    }
  }

  @Test func `what is no regular file is refused, and a link to one is followed`() throws {
    try withBlobs { blobs in
      let pipe = blobs.folder.appending(path: "pipe")
      #expect(mkfifo(pipe.path, 0o600) == 0)
      #expect(kind { _ = try Blob.add(file: pipe, to: blobs.store) } == .invalidInput)
      #expect(kind { _ = try Blob.add(file: blobs.folder, to: blobs.store) } == .invalidInput)
      let none = blobs.folder.appending(path: "none")
      #expect(kind { _ = try Blob.add(file: none, to: blobs.store) } == .notFound)
      let file = blobs.folder.appending(path: "file")
      try Data([1, 2]).write(to: file)
      try FileManager.default.createSymbolicLink(at: none, withDestinationURL: file)
      #expect(try Blob.add(file: none, to: blobs.store).sizeBytes == 2)
    }
  }

  @Test func `a file that changes while it is read is refused`() throws {
    try withBlobs { blobs in
      for change in ["shorter", "longer", "touched"] {
        let file = blobs.folder.appending(path: change)
        try Data(repeating: 7, count: 40 << 20).write(to: file)
        let error = kind {
          _ = try Blob.add(file: file, to: blobs.store) { _ in
            let handle = FileHandle(forWritingAtPath: file.path)
            switch change {
            case "shorter": _ = truncate(file.path, 5)
            case "longer": _ = truncate(file.path, 50 << 20)
            default: handle?.write(Data([8]))
            }
          }
        }
        #expect(error == .invalidInput, "\(change)")
      }
      #expect(try blobs.counts().blobs == 0)
    }
  }

  @Test func `imports at once of content they share store it once`() throws {
    var seed = Seeded(state: 10)
    let base = model(&seed)
    let files = [base] + children(of: base, &seed).map(\.1)
    try withBlobs { blobs in
      let found = digests(count: files.count * 2) { index in
        try blobs.add(safetensors(files[index % files.count]), "model.safetensors").digest
      }
      #expect(found.count == files.count * 2)
      for (index, digest) in found {
        let content = try blobs.export(digest)
        #expect(content == safetensors(files[index % files.count]))
      }
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  private func digests(
    count: Int, _ add: @Sendable (Int) throws -> Digest
  ) -> [Int: Digest] {
    let digests = Mutex<[Int: Digest]>([:])
    DispatchQueue.concurrentPerform(iterations: count) { index in
      let digest = try? add(index)
      digests.withLock { $0[index] = digest }
    }
    return digests.withLock { $0 }
  }
}

import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// A store that the release before records of version 2 wrote: a base, its fine-tune and a text.
@Suite struct OldStoreTests {
  /// The SHA-256 of the files that were put into it.
  private static let digests = [
    "b01be13b23ab2f95d1bff60d98d8663f6fd347bb5ab920f7771339412b6deca7",
    "c8f57b7bc5dc6abc3388ba0e64da0b35d777ab310f76dd9dc890c9bca37468eb",
    "68e13649e9d26f8d29ef3c173161c12ba2bb0de72678f3ba193f69e68f401d39",
  ]

  private func withOldStore(_ body: (Store, URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let fixtures = URL(filePath: #filePath).appending(path: "../../Stores/records1").standardized
      let place = folder.appending(path: Store.folderName)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for (name, sizeBytes) in [("catalog.sqlite", 208_896), ("weights.sqlite", 229_376)] {
        let packed = try Data(contentsOf: fixtures.appending(path: name + ".zz"))
        var content = [UInt8](repeating: 0, count: sizeBytes)
        try packed.withUnsafeBytes { packed in
          try content.withUnsafeMutableBytes { try Deflate.inflate(packed, into: $0) }
        }
        try Data(content).write(to: place.appending(path: name))
      }
      let store = try Store.open(place, .write)
      defer { try? store.close() }
      try body(store, folder)
    }
  }

  @Test func `a store of version 1 opens and gives every file back`() throws {
    try withOldStore { store, folder in
      #expect(try Blob.verify(store, full: true) == [])
      let blobs = try store.read(.weights) { try Blob.list($0) }
      #expect(Set(blobs.map(\.digest.hex)) == Set(Self.digests))
      for blob in blobs {
        let file = folder.appending(path: blob.digest.hex)
        try Blob.export(blob.digest, to: file, from: store)
        #expect(try Digest(of: Array(Data(contentsOf: file))) == blob.digest)
      }
    }
  }

  @Test func `its records have every mode and coding of version 1, and a second reader agrees`()
    throws
  {
    try withOldStore { store, _ in
      let packs = try store.read(.weights) { db in
        try Data.fetchAll(db, sql: "SELECT content FROM pack ORDER BY id")
      }
      let rows = try store.read(.weights) { db in
        try Row.fetchAll(
          db,
          sql: """
            SELECT packId, offset, lengthBytes, id, baseChunkId, digest FROM chunk ORDER BY depth
            """)
      }
      var contents: [Int64: [UInt8]] = [:]
      var features: Set<String> = []
      for row in rows {
        let (pack, offset, length): (Int, Int, Int) = (row[0], row[1], row[2])
        let (id, baseId, digest): (Int64, Int64?, Digest) = (row[3], row[4], row[5])
        let record = Array(packs[pack - 1][offset..<offset + length])
        let base = baseId.flatMap { contents[$0] }
        var reference = CodecReference(record)
        let content = try reference.content(base: base)
        #expect(Digest(of: content) == digest)
        for level in CodecKernels.all {
          let decoded = try ChunkCodec.decode(
            record, length: content.count, base: base, kernels: level)
          #expect(decoded == content, "\(level.name), chunk \(id)")
        }
        contents[id] = content
        features.formUnion(reference.features)
      }
      let wanted = (0...3).map { "version 1 mode \($0)" } + (0...4).map { "version 1 coding \($0)" }
      #expect(features.isSuperset(of: wanted), "\(features.sorted())")
      #expect(features.allSatisfy { $0.hasPrefix("version 1 ") }, "\(features.sorted())")
    }
  }

  @Test func `what it has is known when it comes again, and a child is a difference`() throws {
    try withOldStore { store, folder in
      let base = folder.appending(path: "model.safetensors")
      let digest = try #require(
        try store.read(.weights) { try Blob.list($0) }.map(\.digest).first {
          $0.hex == Self.digests[0]
        })
      try Blob.export(digest, to: base, from: store)
      #expect(try Blob.add(file: base, to: store).storedBytes == 0)
      var content = try Data(contentsOf: base)
      content[content.count - 8000] ^= 1
      let child = folder.appending(path: "child.safetensors")
      try content.write(to: child)
      let added = try Blob.add(file: child, parents: [digest], to: store)
      #expect(added.isNew && added.storedBytes < 2000)
      #expect(try Blob.verify(store, full: true) == [])
    }
  }
}

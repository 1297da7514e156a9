import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// A store that the first release made: `tiny:1`, and `tuned:1` as differences to it beside
/// `arrays.npz` and `optimizer.pt`, which were kept as bytes.
@Suite struct SchemaTests {
  private static let files = URL(filePath: #filePath)
    .appending(path: "../../Stores/schema1").standardized

  private func withOldStore(_ body: (BlobFixture) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let place = folder.appending(path: ".registry")
      try FileManager.default.copyItem(at: Self.files, to: place)
      let store = try Store.open(place, .write)
      defer { try? store.close() }
      try body(BlobFixture(store: store, folder: folder))
    }
  }

  private func rows(_ sql: String, _ store: Store) throws -> [Row] {
    try store.read(.weights) { try Row.fetchAll($0, sql: sql) }
  }

  @Test func `the store of schema 1 is one`() throws {
    try withTemporaryFolder { folder in
      let copy = folder.appending(path: "weights.sqlite")
      try FileManager.default.copyItem(
        at: Self.files.appending(path: "weights.sqlite"), to: copy)
      let queue = try DatabaseQueue(path: copy.path)
      try queue.read { db in
        #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == 1)
        let containers = try String.fetchAll(db, sql: "SELECT container FROM blob ORDER BY id")
        #expect(containers == ["bytes", "safetensors", "bytes", "safetensors", "bytes"])
        #expect(
          try Int.fetchOne(db, sql: "SELECT count(*) FROM chunk WHERE depth = 1") ?? 0 > 0)
      }
    }
  }

  @Test func `a migrated store has the schema of a fresh one and loses nothing`() throws {
    let schema = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    try withOldStore { old in
      try withTemporaryStore { fresh in
        for sql in [schema, "PRAGMA user_version"] {
          let (migrated, made) = (try rows(sql, old.store), try rows(sql, fresh))
          #expect(migrated == made && !made.isEmpty, "\(sql)")
        }
      }
      let before = try DatabaseQueue(path: Self.copy(beside: old.folder))
      for table in ["blob", "segment", "chunk", "pack", "storeInfo"] {
        let sql = "SELECT * FROM \(table)"
        let olds = try before.read { try Row.fetchAll($0, sql: sql) }
        #expect(!olds.isEmpty)
        #expect(try rows(sql, old.store) == olds, "\(table)")
      }
      try before.close()
      #expect(try rows("PRAGMA foreign_key_check", old.store).isEmpty)
      #expect(try Blob.verify(old.store, full: true) == [])
    }
  }

  /// A copy that is not migrated; SQLite would write beside the original.
  private static func copy(beside folder: URL) throws -> String {
    let copy = folder.appending(path: "copy.sqlite")
    try FileManager.default.copyItem(at: files.appending(path: "weights.sqlite"), to: copy)
    return copy.path
  }

  @Test func `what schema 1 kept as bytes is cut as tensors when it comes again`() throws {
    try withOldStore { blobs in
      let all = try blobs.store.read(.weights) { try Blob.list($0) }
      for blob in all {
        let content = try blobs.export(blob.digest)
        #expect(Digest(of: content) == blob.digest)
        #expect(try !blobs.add(content, "file").isNew)
        #expect(try blobs.export(blob.digest) == content)
      }
      let containers = try blobs.store.read(.weights) { try Blob.list($0).map(\.container) }
      #expect(containers == [.bytes, .safetensors, .npz, .safetensors, .torch])
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `deleting a blob of a migrated store still deletes its segments`() throws {
    try withOldStore { blobs in
      let live = try blobs.store.read(.weights) { try Blob.list($0).prefix(2).map(\.digest) }
      let collected = try blobs.store.withoutContentUsers {
        try Blob.collect(live: Set(live), in: blobs.store)
      }
      #expect(collected.blobCount == 3)
      let left = try rows("SELECT DISTINCT blobId FROM segment", blobs.store)
      #expect(left.count == 2)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }
}

import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// A part of a file or tensor costs its own chunks and no others.
@Suite struct RangeTests {
  @Test(arguments: [
    ("0-499", 0..<500), ("500-", 500..<1000), ("-200", 800..<1000), ("0-0", 0..<1),
    ("999-2000", 999..<1000), ("-5000", 0..<1000), ("0-9223372036854775807", 0..<1000),
  ]) func `a range is what HTTP makes of it`(text: String, bytes: Range<Int64>) throws {
    #expect(try ByteRange(text)?.bytes(of: 1000) == bytes)
  }

  @Test(arguments: [
    "", "-", "5", "5-4", "a-b", "1-2-3", "+1-2", "0x1-2", " 1-2", "1 -2", "--5",
    "99999999999999999999-", "0-99999999999999999999", "٣-٤",
  ]) func `any other text is no range`(text: String) {
    #expect(ByteRange(text) == nil)
  }

  @Test(arguments: [("1000-", Int64(1000)), ("-0", 1000), ("0-", 0), ("-1", 0), ("7-9", 7)])
  func `a range without a byte of the file is refused`(text: String, sizeBytes: Int64) throws {
    let range = try #require(ByteRange(text))
    #expect(kind { _ = try range.bytes(of: sizeBytes) } == .invalidInput)
  }

  @Test func `any range of a file is its bytes, whatever it touches`() throws {
    var seed = Seeded(state: 71)
    let base = model(&seed)
    let child = children(of: base, &seed)[0].1
    let text = seed.bytes(3 << 20)
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let files = [
        (try blobs.add(safetensors(child), "a.safetensors", parents: [parent]), safetensors(child)),
        (try blobs.add(text, "a.bin"), text), (try blobs.add([], "empty"), []),
      ]
      try blobs.store.read(.weights) { db in
        for (added, content) in files {
          let count = Int64(content.count)
          var ranges = [0..<0, 0..<count, count..<count]
          for _ in 0..<(count > 0 ? 60 : 0) {
            let start = Int64.random(in: 0..<count, using: &seed)
            ranges.append(start..<Int64.random(in: start...count, using: &seed))
          }
          for range in ranges {
            let found = try Blob.bytes(of: added.digest, in: range, db)
            #expect(
              found == Array(content[Int(range.lowerBound)..<Int(range.upperBound)]), "\(range)")
          }
          for range in [-1..<0, 0..<count + 1] as [Range<Int64>] {
            #expect(
              kind { _ = try Blob.bytes(of: added.digest, in: range, db) } == .invalidInput)
          }
        }
      }
    }
  }

  /// Makes the rows of all chunks but some, and of what these are differences to, impossible.
  private func destroyAll(but ids: [Int64], _ store: Store) throws {
    try store.write(.weights) { db in
      try db.execute(
        sql: """
          WITH RECURSIVE needed (id) AS (
            SELECT value FROM json_each(?)
            UNION SELECT baseChunkId FROM chunk JOIN needed USING (id)
            WHERE baseChunkId IS NOT NULL
          )
          UPDATE chunk SET lengthBytes = 1 << 40 WHERE id NOT IN needed
          """, arguments: ["\(ids)"])
      #expect(db.changesCount > 0)
    }
  }

  @Test func `a range reads its chunks and their bases, and no other`() throws {
    var seed = Seeded(state: 72)
    let base = model(&seed)
    let child = safetensors(children(of: base, &seed)[0].1)
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "a.safetensors").digest
      let digest = try blobs.add(child, "a.safetensors", parents: [parent]).digest
      let tensors = try blobs.store.read(.weights) { try Tensor.list(of: digest, $0) }
      let large = tensors[0]
      #expect(large.chunkIds.count == 3)
      try destroyAll(but: [large.chunkIds[1]], blobs.store)
      try blobs.store.read(.weights) { db in
        let chunk = Int64(1 << 20)
        for range in [chunk..<2 * chunk, chunk..<chunk + 1, 2 * chunk - 1..<2 * chunk] {
          let start = Int(large.offset + range.lowerBound)
          let expected = Array(child[start..<start + range.count])
          let found = try large.bytes(in: range, db)
          #expect(found == expected, "\(range)")
        }
        for range in [chunk - 1..<chunk, 2 * chunk..<2 * chunk + 1, 0..<2 * chunk] {
          #expect(kind { _ = try large.bytes(in: range, db) } == .corrupt, "\(range)")
        }
        #expect(kind { _ = try tensors[1].bytes(in: 0..<1, db) } == .corrupt)
      }
    }
  }

  @Test func `rows are bytes of whole rows`() throws {
    try withBlobs { blobs in
      let made = [
        MadeTensor("m", [3, 2], [1, 2, 3, 4, 5, 6]), MadeTensor("one", [], [7]),
        MadeTensor("none", [0, 4], []), MadeTensor("empty", [4, 0], []),
      ]
      let digest = try blobs.add(safetensors(made), "a.safetensors").digest
      let tensors = try blobs.store.read(.weights) { try Tensor.list(of: digest, $0) }
      func tensor(_ name: String) throws -> Tensor {
        try #require(tensors.first { $0.name == name })
      }
      #expect(try tensor("m").bytes(ofRows: 1..<3) == 8..<24)
      #expect(try tensor("m").bytes(ofRows: 3..<3) == 24..<24)
      #expect(try tensor("none").bytes(ofRows: 0..<0) == 0..<0)
      #expect(try tensor("empty").bytes(ofRows: 1..<4) == 0..<0)
      #expect(kind { _ = try tensor("m").bytes(ofRows: 2..<4) } == .invalidInput)
      #expect(kind { _ = try tensor("one").bytes(ofRows: 0..<1) } == .invalidInput)
    }
  }

  @Test(arguments: [
    "UPDATE segment SET offset = offset + 1 WHERE position = 1",
    "UPDATE segment SET sizeBytes = sizeBytes - 1 WHERE position = 1",
    "DELETE FROM segment WHERE position = 1",
    "UPDATE segment SET chunkIds = x'02' WHERE position = 1",
    "UPDATE segment SET sizeBytes = 9223372036854775807", "DELETE FROM chunk WHERE id = 2",
  ]) func `damaged rows never give wrong bytes of a range`(damage: String) throws {
    var seed = Seeded(state: 73)
    let content = safetensors(model(&seed))
    try withBlobs { blobs in
      let digest = try blobs.add(content, "a.safetensors").digest
      try blobs.store.writeWithoutTransaction(.weights) { db in
        try db.execute(sql: "PRAGMA foreign_keys = OFF; \(damage); PRAGMA foreign_keys = ON")
      }
      let count = Int64(content.count)
      #expect(
        kind {
          _ = try blobs.store.read(.weights) { try Blob.bytes(of: digest, in: 0..<count, $0) }
        }
          == .corrupt)
    }
  }
}

import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

@Suite struct ContentCutTests {
  private func pieces(_ digest: Digest, _ blobs: BlobFixture) throws -> [Int] {
    try blobs.store.read(.weights) { db in
      try Int.fetchAll(
        db,
        sql: """
          SELECT segment.sizeBytes FROM segment JOIN blob ON blob.id = blobId
          WHERE digest = ? ORDER BY position
          """, arguments: [digest])
    }
  }

  @Test func `a byte put in front of a file stores little more`() throws {
    var seed = Seeded(state: 61)
    let content = seed.bytes(20 << 20)
    try withBlobs { blobs in
      _ = try blobs.add(content, "a.bin")
      let moved = try blobs.add([7] + content, "b.bin")
      #expect(moved.storedBytes < 2 << 20)
      let cut = try blobs.add(Array(content[..<(9 << 20)] + content[(10 << 20)...]), "c.bin")
      #expect(cut.storedBytes < 2 << 20)
      #expect(try blobs.export(moved.digest) == [7] + content)
      #expect(try blobs.export(cut.digest).count == 19 << 20)
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }

  @Test func `cuts follow the rule of Format.md, computed here from its words`() throws {
    var seed = Seeded(state: 62)
    var table = Seeded(state: 0)
    let gear = (0..<256).map { _ in table.next() }
    let period = seed.bytes(1000)
    let contents: [[UInt8]] = [
      seed.bytes(6 << 20), .init(repeating: 0, count: 3 << 20), seed.bytes((256 << 10) + 1), [1],
      (0..<4_000_000).map { period[$0 % 1000] },
    ]
    for content in contents {
      var expected: [Int] = []
      var start = 0
      while start < content.count {
        let rest = content[start...]
        var size = min(rest.count, 1 << 20)
        for candidate in stride(from: 256 << 10, to: size, by: 1) {
          // Only the last 64 bytes are left in 64 bits.
          let hash = rest[(start + candidate - 64)..<(start + candidate)]
            .reduce(UInt64(0)) { $0 << 1 &+ gear[Int($1)] }
          if hash.leadingZeroBitCount >= (candidate < 512 << 10 ? 20 : 17) {
            size = candidate
            break
          }
        }
        expected.append(size)
        start += size
      }
      try withBlobs { blobs in
        let digest = try blobs.add(content, "a.bin").digest
        #expect(try pieces(digest, blobs) == expected)
      }
    }
  }

  @Test func `pieces of random bytes are of the usual size`() throws {
    var seed = Seeded(state: 63)
    try withBlobs { blobs in
      let digest = try blobs.add(seed.bytes(40 << 20), "a.bin").digest
      let sizes = try pieces(digest, blobs)
      #expect(sizes.dropLast().allSatisfy { (256 << 10...1 << 20).contains($0) })
      #expect((400 << 10...800 << 10).contains(sizes.reduce(0, +) / sizes.count))
    }
  }
}

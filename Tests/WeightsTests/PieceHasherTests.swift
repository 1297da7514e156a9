import Foundation
import Storage
import Testing
import Weights

@Suite struct PieceHasherTests {
  @Test(arguments: [1, 2, 3, 4])
  func `a file and its pieces have the digests that the library gives`(seed: UInt64) {
    var seeded = Seeded(state: seed)
    for _ in 0..<200 {
      var hasher = PieceHasher()
      var content: [UInt8] = []
      for _ in 0..<Int.random(in: 0...5, using: &seeded) {
        var part: [UInt8] = []
        var pieces: [Range<Int>] = []
        for _ in 0..<Int.random(in: 0...4, using: &seeded) {
          let large = Bool.random(using: &seeded)
          let size = Int.random(in: 0...(large ? 5000 : 130), using: &seeded)
          pieces.append(part.count..<part.count + size)
          part += seeded.bytes(size)
        }
        let digests = part.withUnsafeBytes { hasher.update($0, pieces: pieces) }
        if let digests { #expect(digests == pieces.map { Digest(of: Array(part[$0])) }) }
        content += part
      }
      #expect(hasher.finalize() == Digest(of: content), "seed \(seed), \(content.count) bytes")
    }
  }
}

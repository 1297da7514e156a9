import Foundation
import Testing
import Weights

@Suite struct ChunkPolicyTests {
  private typealias Hop = ChunkPolicy.Hop
  private static let size = 1 << 20

  /// A lineage of chunks at one place, each given what it is a difference to by the policy.
  private struct Lineage {
    var chains: [[Hop]] = []
    var childCounts: [Int64: Int] = [:]

    /// Adds a chunk whose parent is one of those before; nil adds one that stands alone.
    mutating func add(parent: Int?, lengthBytes: Int) {
      let id = Int64(chains.count)
      let base = parent.flatMap { parent in
        ChunkPolicy.base(in: chains[parent]) { childCounts[$0.id] ?? 0 }
      }
      let rest = base.map { chains[Int($0.id)] } ?? []
      if let base { childCounts[base.id, default: 0] += 1 }
      chains.append(
        [Hop(id: id, sizeBytes: size, lengthBytes: lengthBytes, depth: rest.count)] + rest)
    }
  }

  @Test(arguments: [2, 9, 15, 30, 45, 90]) func `checkpoints stay cheap and close to their bases`(
    percent: Int
  ) {
    var lineage = Lineage()
    lineage.add(parent: nil, lengthBytes: Self.size * 82 / 100)
    for index in 1...300 {
      lineage.add(parent: index - 1, lengthBytes: Self.size * percent / 100)
    }
    for chain in lineage.chains {
      #expect(!ChunkPolicy.isTooCostly(chain))
      #expect((chain[0].depth - 1) * (percent + min(50, 8 * percent)) <= 400)
    }
    // Half are differences to the one before, and few to one far away.
    let distances = lineage.chains.dropFirst().map { $0[0].id - $0[1].id }
    #expect(distances.count { $0 == 1 } >= 150)
    #expect(distances.count { $0 > 12 } <= 60)
  }

  @Test func `whatever the records, the choice is of the chain and may have a difference more`() {
    var seed = Seeded(state: 61)
    for _ in 0..<50 {
      var lineage = Lineage()
      lineage.add(parent: nil, lengthBytes: Int.random(in: 12...Self.size, using: &seed))
      for index in 1...60 {
        let parent = Bool.random(using: &seed) ? index - 1 : Int.random(in: 0..<index, using: &seed)
        lineage.add(parent: parent, lengthBytes: Int.random(in: 12...Self.size / 2, using: &seed))
        let chain = lineage.chains[index]
        #expect(chain[0].depth <= 8 && chain.last?.depth == 0)
        #expect(lineage.chains[parent].contains(chain[1]))
      }
    }
  }

  @Test func `what the parent did not change makes no chain longer`() {
    var lineage = Lineage()
    lineage.add(parent: nil, lengthBytes: Self.size * 8 / 10)
    lineage.add(parent: 0, lengthBytes: Self.size / 3)
    let chain = lineage.chains[1]
    for _ in 0..<100 {  // a version with an equal chunk names the chunk itself
      #expect(ChunkPolicy.base(in: chain) { _ in 0 } == chain[0])
    }
  }

  @Test func `forks of one start are all differences to it`() {
    var lineage = Lineage()
    lineage.add(parent: nil, lengthBytes: Self.size * 8 / 10)
    for _ in 0..<100 { lineage.add(parent: 0, lengthBytes: Self.size / 3) }
    #expect(lineage.chains.dropFirst().allSatisfy { $0[0].depth == 1 })
  }

  @Test func `a chunk alone or one difference away is never too costly`() {
    for length in [12, 1000, Self.size] {
      let start = Hop(id: 1, sizeBytes: Self.size, lengthBytes: 12, depth: 0)
      let next = Hop(id: 2, sizeBytes: Self.size, lengthBytes: length, depth: 1)
      #expect(!ChunkPolicy.isTooCostly([start]))
      #expect(!ChunkPolicy.isTooCostly([next, start]))
    }
    let long = (0...8).reversed().map {
      Hop(id: Int64($0), sizeBytes: Self.size, lengthBytes: Self.size / 3, depth: $0)
    }
    #expect(ChunkPolicy.isTooCostly(long))
  }
}

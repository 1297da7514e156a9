import Foundation
import GRDB
import Storage
import Testing
import Weights

/// Files that descend from each other, in a store from which some of them went again.
struct Family {
  private let blobs: BlobFixture
  private var models: [[MadeTensor]] = []
  /// The bytes of each file, in order of import.
  private(set) var files: [[UInt8]] = []
  /// And their digests.
  private(set) var digests: [Digest] = []
  /// The numbers of those that are named.
  private(set) var live: Set<Int> = []

  init(_ blobs: BlobFixture) {
    self.blobs = blobs
  }

  /// Two layers, for many imports.
  func small(_ seed: inout Seeded) -> [MadeTensor] {
    [
      MadeTensor("a", [96, 128], seed.weights(12_288)),
      MadeTensor("b", [64, 128], seed.weights(8192)),
    ]
  }

  /// What training makes of a file: a share of each tensor's values moves.
  func step(
    from index: Int, share: Float = 1, size: Float = 0.001, _ seed: inout Seeded
  ) throws -> [MadeTensor] {
    models[index].map { tensor in
      var values = tensor.values
      for index in 0..<max(1, Int(Float(values.count) * share)) {
        values[index] += Float.random(in: -size...size, using: &seed)
      }
      return MadeTensor(tensor.name, tensor.shape, values)
    }
  }

  mutating func add(_ model: [MadeTensor], parent: Int?) throws {
    let content = safetensors(model)
    let parents = parent.map { [digests[$0]] } ?? []
    digests.append(try blobs.add(content, "model.safetensors", parents: parents).digest)
    files.append(content)
    models.append(model)
    live.insert(files.count - 1)
  }

  /// Imports a file once more, whether it is here or went.
  mutating func again(_ index: Int) throws {
    #expect(try blobs.add(files[index], "model.safetensors").digest == digests[index])
    live.insert(index)
  }

  mutating func forget(_ index: Int) { live.remove(index) }

  private var liveDigests: Set<Digest> { Set(live.map { digests[$0] }) }

  func collect() throws {
    _ = try blobs.store.withoutContentUsers {
      try Blob.collect(live: liveDigests, in: blobs.store)
    }
    let usage = try blobs.store.read(.weights) { try Blob.usage(of: [Array(liveDigests)], $0) }
    #expect(try recordBytes() == usage[0].uniqueBytes)  // exactly what is needed
  }

  /// Compacts in slices of one chunk or all at once, then lets gc take what is left over.
  @discardableResult
  func compact(
    _ effort: Compaction.Effort, dryRun: Bool = false, isChecked: Bool = true,
    costMax: Int = ChunkPolicy.costMax
  ) throws -> Compaction {
    var seed = Seeded(state: 1)
    return try compact(
      effort, dryRun: dryRun, isChecked: isChecked, costMax: costMax, slices: &seed)
  }

  @discardableResult
  func compact(
    _ effort: Compaction.Effort, dryRun: Bool = false, isChecked: Bool = true,
    costMax: Int = ChunkPolicy.costMax, slices seed: inout Seeded
  ) throws -> Compaction {
    var compaction = Compaction(effort, dryRun: dryRun, costMax: costMax)
    var isDone = false
    while !isDone {
      isDone = try blobs.store.withoutContentUsers {
        try compaction.work(live: liveDigests, in: blobs.store) { Int(seed.next() % 4) == 0 }
      }
      if isChecked && !dryRun { try check() }
    }
    if !dryRun { try collect() }
    return compaction
  }

  func recordBytes() throws -> Int64 {
    try blobs.store.read(.weights) { try Compaction.sizes($0).records }
  }

  /// How many chunks are too dear to read, by their rows.
  func costlyCount(costMax: Int = ChunkPolicy.costMax) throws -> Int {
    try blobs.store.read(.weights) { db in
      try Int64.fetchAll(db, sql: "SELECT id FROM chunk").count { id in
        var chain: [ChunkPolicy.Hop] = []
        var next: Int64? = id
        while let id = next {
          let row = try Row.fetchOne(db, sql: "SELECT * FROM chunk WHERE id = ?", arguments: [id])
          guard let row else { return true }
          chain.append(
            ChunkPolicy.Hop(
              id: id, sizeBytes: try row.value("sizeBytes"),
              lengthBytes: try row.value("lengthBytes"), depth: try row.value("depth")))
          next = try row.value("baseChunkId")
        }
        return ChunkPolicy.isTooCostly(chain, costMax: costMax)
      }
    }
  }

  /// Every live file comes back byte for byte, and no row is out of place.
  func check(_ comment: Comment = "") throws {
    for index in live { #expect(try blobs.export(digests[index]) == files[index], comment) }
    #expect(try Blob.verify(blobs.store, full: true) == [], comment)
    #expect(try blobs.depths().allSatisfy { (0...8).contains($0) }, comment)
  }
}

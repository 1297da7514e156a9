import Foundation
import GRDB
import Storage
import Support
import Weights

/// Reading one matrix of 2.4 MB out of a child of the base and of the fourth checkpoint of a run.
func benchmarkWeightsTensors(_ lineage: WeightsLineage) throws {
  try withTemporaryStore { store in
    var blobs: [String: Digest] = [:]
    try store.withContent {
      for node in lineage.nodes {
        let parents = [node.parent.flatMap { blobs[$0] }].compactMap { $0 }
        blobs[node.name] = try Blob.add(
          file: lineage.file(node.name, "f32"), parents: parents, to: store
        ).digest
      }
    }
    var rows = [["one tensor", "depth", "chunks", "packs read", "median ms", "best ms"]]
    for name in ["base", WeightsLineage.timed, "f200"] {
      guard let blob = blobs[name] else { continue }
      let access = try TensorAccess.measure(blob, store)
      report(
        "weights tensor",
        [
          "node": .string(name), "bytes": .integer(access.sizeBytes),
          "depth": .integer(Int64(access.depth)), "chunks": .integer(Int64(access.chunks)),
          "packsRead": .integer(Int64(access.packs)),
          "milliseconds": milliseconds(access.timing.median),
          "millisecondsBest": milliseconds(access.timing.best),
        ])
      rows.append([
        name, "\(access.depth)", "\(access.chunks)", "\(access.packs)",
        fixed(access.timing.median * 1000, 2), fixed(access.timing.best * 1000, 2),
      ])
    }
    printTable("Reading [1536, 384] of F32 in process, store open, list of tensors included", rows)
  }
}

/// What reading one tensor takes.
private struct TensorAccess {
  let sizeBytes: Int64
  /// The longest chain of differences of its chunks.
  let depth: Int
  /// Its chunks and all that they are differences to.
  let chunks: Int
  /// How many rows of records were read for it.
  let packs: Int
  let timing: Timing

  static func measure(_ blob: Digest, _ store: Store) throws -> TensorAccess {
    func find(_ db: Database) throws -> Tensor {
      let found = try Tensor.list(of: blob, db).first { tensor in
        tensor.shape == [1536, 384] && tensor.name.hasSuffix("layer.3.intermediate.dense.weight")
      }
      guard let found else { throw WeightsLineage.Failure("the lineage lacks a tensor") }
      return found
    }
    let timing = try Timing.measure(rounds: 25) {
      try store.read(.weights) { db in
        var size: Int64 = 0
        let tensor = try find(db)
        try tensor.forEachChunk(db) { size += Int64($0.count) }
        guard size == tensor.sizeBytes else { throw WeightsLineage.Failure("too few bytes") }
      }
    }
    return try store.read(.weights) { db in
      let tensor = try find(db)
      let ids = tensor.chunkIds.map(String.init).joined(separator: ",")
      let row = try Row.fetchOne(
        db,
        sql: """
          WITH RECURSIVE need(id, base, depth) AS (
            SELECT id, baseChunkId, depth FROM chunk WHERE id IN (\(ids))
            UNION SELECT chunk.id, chunk.baseChunkId, chunk.depth FROM chunk, need
            WHERE chunk.id = need.base
          ) SELECT count(*) AS chunks, max(depth) AS depth FROM need
          """)
      let packs = Counter()
      db.trace { if "\($0)".contains("FROM pack") { packs.value += 1 } }
      try tensor.forEachChunk(db) { _ in }
      db.trace(nil)
      return TensorAccess(
        sizeBytes: tensor.sizeBytes, depth: row?["depth"] ?? 0, chunks: row?["chunks"] ?? 0,
        packs: packs.value, timing: timing)
    }
  }

  private final class Counter {
    var value = 0
  }
}

import Foundation
import GRDB
import Storage
import Support
import Weights

/// What the codec does with a child on one thread: stored over raw, and how fast.
struct CodecSpeed {
  let ratio: Double
  let encode: Rate
  let decode: Rate

  /// MB (10^6) of content a second.
  struct Rate {
    let best: Double
    let median: Double

    init(_ bytes: Int, _ timing: Timing) {
      best = Double(bytes) / 1e6 / timing.best
      median = Double(bytes) / 1e6 / timing.median
    }
  }

  /// Every chunk of the timed child beside the base's, memory to memory, without digests.
  ///
  /// The clock is the thread's CPU time; seven rounds after one that is not counted, as for the
  /// peers. What is decoded is compared.
  static func measure(_ lineage: WeightsLineage, _ kind: String) throws -> CodecSpeed {
    try withTemporaryStore { store in
      let pieces = try CodecPiece.list(
        lineage.file(WeightsLineage.timed, kind), lineage.file("base", kind), store)
      return try CodecSpeed(pieces)
    }
  }
}

/// Speed of the codec on one thread.
func benchmarkWeightsCodec(_ lineage: WeightsLineage) throws {
  var rows = [["codec, one thread", "stored/raw", "encode", "median", "decode", "median"]]
  for kind in WeightsLineage.kinds {
    let speed = try CodecSpeed.measure(lineage, kind)
    report(
      "weights codec",
      [
        "kind": .string(kind), "node": .string(WeightsLineage.timed),
        "ratio": .number((speed.ratio * 1e5).rounded() / 1e5),
        "encodeMBps": rounded(speed.encode.best),
        "encodeMBpsMedian": rounded(speed.encode.median),
        "decodeMBps": rounded(speed.decode.best),
        "decodeMBpsMedian": rounded(speed.decode.median),
      ])
    let rates = [speed.encode, speed.decode].flatMap { [fixed($0.best, 0), fixed($0.median, 0)] }
    rows.append(["\(WeightsLineage.timed) \(kind)", fixed(speed.ratio, 4)] + rates)
  }
  printTable("MB/s of one thread's CPU time, the best and the median of 7 rounds", rows)
}

/// A chunk of a child and what it is a difference to.
private struct CodecPiece {
  let content: [UInt8]
  let dtype: DType?
  let base: [UInt8]?

  /// The chunks of all tensors of a child, with those of the same place in the parent.
  static func list(_ child: URL, _ parent: URL, _ store: Store) throws -> [CodecPiece] {
    let added = try store.withContent {
      try [parent, child].map { try Blob.add(file: $0, to: store).digest }
    }
    return try store.read(.weights) { db in
      let files = try added.map { try FileTensor.list(path: "", $0, db) }
      let partners = FileTensor.partners(of: files[1], in: files[0])
      return try zip(files[1], partners).flatMap { own, partner in
        let base = partner.map { files[0][$0].tensor }
        return try own.tensor.chunkIds.indices.map { index in
          let hasBase = base?.chunkIds.indices.contains(index) ?? false
          return CodecPiece(
            content: try own.tensor.chunk(at: index, db), dtype: own.tensor.dtype,
            base: hasBase ? try base?.chunk(at: index, db) : nil)
        }
      }
    }
  }
}

extension CodecSpeed {
  fileprivate init(_ pieces: [CodecPiece]) throws {
    let rawBytes = pieces.reduce(0) { $0 + $1.content.count }
    var records: [ChunkCodec.Encoded] = []
    let encoding = try threadTiming {
      records = try pieces.map { piece in
        try piece.content.withUnsafeBytes { content in
          guard let base = piece.base else {
            return try ChunkCodec.encode(content, element: piece.dtype, base: nil)
          }
          return try base.withUnsafeBytes {
            try ChunkCodec.encode(content, element: piece.dtype, base: $0)
          }
        }
      }
    }
    var contents = pieces.map { [UInt8](repeating: 0, count: $0.content.count) }
    let decoding = try threadTiming {
      for (index, piece) in pieces.enumerated() {
        try contents[index].withUnsafeMutableBytes { content in
          try records[index].record.withUnsafeBytes { record in
            guard let base = piece.base, records[index].usesBase else {
              return try ChunkCodec.decode(record, into: content, base: nil)
            }
            try base.withUnsafeBytes { try ChunkCodec.decode(record, into: content, base: $0) }
          }
        }
      }
    }
    guard zip(contents, pieces).allSatisfy({ $0 == $1.content }) else {
      throw WeightsLineage.Failure("a chunk does not come back")
    }
    let storedBytes = records.reduce(0) { $0 + $1.record.count }
    ratio = Double(storedBytes) / Double(rawBytes)
    encode = Rate(rawBytes, encoding)
    decode = Rate(rawBytes, decoding)
  }
}

/// CPU time of this thread in seven rounds, after one to warm up.
private func threadTiming(_ work: () throws -> Void) rethrows -> Timing {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
  try work()
  return Timing(
    seconds: try (0..<7).map { _ in
      let start = now()
      try work()
      return now() - start
    })
}

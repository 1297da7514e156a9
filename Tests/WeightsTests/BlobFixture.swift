import Foundation
import GRDB
import Storage
import Support
import Weights

/// A fresh store beside a folder for files.
struct BlobFixture {
  let store: Store
  let folder: URL

  func add(_ content: [UInt8], _ name: String, parents: [Digest] = []) throws -> Blob.Added {
    let place = folder.appending(path: [UInt8].random(count: 4).hex)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let file = place.appending(path: name)
    try Data(content).write(to: file)
    return try store.withContent { try Blob.add(file: file, parents: parents, to: store) }
  }

  func export(_ digest: Digest) throws -> [UInt8] {
    let file = folder.appending(path: "export-" + [UInt8].random(count: 4).hex)
    try store.withContent { try Blob.export(digest, to: file, from: store) }
    defer { try? FileManager.default.removeItem(at: file) }
    return Array(try Data(contentsOf: file))
  }

  func files() throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
  }

  func counts() throws -> (blobs: Int, chunks: Int, packs: Int) {
    try store.read(.weights) { db in
      let counts = try ["blob", "chunk", "pack"].map {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)") ?? 0
      }
      return (counts[0], counts[1], counts[2])
    }
  }

  func depths() throws -> [Int] {
    try store.read(.weights) { try Int.fetchAll($0, sql: "SELECT depth FROM chunk") }
  }
}

func withBlobs<Result>(_ body: (BlobFixture) throws -> Result) throws -> Result {
  try withTemporaryStore { store in
    try withTemporaryFolder { try body(BlobFixture(store: store, folder: $0)) }
  }
}

/// The kind of our error that a body throws; nil when it throws none.
func kind(_ body: () throws -> Void) -> RegistryError.Kind? {
  do {
    try body()
    return nil
  } catch {
    return (error as? RegistryError)?.kind
  }
}

/// Four layers: one of several chunks, some of one, a small one.
func model(_ seed: inout Seeded) -> [MadeTensor] {
  [
    MadeTensor("embeddings.weight", [3000, 192], seed.weights(576_000)),
    MadeTensor("layer.0.weight", [192, 192], seed.weights(36_864)),
    MadeTensor("layer.1.weight", [192, 192], seed.weights(36_864)),
    MadeTensor("layer.1.bias", [192], seed.weights(192)),
  ]
}

/// What fine-tuning makes of a model.
func children(of base: [MadeTensor], _ seed: inout Seeded) -> [(String, [MadeTensor])] {
  var moved = base
  for (index, tensor) in base.enumerated() {
    let step = seed.weights(tensor.values.count)
    moved[index] = MadeTensor(
      tensor.name, tensor.shape, zip(tensor.values, step).map { $0 + $1 * 0.001 })
  }
  var resized = moved
  resized[0] = MadeTensor(
    "embeddings.weight", [3005, 192], moved[0].values + seed.weights(5 * 192))
  var shrunk = moved
  shrunk[0] = MadeTensor("embeddings.weight", [2900, 192], Array(moved[0].values[..<556_800]))
  var halved = base
  halved[1].dtype = "BF16"
  halved[1].shape = [384, 192]
  return [
    ("moved", moved), ("resized", resized), ("shrunk", shrunk), ("another type", halved),
    ("another order", moved.reversed()), ("head only", Array(base[..<3]) + [moved[3]]),
    ("renamed", moved.map { MadeTensor("model." + $0.name, $0.shape, $0.values) }),
    ("with a new layer", moved + [MadeTensor("head.weight", [30, 192], seed.weights(5760))]),
  ]
}

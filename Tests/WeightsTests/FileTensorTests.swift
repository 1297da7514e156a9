import Storage
import Testing
import Weights

@Suite struct FileTensorTests {
  /// Stores files, each a list of tensors of one shape, and lists their tensors.
  private func tensors(
    _ blobs: BlobFixture, _ files: [(path: String, tensors: [MadeTensor])]
  ) throws -> [FileTensor] {
    try files.flatMap { file in
      let blob = try blobs.add(safetensors(file.tensors), "m.safetensors").digest
      return try blobs.store.read(.weights) { try FileTensor.list(path: file.path, blob, $0) }
    }
  }

  private func w(_ value: Float, _ shape: [Int] = [1], name: String = "w") -> MadeTensor {
    MadeTensor(name, shape, [Float](repeating: value, count: shape.reduce(1, *)))
  }

  @Test func `a name in two files matches within its file, whatever the files' order`() throws {
    try withBlobs { blobs in
      let before = try tensors(blobs, [("a", [w(1)]), ("b", [w(2)])])
      let after = try tensors(blobs, [("b", [w(2)]), ("a", [w(1)])])
      #expect(FileTensor.partners(of: after, in: before) == [1, 0])
      let changes = try blobs.store.read(.weights) {
        try TensorDifference.list(before, after, $0).map(\.change)
      }
      #expect(changes == [.equal, .equal])
    }
  }

  @Test func `across files equal type and shape go first, a whole name before a bare one`() throws {
    try withBlobs { blobs in
      let before = try tensors(blobs, [("a", [w(1, [2])]), ("b", [w(1, [3])])])
      let sharded = try tensors(blobs, [("x", [w(1, [3])]), ("y", [w(1, [2])])])
      #expect(FileTensor.partners(of: sharded, in: before) == [1, 0])
      let renamed = try tensors(blobs, [("x", [w(1, [2], name: "bert.w")]), ("y", [w(1, [4])])])
      #expect(FileTensor.partners(of: renamed, in: before) == [1, 0])
    }
  }

  @Test func `a partner is shared only where that is asked for`() throws {
    try withBlobs { blobs in
      let before = try tensors(blobs, [("a", [w(1)])])
      let after = try tensors(blobs, [("a", [w(1)]), ("b", [w(1)])])
      #expect(FileTensor.partners(of: after, in: before) == [0, nil])
      #expect(FileTensor.partners(of: after, in: before, isShared: true) == [0, 0])
      #expect(
        FileTensor.partners(of: after, in: before) { _, _ in false } == [nil, nil])
    }
  }

  @Test func `copies are of the same file, else all of the name`() throws {
    try withBlobs { blobs in
      let before = try tensors(blobs, [("a", [w(1)]), ("b", [w(2)])])
      let same = try tensors(blobs, [("a", [w(1)]), ("c", [w(2)])])
      #expect(FileTensor.copies(of: before, in: same) == [[0], [0, 1]])
      let other = try tensors(blobs, [("a", [w(1, name: "v")])])
      #expect(FileTensor.copies(of: before, in: other) == [[], []])
    }
  }
}

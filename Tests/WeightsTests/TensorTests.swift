import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

@Suite struct TensorTests {
  @Test func `a tensor is read chunk by chunk, also several in step`() throws {
    var seed = Seeded(state: 31)
    let base = model(&seed)
    try withBlobs { blobs in
      let parent = try blobs.add(safetensors(base), "model.safetensors")
      let child = children(of: base, &seed)[0].1
      let added = try blobs.add(safetensors(child), "model.safetensors", parents: [parent.digest])
      try blobs.store.read(.weights) { db in
        let tensors = try Tensor.list(of: added.digest, db)
        let olds = try Tensor.list(of: parent.digest, db)
        for (tensor, made) in zip(tensors, child) {
          var content: [UInt8] = []
          try tensor.forEachChunk(db) { content += $0 }
          #expect(content == made.content)
          #expect(tensor.elementCount == made.shape.reduce(1, *))
        }
        var old: [UInt8] = []
        var new: [UInt8] = []
        var small: [UInt8] = []
        let step = [olds[0], tensors[0], tensors[3]]
        try Tensor.forEachChunk(of: step, indices: tensors[0].chunkIds.indices, db) {
          old += $1[0]
          new += $1[1]
          small += $1[2]
        }
        #expect(old == base[0].content && new == child[0].content && small == child[3].content)
        #expect(try tensors[0].chunk(at: 2, db) == Array(child[0].content[(2 << 20)...]))
        #expect(kind { _ = try tensors[0].chunk(at: 3, db) } == .notFound)
      }
    }
  }

  @Test func `a difference names what was added, removed, reshaped and changed`() throws {
    let base = [
      MadeTensor("bert.a", [2], [3, 4]), MadeTensor("bert.b", [2], [1, 1]),
      MadeTensor("gone", [1], [1]), MadeTensor("shaped", [2, 1], [1, 1]),
      MadeTensor("zero", [1], [0]),
    ]
    let child = [
      MadeTensor("a", [2], [3, 5]), MadeTensor("b", [2], [1, 1]), MadeTensor("new", [1], [1]),
      MadeTensor("shaped", [1, 2], [1, 1]), MadeTensor("zero", [1], [-0.0]),
    ]
    try withBlobs { blobs in
      let first = try blobs.add(safetensors(base), "model.safetensors").digest
      let second = try blobs.add(safetensors(child), "model.safetensors").digest
      let changes = try blobs.store.read(.weights) { db in
        try TensorDifference.list(
          try FileTensor.list(path: "a", first, db), try FileTensor.list(path: "a", second, db), db)
      }
      #expect(changes.map(\.name) == ["a", "b", "new", "shaped", "zero", "gone"])
      #expect(
        changes.map(\.change) == [
          .changed(relativeL2: 0.2, largest: 1), .equal, .added, .reshaped,
          .changed(relativeL2: 0, largest: 0), .removed,
        ])
    }
  }

  @Test func `another type is told apart from another shape`() throws {
    try withBlobs { blobs in
      func add(_ dtype: String, _ shape: [Int], bytes: Int) throws -> Digest {
        let tensor = MadeTensor("w", dtype, shape, [UInt8](repeating: 1, count: bytes))
        return try blobs.add(safetensors([tensor]), "m.safetensors").digest
      }
      let base = try add("F32", [2], bytes: 8)
      let others = try [
        add("BF16", [2], bytes: 4), add("BF16", [2, 1], bytes: 4), add("F32", [1, 2], bytes: 8),
      ]
      let changes = try blobs.store.read(.weights) { db in
        try others.flatMap {
          try TensorDifference.list(
            try FileTensor.list(path: "a", base, db), try FileTensor.list(path: "a", $0, db), db)
        }.map(\.change)
      }
      #expect(changes == [.retyped, .reshaped, .reshaped])
    }
  }

  @Test func `a difference over chunks agrees with a plain computation`() throws {
    var seed = Seeded(state: 32)
    let base = model(&seed)[0]
    let moved = MadeTensor(base.name, base.shape, base.values.map { $0 + ($0 > 0.05 ? 0.01 : 0) })
    try withBlobs { blobs in
      let first = try blobs.add(safetensors([base]), "a.safetensors").digest
      let second = try blobs.add(safetensors([moved]), "a.safetensors", parents: [first]).digest
      let change = try blobs.store.read(.weights) { db in
        try TensorDifference.list(
          try FileTensor.list(path: "a", first, db), try FileTensor.list(path: "a", second, db), db
        )[0].change
      }
      let pairs = zip(base.values, moved.values).map { (Double($0), Double($1)) }
      let norm = pairs.reduce(0) { $0 + $1.0 * $1.0 }.squareRoot()
      let distance = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
      let largest = pairs.reduce(0) { max($0, abs($1.0 - $1.1)) }
      guard case .changed(let relative, let found) = change else {
        Issue.record("\(change)")
        return
      }
      #expect(abs(relative - distance / norm) < 1e-12)  // sums of 576,000 Doubles in the same order
      #expect(found == largest)
    }
  }

  @Test func `names match exactly before they match without prefix`() throws {
    let base = [MadeTensor("model.x", [1], [1]), MadeTensor("x", [1], [2])]
    let child = [MadeTensor("bert.x", [1], [1]), MadeTensor("x", [1], [2])]
    try withBlobs { blobs in
      let first = try blobs.add(safetensors(base), "a.safetensors").digest
      let second = try blobs.add(safetensors(child), "a.safetensors").digest
      try blobs.store.read(.weights) { db in
        let partners = FileTensor.partners(
          of: try FileTensor.list(path: "a", second, db),
          in: try FileTensor.list(path: "a", first, db))
        #expect(partners == [0, 1])
      }
    }
  }

  @Test func `values of every type are exact`() {
    #expect(DType.f32.values(Float(1.5).bitPattern.littleEndianBytes) == [1.5])
    #expect(DType.f64.values((0.1).bitPattern.littleEndianBytes) == [0.1])
    #expect(DType.bf16.values([0x80, 0xBF]) == [-1])
    #expect(DType.i8.values([0xFF, 0x7F]) == [-1, 127])
    #expect(DType.u8.values([0xFF]) == [255])
    #expect(DType.i64.values(Int64(-3).littleEndianBytes) == [-3])
    #expect(DType.u16.values([0xFF, 0xFF, 1]) == [65535])
    // E4M3 and E5M2: values of the tables in OCP's 8-bit floating point specification.
    #expect(DType.f8E4M3.values([0x7E, 0x01, 0x08, 0x78, 0xB8]) == [448, 0x1p-9, 0x1p-6, 256, -1])
    #expect(DType.f8E4M3.values([0x7F])[0].isNaN)
    #expect(
      DType.f8E5M2.values([0x7B, 0x01, 0x7C, 0xFC]) == [57344, 0x1p-16, .infinity, -.infinity])
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func `every half precision number is exact`() {
      for bits in UInt16.min...UInt16.max {
        let value = DType.f16.values(bits.littleEndianBytes)[0]
        let expected = Double(Float16(bitPattern: bits))
        if expected.isNaN {
          #expect(value.isNaN)
        } else if value.bitPattern != expected.bitPattern {
          Issue.record("\(bits): \(value), not \(expected)")
        }
      }
    }
  #endif
}

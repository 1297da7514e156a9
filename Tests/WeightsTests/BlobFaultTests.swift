import Foundation
import GRDB
import Storage
import Support
import Testing
import Weights

/// Damage is told by the chunk at fault and every file that it reaches.
@Suite struct BlobFaultTests {
  @Test func `a damaged base is one fault of all files that need it`() throws {
    var seed = Seeded(state: 61)
    let base = model(&seed)
    let child = children(of: base, &seed)[0].1
    let head = Array(base[..<3]) + [MadeTensor("head", [192], seed.weights(192))]
    try withBlobs { blobs in
      let first = try blobs.add(safetensors(base), "a.safetensors").digest
      let second = try blobs.add(safetensors(child), "a.safetensors", parents: [first]).digest
      let third = try blobs.add(safetensors(head), "a.safetensors", parents: [first]).digest
      let tensors = try blobs.store.read(.weights) { try Tensor.list(of: first, $0) }
      let chunk = tensors[1].chunkIds[0]
      for isFull in [false, true] {
        #expect(try Blob.verify(blobs.store, full: isFull) == [])
      }
      for (sql, isSeenByRows) in [
        ("UPDATE chunk SET lengthBytes = lengthBytes - 1 WHERE id = \(chunk)", false),
        ("UPDATE chunk SET lengthBytes = 1 << 40 WHERE id = \(chunk)", true),
      ] {
        try blobs.store.write(.weights) { try $0.execute(sql: sql) }
        for isFull in [false, true] where isFull || isSeenByRows {
          let faults = try Blob.verify(blobs.store, full: isFull)
          let fault = try #require(faults.first)
          #expect(faults.count == 1, "\(faults)")
          #expect(fault.chunk == Digest(of: base[1].content))
          #expect(fault.places.map(\.blob) == [first, second, third])
          #expect(
            fault.places.map(\.tensor) == ["layer.0.weight", "layer.0.weight", "layer.0.weight"])
          #expect(fault.places[0].offset == tensors[1].offset)
          #expect(fault.message.contains(Digest(of: base[1].content).short))
        }
      }
    }
  }

  @Test func `rows of a file that do not fit are told with the tensor`() throws {
    var seed = Seeded(state: 62)
    try withBlobs { blobs in
      let digest = try blobs.add(safetensors(model(&seed)), "a.safetensors").digest
      try blobs.store.write(.weights) { db in
        try db.execute(sql: "UPDATE segment SET chunkIds = x'02' WHERE position = 3")
      }
      let faults = try Blob.verify(blobs.store, full: false)
      #expect(faults.count == 1)
      #expect(faults.first?.places.map(\.blob) == [digest])
      #expect(faults.first?.places.first?.tensor == "layer.1.weight")
    }
  }
}

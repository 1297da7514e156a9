import Foundation
import Storage
import Support
import Testing
import Weights

@Suite struct SafetensorsWriterTests {
  private typealias Entry = SafetensorsWriter.Entry

  private func file(_ entries: [Entry]) throws -> [UInt8] {
    var file: [UInt8] = []
    try SafetensorsWriter(entries).write(content, to: { file += $0 })
    return file
  }

  /// Bytes that follow from the name.
  private func content(_ entry: Entry) -> [UInt8] {
    let count = entry.shape.reduce(entry.dtype.sizeBytes, *)
    return (0..<count).map { UInt8(truncatingIfNeeded: $0 + entry.name.utf8.count) }
  }

  private static let entries = [
    Entry(name: "b", dtype: .f32, shape: [2, 3]), Entry(name: "a", dtype: .f32, shape: []),
    Entry(name: "byte", dtype: .u8, shape: [3]), Entry(name: "half", dtype: .bf16, shape: [1]),
    Entry(name: "none", dtype: .f32, shape: [0, 4]), Entry(name: "wide", dtype: .f64, shape: [1]),
    Entry(name: "\"é\n", dtype: .f16, shape: [2]),
  ]

  @Test func `what is written is read back, tensor by tensor and aligned`() throws {
    try withTemporaryStore { store in
      let written = try file(Self.entries)
      let place = store.folder.appending(path: "model.safetensors")
      try Data(written).write(to: place)
      let tensors = try store.withContent {
        let blob = try Blob.add(file: place, to: store)
        return try store.read(.weights) { db in
          try Tensor.list(of: blob.digest, db).map { tensor in
            var bytes: [UInt8] = []
            try tensor.forEachChunk(db) { bytes += $0 }
            return (tensor: tensor, bytes: bytes)
          }
        }
      }
      #expect(
        tensors.map(\.tensor.name) == ["wide", "a", "b", "none", "\"é\n", "half", "byte"])
      for (tensor, bytes) in tensors {
        let entry = try #require(Self.entries.first { $0.name == tensor.name })
        #expect(tensor.shape == entry.shape && tensor.dtype == entry.dtype)
        #expect(bytes == content(entry))
      }
    }
    let header = try file(Self.entries).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    #expect(header % 8 == 0)
  }

  @Test func `the order in which tensors come changes nothing`() throws {
    var generator = SeededGenerator(seed: 4)
    let first = try file(Self.entries)
    for _ in 0..<20 {
      #expect(try file(Self.entries.shuffled(using: &generator)) == first)
    }
  }

  @Test func `names and sizes that cannot be are refused`() throws {
    for entries in [
      [Entry(name: "a", dtype: .f32, shape: [1]), Entry(name: "a", dtype: .u8, shape: [1])],
      [Entry(name: "", dtype: .f32, shape: [1])],
      [Entry(name: "__metadata__", dtype: .f32, shape: [1])],
      [Entry(name: "a", dtype: .f32, shape: [-1])],
      [Entry(name: "a", dtype: .f64, shape: [1 << 40, 1 << 40])],
      [
        Entry(name: "a", dtype: .u8, shape: [.max]), Entry(name: "b", dtype: .u8, shape: [.max]),
      ],
    ] {
      #expect(throws: RegistryError.self) { _ = try SafetensorsWriter(entries) }
    }
    let writer = try SafetensorsWriter([Entry(name: "a", dtype: .f32, shape: [2])])
    #expect(throws: RegistryError.self) {
      try writer.write({ _ in [1, 2, 3] }, to: { _ in })
    }
  }
}

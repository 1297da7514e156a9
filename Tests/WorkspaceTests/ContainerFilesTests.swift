import Catalog
import Foundation
import Storage
import Support
import Testing
import Weights
import Workspace

/// Versions whose tensors are in other files than safetensors, or in several.
@Suite struct ContainerFilesTests {
  private static let shards = [
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
  ]
  private static let index: [UInt8] = {
    let map = ["a": shards[0], "b": shards[1], "c": shards[1]].map { "\"\($0)\": \"\($1)\"" }
    return Array("{\"metadata\": {}, \"weight_map\": {\(map.joined(separator: ","))}}".utf8)
  }()

  private static func shard(_ names: [String]) -> [UInt8] {
    var weights = SafetensorsFixture()
    for name in names { weights.addNoise(name, [4], seed: UInt64(name.utf8.first ?? 0)) }
    return weights.file
  }

  /// The folder of a model in two files, with their list.
  private static func folder(under prefix: String = "") -> [String: [UInt8]] {
    [
      prefix + "model.safetensors.index.json": index,
      prefix + shards[0]: shard(["a"]), prefix + shards[1]: shard(["b", "c"]),
    ]
  }

  @Test(arguments: ["", "sub/folder/"])
  func `a model in several files comes back byte for byte, its list too`(prefix: String) throws {
    try withWorkspace { store, folder in
      let files = Self.folder(under: prefix)
      let version = try addBase("large", files, to: store).version
      #expect(try VersionFacts(version, store).tensorCount == 3)
      let out = folder.appending(path: "out")
      _ = try VersionExport.write(try Reference(version.reference), to: out, from: store)
      #expect(try read(out) == files)
    }
  }

  @Test func `a folder that lacks one of the files in its list is refused by the file's name`()
    throws
  {
    try withWorkspace { store, _ in
      for prefix in ["", "sub/"] {
        var files = Self.folder(under: prefix)
        files[prefix + Self.shards[1]] = nil
        let error = failure { _ = try addBase("large", files, to: store) }
        #expect(error?.kind == .invalidInput)
        #expect(error?.message.contains(Self.shards[1]) == true, "\(error?.message ?? "")")
      }
      let names = try store.read { try Model.list($0).map(\.name) }
      #expect(names == [])
    }
  }

  @Test func `a list without any of its files, or that is none, is a file like others`() throws {
    try withWorkspace { store, _ in
      let lists: [[UInt8]] = [
        Self.index, [], Array("{".utf8), Array("[]".utf8), Array("{\"weight_map\": [1]}".utf8),
        Array("{\"weight_map\": {\"a\": 1}}".utf8), Array("{\"weight_map\": {}}".utf8),
      ]
      for (number, list) in lists.enumerated() {
        let files = [
          "pytorch_model.bin.index.json": list, "model.safetensors": Self.shard(["a"]),
        ]
        let added = try addBase("model-\(number)", files, to: store)
        #expect(added.files.count == 2)
      }
    }
  }

  @Test func `the model is in the safetensors where there are any, and never an optimizer`() throws
  {
    try withTemporaryFolder { folder in
      let old = URL(filePath: #filePath).appending(path: "../../Stores/schema1").standardized
      let place = folder.appending(path: ".registry")
      try FileManager.default.copyItem(at: old, to: place)
      let store = try Store.open(place, .write)
      defer { try? store.close() }
      let files = folder.appending(path: "tuned")
      _ = try VersionExport.write(try Reference("tuned:1"), to: files, from: store)
      func facts(_ name: String) throws -> VersionFacts {
        var request = VersionImport.Request()
        request.model = name
        return try VersionFacts(
          try VersionImport.addBase(files, request, to: store).version, store)
      }
      #expect(try facts("all").tensorCount == 3)
      try FileManager.default.removeItem(at: files.appending(path: "model.safetensors"))
      let rest = try facts("rest")
      #expect(rest.types.map(\.dtypeName) == ["F32", "I64"])  // of arrays.npz
      #expect(rest.parameterCount == 10)
      let optimizer = try #require(rest.files.first { $0.path == "optimizer.pt" })
      let count = try store.read(.weights) { try Tensor.list(of: optimizer.digest, $0).count }
      #expect(count == 9)
      try FileManager.default.removeItem(at: files.appending(path: "arrays.npz"))
      #expect(try facts("none").tensorCount == 0)
    }
  }

  @Test func `a numpy file of the parent's is the base of the child's`() throws {
    try withWorkspace { store, folder in
      func array(_ shift: Float) -> [UInt8] {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (100000,), }"
        let blanks = String(repeating: " ", count: 117 - header.utf8.count) + "\n"
        let values = SafetensorsFixture.noise(100_000, seed: 3).map { Float($0) + shift }
        return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array((header + blanks).utf8)
          + values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
      }
      let base = try addBase("arrays", ["w.npy": array(0)], to: store)
      #expect(try VersionFacts(base.version, store).parameterCount == 100_000)
      try write(["w.npy": array(0.001)], to: folder.appending(path: "child"))
      var request = VersionImport.Request()
      request.model = "child"
      request.parents = [(try Reference("arrays:1"), .finetune)]
      let child = try VersionImport.addVersion(
        folder.appending(path: "child"), request, to: store)
      #expect(child.storedBytes < base.storedBytes * 3 / 4)
    }
  }
}

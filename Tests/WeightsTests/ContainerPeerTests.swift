import Foundation
import Storage
import Support
import Testing
import Weights

/// Files that PyTorch, numpy and safetensors wrote; they are there under `Tests/run`, and must be.
@Suite struct ContainerPeerTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Lets Python fill a folder, and returns what it says of each file.
  private func write(to folder: URL) throws -> [JSON.Member] {
    let python =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_PYTHON"]
      ?? Self.root.appending(path: ".build/python-venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw RegistryError(.notFound, "no \(python)", hint: "Tests/python-venv")
    }
    let script = Self.root.appending(path: "Tests/Python/checkpoints.py").path
    let outcome = try Product.start(program: python, [script, folder.path], in: Self.root).finish()
    guard outcome.status == 0 else { throw RegistryError(.corrupt, outcome.messages) }
    return try #require(try JSON.parse(Array(outcome.output)).members)
  }

  @Test func `all tensors that others wrote are found, with their names, types and values`() throws
  {
    try withBlobs { blobs in
      let written = blobs.folder.appending(path: "written")
      try FileManager.default.createDirectory(at: written, withIntermediateDirectories: true)
      let files = try write(to: written)
      #expect(files.count == 23)
      for file in files {
        let content = Array(try Data(contentsOf: written.appending(path: file.key)))
        let (container, tensors) = try blobs.cut(content, file.key)
        let told = try #require(file.value.array).map { tensor in
          Expected(
            tensor.array?[0].string ?? "", tensor.array?[1].string ?? "",
            tensor.array?[2].array?.compactMap { $0.integer.map(Int.init) } ?? [],
            [UInt8](hex: tensor.array?[3].string ?? "") ?? [])
        }
        func sorted(_ tensors: [Expected]) -> [Expected] { tensors.sorted { $0.name < $1.name } }
        #expect(sorted(tensors) == sorted(told), "\(file.key)")
        #expect((container == .bytes) == told.isEmpty, "\(file.key)")
      }
      #expect(try Blob.verify(blobs.store, full: true) == [])
    }
  }
}

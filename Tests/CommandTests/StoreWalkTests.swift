import Foundation
import Storage
import Support
import Testing

/// What the page on records says is enough to read a store: a program in another language does.
@Suite struct StoreWalkTests {
  private static let page = Binary.root.appending(path: "Sources/Weights/Format.md")

  /// Runs Python; it is there under `Tests/run`, and must be.
  private func python(_ arguments: [String]) throws -> Binary.Result {
    let python =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_PYTHON"]
      ?? Binary.root.appending(path: ".build/python-venv/bin/python").path
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw RegistryError(.notFound, "no \(python)", hint: "Tests/python-venv")
    }
    return try Binary.run(python, arguments, in: Binary.root, environment: [:], input: "")
  }

  private func walk(_ store: URL) throws -> Binary.Result {
    let script = Binary.root.appending(path: "Tests/Python/walk_store.py").path
    return try python([script, store.path, Self.page.path])
  }

  @Test func `another program reads every chunk of a store by the page alone, with stock zlib`()
    throws
  {
    try Binary.withStore { binary in
      var lineage = WalkedLineage(seed: 1)
      try lineage.fill(binary)
      let result = try walk(binary.folder.appending(path: ".registry"))
      try #require(result.status == 0, "\(result.errors)")
      let met = try JSON.parse(Array(result.output.utf8))
      let expected = [
        "version 2", "mode raw", "mode constant", "mode deflated", "mode planes",
        "mapping plain", "mapping rotated", "mapping integer difference",
        "mapping float difference", "mapping XOR", "vectors all", "vectors some", "vectors none",
        "prediction none", "prediction cast", "prediction low rank",
        "prediction low rank, zeros kept", "groups one", "groups several", "plane zero",
        "plane constant", "plane stored", "plane coded",
        "group zero", "group dense", "group sparse", "depth 2", "streams",
      ]
      for what in expected { #expect(met["store"]?[what] != nil, "the store has no \(what)") }
      #expect(met["page"]?["version 1"] != nil)
      #expect(met["page"]?["examples"]?.integer == 7)
    }
  }

  @Test func `the other program finds a byte that is not what it was`() throws {
    try Binary.withStore { binary in
      var lineage = WalkedLineage(seed: 2)
      try lineage.fill(binary)
      let folder = binary.folder.appending(path: ".registry")
      let damage = """
        import sqlite3, sys
        store = sqlite3.connect(sys.argv[1])
        number, content = store.execute("SELECT id, content FROM pack LIMIT 1").fetchone()
        content = content[:-1] + bytes([content[-1] ^ 1])
        store.execute("UPDATE pack SET content = ? WHERE id = ?", (content, number))
        store.commit()
        """
      let path = folder.appending(path: "weights.sqlite").path
      let outcome = try python(["-c", damage, path])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let result = try walk(folder)
      #expect(result.status == 1)
      #expect(result.errors.contains("chunk "), "\(result.errors)")
    }
  }
}

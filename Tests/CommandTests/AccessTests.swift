import Foundation
import Storage
import Support
import Testing

/// One file, some bytes of it, or one tensor out of the store.
@Suite struct AccessTests {
  private func withModels(_ body: (Binary) throws -> Void) throws {
    try Binary.withStore { binary in
      try TinyModel.write(in: binary.folder)
      try binary("base", "add", "tiny", "-q")
      try binary("version", "add", "tiny", "child1", "--parent", "tiny:1", "-q")
      try body(binary)
    }
  }

  @Test func `a file comes out as it is, whole or in part`() throws {
    try withModels { binary in
      let file = binary.folder.appending(path: "child1/model.safetensors")
      let size = try Data(contentsOf: file).count
      for (option, expected) in [
        ("", "cat"), ("--range 0-7", "head -c 8"), ("--range 100-", "tail -c +101"),
        ("--range -20", "tail -c 20"), ("--range=-20", "tail -c 20"),
        ("--range 50-59", "tail -c +51 | head -c 10"), ("--range 50-999999999", "tail -c +51"),
      ] {
        let line =
          "registry version cat tiny:2//model.safetensors \(option) > got; "
          + "cat child1/model.safetensors | \(expected) > want; cmp got want"
        let result = try binary.shell(line)
        #expect(result.status == 0, "\(option): \(result.errors)")
      }
      for option in ["--range \(size)-", "--range -0"] {
        let result = try binary.shell("registry version cat tiny:2//model.safetensors \(option)")
        #expect(result.status == 2 && result.output.isEmpty, "\(option)")
      }
      let result = try binary.shell("registry version cat tiny:2//model.safetensors | head -c 1")
      #expect(result.status == 0 && result.errors.isEmpty)
    }
  }

  @Test func `tensors are listed and shown`() throws {
    try withModels { binary in
      var binary = binary
      binary.environment["COLUMNS"] = "80"
      var text = ""
      for line in [
        "registry tensor ls tiny:2", "registry tensor ls tiny:2 'encoder.*'",
        "registry tensor show tiny:2 pooler.bias --stats",
        "registry tensor show tiny:2 bert.encoder.layer.0.weight --rows 14:",
        "registry tensor show tiny:2//model.safetensors pooler.bias --plain",
        "registry tensor show tiny:2 pooler.bais",
        "registry tensor show tiny:2//config.json pooler.bias",
        "registry tensor show tiny:2 pooler.bias --rows 0:17",
      ] {
        let result = try binary.shell(line)
        // How a chunk is stored is the codec's to choose.
        let shown = result.output.split(separator: "\nchunks\n").first ?? ""
        text += "$ \(line)\n\(shown)\(result.errors)\n"
      }
      try Golden.expect(text, is: "tensors")
    }
  }

  @Test func `values and chunks are exact in JSON`() throws {
    try withModels { binary in
      let answer = try JSON.parse(
        Array(
          try binary(
            "tensor", "show", "tiny:2", "pooler.bias", "--rows", "3:5", "--stats", "--json"
          )
          .utf8))
      let data = try Data(contentsOf: binary.folder.appending(path: "child1/model.safetensors"))
      let tensor = try #require(answer["tensor"])
      let offset = try #require(tensor["offset"]?.integer)
      let values = data[Int(offset)...].prefix(64).withUnsafeBytes { bytes in
        (0..<16).map { Double(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)) }
      }
      let rows = tensor["rows"]?.array ?? answer["rows"]?.array ?? []
      #expect(rows.map { $0["row"]?.integer } == [3, 4])
      #expect(rows.map { $0["values"]?.array?.first?.double } == [values[3], values[4]])
      #expect(tensor["statistics"]?["min"]?.double == values.min())
      #expect(tensor["statistics"]?["max"]?.double == values.max())
      let chunks = tensor["chunks"]?.array ?? answer["chunks"]?.array ?? []
      let content = Array(data[Int(offset)...].prefix(64))
      #expect(chunks.map { $0["digest"]?.string } == [Digest(of: content).hex])
    }
  }
}

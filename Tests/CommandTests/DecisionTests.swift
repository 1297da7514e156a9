import Foundation
import Storage
import Testing

/// What is told of decisions and files, over the whole program.
@Suite struct DecisionTests {
  /// The rows of a list in an answer, or of a report in it.
  private func rows(_ list: String, _ answer: String) throws -> [JSON] {
    let json = try JSON.parse(Array(answer.utf8))
    let places = [json] + (json.members ?? []).map(\.value)
    let found = places.compactMap { $0[list]?.array }
    return try #require(found.first)
  }

  /// Writes a folder with one tensor of two values.
  private func save(
    _ name: String, dtype: String, _ content: [UInt8], in binary: Binary
  ) throws {
    let offsets = "[0,\(content.count)]"
    let header = #"{"w":{"dtype":"\#(dtype)","shape":[2],"data_offsets":\#(offsets)}}"#
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file += Data(header.utf8) + Data(content)
    let folder = binary.folder.appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try file.write(to: folder.appending(path: "model.safetensors"))
  }

  private func withTask(_ body: (Binary) throws -> Void) throws {
    try Binary.withStore { binary in
      try TinyModel.write(in: binary.folder)
      try binary("base", "add", "tiny", "-q")
      try binary("fork", "tiny", "reviews", "--metric", "val/f1:max", "-q")
      for (name, shift) in [("first", "1"), ("second", "0")] {
        try binary(
          "run", "reviews", "--name", name, "-q", "--", "sh", "train.sh", "child1", shift)
      }
      try body(binary)
    }
  }

  @Test func `a log of an alias has no waiver of a refusal that came after`() throws {
    try withTask { binary in
      try binary("promote", "reviews:2", "--to", "prod", "-q")
      try binary("alias", "rm", "reviews@prod", "-q")
      try binary(
        "promote", "reviews:2", "--to", "prod", "--waive", "metric", "--reason", "unused", "-q")
      let log = try rows("entries", binary("alias", "log", "reviews@prod", "--json"))
      #expect(log.map { $0["kind"]?.string } == ["move", "unset", "move"])
      #expect(log.allSatisfy { $0["waived"] == .null })
      try binary("alias", "rm", "reviews@prod", "-q")
      try save("broken", dtype: "F32", [UInt8](repeating: 255, count: 8), in: binary)
      try binary("version", "add", "reviews", "broken", "-q")
      let refused = try binary.run([
        "promote", "reviews:4", "--to", "prod", "--waive", "finite", "--reason", "why",
      ])
      #expect(refused.status == 5 && refused.errors.contains("refused by gate metric"))
      let after = try rows("entries", binary("alias", "log", "reviews@prod", "--json"))
      #expect(after.allSatisfy { $0["waived"] == .null })
      let shown = try rows("decisions", binary("version", "show", "reviews:4", "--json"))
      #expect(shown.map { $0["waived"]?.array } == [["finite: why"]])
    }
  }

  @Test func `a waiver that counted is shown, and one gate is waived once`() throws {
    try withTask { binary in
      try binary("promote", "reviews:2", "--to", "prod", "-q")
      let twice = try binary.run([
        "promote", "reviews:3", "--to", "prod", "--waive", "metric", "--waive", "metric",
        "--reason", "one", "--reason", "two",
      ])
      #expect(twice.status == 2 && twice.errors.contains("metric is waived twice"))
      try binary(
        "promote", "reviews:3", "--to", "prod", "--waive", "metric", "--waive", "finite",
        "--reason", "known", "-q")
      let log = try rows("entries", binary("alias", "log", "reviews@prod", "--json"))
      #expect(log.last?["waived"]?.array == ["metric: known"])
      let shown = try rows("decisions", binary("version", "show", "reviews:3", "--json"))
      #expect(shown.first?["waived"]?.array == ["metric: known"])
      #expect(try binary.run(["verify", "--full"]).status == 0)
    }
  }

  @Test func `a file that stayed with a run comes back by its path and by its content`() throws {
    try withTask { binary in
      let run = try #require(try binary.runIds().last)
      try binary("version", "export", "runs:/\(run)/checkpoint-10/state", "one", "-q")
      let state = binary.folder.appending(path: "one/checkpoint-10/state")
      #expect(try String(contentsOf: state, encoding: .utf8) == "x\n")
      try binary("version", "export", "sha256:\(Digest(of: Array("x\n".utf8)).hex)", "two", "-q")
      #expect(
        FileManager.default.contentsEqual(
          atPath: state.path,
          andPath: binary.folder.appending(path: "two/checkpoint-10/state").path))
      let config = try Data(contentsOf: binary.folder.appending(path: "tiny/config.json"))
      let shared = "sha256:\(Digest(of: Array(config)).hex)"
      let answer = try binary("version", "export", shared, "three", "--json")
      #expect(answer.contains("tiny:1"))
    }
  }

  @Test func `an export into the working folder leaves the shell where it is`() throws {
    try withTask { binary in
      let result = try binary.shell(
        """
        mkdir here && cd here && registry version export tiny . > ../answer && ls && cat config.json
        """)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.hasPrefix("config.json\nmodel.safetensors\n{"))
    }
  }

  @Test func `another type is shown as retyped, with the type before`() throws {
    try Binary.withStore { binary in
      for (name, dtype, bytes) in [("a", "F32", 8), ("b", "F64", 16)] {
        try save(name, dtype: dtype, [UInt8](repeating: 0, count: bytes), in: binary)
        try binary("base", "add", name, "-q")
      }
      let tensor = try rows("tensors", binary("diff", "a", "b", "--tensors", "--json")).first
      #expect(tensor?["change"]?.string == "retyped")
      #expect(tensor?["dtype"]?.string == "F64" && tensor?["beforeDtype"]?.string == "F32")
      #expect(tensor?["beforeShape"] == .null)
    }
  }
}

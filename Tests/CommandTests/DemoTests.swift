import Foundation
import Storage
import Testing

/// The tour that needs nothing but the program.
@Suite struct DemoTests {
  /// A command that the demo showed, and what it printed.
  private struct Shown {
    let command: String
    let output: String

    /// Those of a transcript: `$ ` and its continuations, then lines up to the next or a comment.
    static func all(_ text: String) -> [Shown] {
      text.split(separator: "\n$ ").dropFirst().map { part in
        var lines = part.split(separator: "\n", omittingEmptySubsequences: false)[...]
        var command = ""
        while let line = lines.popFirst() {
          command += (command.isEmpty ? "" : " ") + line.trimmingCharacters(in: .whitespaces)
          guard command.hasSuffix(" \\") else { break }
          command.removeLast(2)
        }
        let output = lines.prefix { !$0.hasPrefix("# ") }.joined(separator: "\n")
        return Shown(command: command, output: output.trimmingCharacters(in: .newlines))
      }
    }
  }

  private func demo(_ binary: Binary, _ options: String = "") throws -> [Shown] {
    let result = try binary.shell("registry demo \(options) 2>&1")
    #expect(result.status == 0, "\(result.output)")
    return Shown.all(result.output)
  }

  private func inStore(_ binary: Binary, _ folder: String = "registry-demo") -> Binary {
    var inside = Binary(folder: binary.folder.appending(path: folder))
    inside.environment = binary.environment
    return inside
  }

  @Test func `everything that the demo printed can be had again by the commands it showed`()
    throws
  {
    for width in [80, 120] {
      try Binary.inFreshFolder { binary in
        var binary = binary
        binary.environment["COLUMNS"] = "\(width)"
        let shown = try demo(binary)
        let store = inStore(binary)
        let readers = ["run ls", "run show", "compare", "diff", "lineage", "du", "verify"]
        let again = shown.filter { step in
          readers.contains { step.command.hasPrefix("registry \($0) ") }
            || step.command == "registry du"
        }
        #expect(again.count == 7)
        for step in again {
          let result = try store.shell(step.command + " 2>&1")
          #expect(result.status == 0)
          #expect(
            result.output.trimmingCharacters(in: .newlines) == step.output, "\(step.command)")
        }
        for line in shown.map(\.command) { #expect(line.count < 200 && !line.contains("\n")) }
        let runs = shown.filter { $0.command.contains(" --seed ") }
        #expect(runs.count == 5)
        for run in runs {
          let name = try #require(run.command.firstMatch(of: #/--name (\w+)/#)?.1)
          let output = try store("run", "show", String(name), "--output")
          let epochs = run.output.split(separator: "\n").filter {
            $0.hasPrefix("epoch ") || $0.hasPrefix("restored ") || $0.hasPrefix("the head ")
          }
          #expect(epochs.count >= 6 && epochs == output.split(separator: "\n"))
          let value = try #require(run.output.firstMatch(of: #/finished .*val\/accuracy (\S+)/#)?.1)
          #expect(try store("run", "show", String(name)).contains(value), "\(name)")
        }
      }
    }
  }

  @Test func `one promotion is accepted, one refused, and the store is sound`() throws {
    try Binary.inFreshFolder { binary in
      // A store of the user's own stays as it is.
      try binary("init", "-q")
      var outside = binary
      outside.environment["REGISTRY_STORE"] = binary.folder.appending(path: ".registry").path
      let shown = try demo(outside, "tour")
      #expect(try binary("model", "ls", "--csv").split(separator: "\n").count == 1)
      let store = inStore(binary, "tour")
      let promotions = shown.filter { $0.command.hasPrefix("registry promote ") }
      #expect(promotions.count == 2)
      #expect(promotions.first?.output.contains("the first holder") == true)
      #expect(promotions.last?.output.contains("refused by gate metric") == true)
      #expect(promotions.last?.output.hasSuffix("[exit 5]") == true)
      let aliases = try JSON.parse(Array(try store("alias", "ls", "--json").utf8))["aliases"]
      let best = try JSON.parse(Array(try store("best", "digits-5-9", "--json").utf8))["best"]
      #expect(aliases?.array?.count == 1)
      #expect(aliases?.array?.first?["version"] == best?["version"])
      #expect(try store("verify", "--full").contains("no fault"))
      let files = try FileManager.default.contentsOfDirectory(atPath: store.folder.path).sorted()
      #expect(
        files == [
          ".registry", "digits-0-4-val.csv", "digits-0-4.csv", "digits-5-9-val.csv",
          "digits-5-9.csv",
        ])
    }
  }

  @Test func `what it says to type next works`() throws {
    try Binary.inFreshFolder { binary in
      let result = try binary.shell("registry demo 'my tour' 2>&1")
      let end = try #require(result.output.firstRange(of: "Next, type:\n")?.upperBound)
      let lines = result.output[end...].split(separator: "\n").map { $0.dropFirst(2) }
      #expect(lines.first?.hasPrefix("alias registry=/") == true)
      #expect(lines.dropFirst().first == "cd 'my tour'")
      #expect(lines.dropFirst(2).filter { $0.hasPrefix("registry ") }.count == 5)
      // A promotion may be refused: is it better?
      let script = lines.dropFirst().joined(separator: "\n")
        .replacing(#/(promote .*)#/#) { "\($0.1) || test $? = 5" }
      let next = try binary.shell("set -e\n" + script)
      #expect(next.status == 0, "\(next.errors)")
      #expect(next.output.contains("USAGE:"))
    }
  }

  /// Each run's metrics, exactly.
  private func metrics(_ store: Binary) throws -> [String: JSON] {
    let runs = try JSON.parse(Array(try store("run", "ls", "--json").utf8))["runs"]?.array ?? []
    #expect(runs.count == 5)
    return Dictionary(
      uniqueKeysWithValues: runs.map { ($0["name"]?.string ?? "", $0["metrics"] ?? .null) })
  }

  @Test func `the same seed gives the same rows and metrics, another gives others`() throws {
    try Binary.inFreshFolder { binary in
      for (folder, seed) in [("a", "3"), ("b", "3"), ("c", "-4")] {
        try binary("demo", folder, "--seed", seed, "-q")
      }
      let (a, b, c) = (
        try metrics(inStore(binary, "a")), try metrics(inStore(binary, "b")),
        try metrics(inStore(binary, "c"))
      )
      #expect(a == b)
      #expect(a["scratch"] != c["scratch"])
      for name in ["digits-0-4.csv", "digits-5-9.csv", "digits-5-9-val.csv"] {
        #expect(try binary.shell("cmp a/\(name) b/\(name)").status == 0)
        #expect(try binary.shell("cmp -s a/\(name) c/\(name)").status == 1)
      }
    }
  }

  @Test func `what cannot be shown is refused with one sentence, and nothing is touched`() throws {
    try Binary.inFreshFolder { binary in
      _ = try binary.shell("mkdir full empty; echo mine > full/file; echo mine > file")
      for (line, status, sentence) in [
        ("registry demo full", 6, "the folder 'full' is not empty"),
        ("registry demo file", 6, "'file' is there already"),
        ("registry demo file/in", 4, "the folder 'file/in' cannot be made"),
        ("registry demo --seed x", 2, "the value 'x' is invalid for '--seed <n>'"),
        ("registry demo --seed 9223372036854775808", 2, "invalid for '--seed <n>'"),
        ("registry demo --json", 2, "in no other format"),
        ("registry demo --store full", 2, "a store of its own"),
      ] as [(String, Int32, String)] {
        let result = try binary.shell(line)
        #expect(result.status == status, "\(line): \(result.errors)")
        #expect(result.output.isEmpty && result.errors.contains(sentence), "\(result.errors)")
        #expect(result.errors.contains("error") && result.errors.split(separator: "\n").count < 3)
      }
      #expect(
        try binary.shell("ls -A . full empty").output == "." + """
          :
          empty
          file
          full

          empty:

          full:
          file

          """)
      try binary("demo", "empty", "-q", "--plain")
    }
  }

  @Test func `in ASCII, no other character is shown`() throws {
    try Binary.inFreshFolder { binary in
      let result = try binary.shell("registry demo --plain 2>&1")
      #expect(result.status == 0)
      #expect(result.output.utf8.allSatisfy { $0 < 128 })
      #expect(result.output.contains("$ registry init --plain\n"))
    }
  }
}

import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct HostileTests {
    /// What a command may take over one that does nothing.
    private static let memoryBytesMax = 64 << 20

    @Test func `hostile safetensors files are refused in a sentence and leave nothing`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "first", in: folder)
        let before = try contentBytes(folder)
        let usual = try measured(["model", "ls"], in: folder).memoryBytes
        var slowest = (seconds: 0.0, name: "")
        for (name, bytes) in HostileFile.all {
          let place = folder.appending(path: name)
          try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
          try bytes.write(to: place.appending(path: "model.safetensors"))
          let verbs = [["base", "add", name], ["version", "add", "other", name]]
          for arguments in verbs.prefix(bytes.count > 1 << 20 ? 1 : 2) {
            let found = try measured(arguments, in: folder)
            checkRefusal(found.outcome, 2, "\(arguments)")
            checkMemory(found.memoryBytes, usual, "\(arguments)")
            if found.seconds > slowest.seconds { slowest = (found.seconds, name) }
          }
          try FileManager.default.removeItem(at: place)
        }
        // Told and not asserted: other work on the machine is in it.
        print("the slowest refusal took \(slowest.seconds) s: \(slowest.name)")
        #expect(try Product.json("model", "ls", in: folder)["models"]?.array?.isEmpty == true)
        #expect(try contentBytes(folder) <= before)
        try Witness(folder: folder).checkHealth("after hostile files")
      }
    }

    @Test func `what is no file of a model is refused by name and leaves nothing`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Checkpoint.write(to: folder.appending(path: "good"), seed: 1, count: 64)
        let made = try Product.shell(
          """
          set -e
          for name in loop fifo broken folderlink upward newline empty; do
            mkdir $name; test $name = empty || cp good/* $name
          done
          ln -s loop loop/self; ln -s b loop/a; ln -s a loop/b
          mkfifo fifo/pipe
          ln -s /nowhere/at/all broken/link
          ln -s .. folderlink/up
          printf x > "upward/..\\\\x"; printf x > "newline/a
          b"
          ln -s self self
          """, in: folder)
        #expect(made.status == 0, "\(made.messages)")
        for name in ["loop", "fifo", "broken", "folderlink", "newline", "empty", "self"] {
          let outcome = try Product.run("base", "add", name, "--name", "bad", in: folder)
          checkRefusal(outcome, name == "self" ? 3 : 2, name)
        }
        checkRefusal(try Product.run("base", "add", "missing", in: folder), 3, "missing")
        checkRefusal(try Product.run("base", "add", "/dev/zero", in: folder), 2, "/dev/zero")
        #expect(try Product.json("model", "ls", in: folder)["models"]?.array?.isEmpty == true)
        try Witness(folder: folder).checkHealth("after odd folders")
      }
    }

    @Test func `names that lead out of a folder are refused`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Checkpoint.write(to: folder.appending(path: "good"), seed: 1, count: 64)
        for name in ["../up", "/root", "a/../b", "a//b", "a:1", "latest", "v3", ".", "..", ""] {
          let outcome = try Product.run("base", "add", "good", "--name", name, in: folder)
          checkRefusal(outcome, 2, name)
        }
        try Product.succeed("base", "add", "good", in: folder)
        for path in ["../good/config.json", "/etc/passwd", "config.json/..", "x\u{0}y"] {
          let outcome = try Product.run("version", "export", "good//\(path)", "out", in: folder)
          #expect([2, 3].contains(outcome.status), "\(path): \(outcome.messages)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out").path))
      }
    }

    @Test func `a config.json is kept byte for byte whatever it holds`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        let usual = try measured(["model", "ls"], in: folder).memoryBytes
        let texts = [
          "twice": Data(#"{"architectures": ["A"], "architectures": ["B"]}"#.utf8),
          "deep": Data(repeating: UInt8(ascii: "["), count: 1 << 20),
          "huge": Data("[\"".utf8) + Data(repeating: 120, count: 40 << 20) + Data("\"]".utf8),
          "cut": Data(#"{"architectures": ["#.utf8), "none": Data(),
          "binary": Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
          "wrong": Data(#"{"architectures": {"a": 1}, "model_type": [1e999]}"#.utf8),
        ]
        for (name, text) in texts {
          let source = try Checkpoint.write(to: folder.appending(path: name), seed: 1, count: 64)
          try text.write(to: source.appending(path: "config.json"))
          for arguments in [["base", "add", name], ["version", "show", name]] {
            let found = try measured(arguments, in: folder)
            #expect(found.outcome.status == 0, "\(arguments): \(found.outcome.messages)")
            checkMemory(found.memoryBytes, usual, "\(arguments)")
          }
          #expect(try Witness(folder: folder).exportEquals("\(name):1", source))
        }
        try Witness(folder: folder).checkHealth("after odd configurations")
      }
    }

    @Test func `malformed lines of metrics are counted and never end a run`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let lines: [Data] =
          [
            "{", "{}", "[]", "null", "x", "{\"a\": }", "{\"a\": 1, \"a\": 2}",
            "{\"a\": {\"b\": 1}}",
            "{\"a\": \"text\"}", "{\"a\": null}", "{\"a\": true}", "{\"step\": 1e99, \"a\": 1}",
            "{\"step\": \"x\", \"a\": 1}", "{\"time\": -1e300, \"a\": 1}", "{\"\": 1}",
            "{\"\\ud800\": 1}", "{\"\\u0000\": 1}", "{\"a\\nb\": 1}",
            "{\"\(String(repeating: "k", count: 300))\": 1}",
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
            "{\"a\": \"\(String(repeating: "x", count: 8 << 20))\"}",
          ].map { Data($0.utf8) } + [Data([0xFF, 0xFE, 0]), Data(repeating: 0, count: 1000)]
        let good = Data(
          #"{"good": 1, "step": 0}\#n{"good": NaN}\#n{"good": "Infinity"}\#n"#.utf8)
        let last = Data(#"{"good": 4, "step": 9}"#.utf8)  // its line is not ended
        try (good + Data(lines.joined(separator: Data([10]))) + Data([10]) + last)
          .write(to: folder.appending(path: "lines"))
        let found = try measured(
          [
            "run", "plain", "--name", "odd", "--", "/bin/sh", "-c",
            "cat lines >> $REGISTRY_METRICS",
          ], in: folder)
        #expect(found.outcome.status == 0, "\(found.outcome.messages)")
        checkMemory(found.memoryBytes, Self.memoryBytesMax, "malformed metrics")
        let points = try Product.json("run", "show", "odd", "--points", "good", in: folder)
        #expect(points["points"]?.array?.count == 4)
        let run = try Product.json("run", "show", "odd", in: folder)["run"]
        #expect(run?["status"]?.string == "FINISHED")
        let rules = run?["checks"]?.array?.compactMap { $0["rule"]?.string }
        #expect(rules?.contains("metrics-line") == true, "\(String(describing: run))")
        try Witness(folder: folder).checkHealth("after malformed metrics")
      }
    }

    private struct Measured {
      let outcome: Product.Outcome
      let memoryBytes: Int?
      let seconds: Double
    }

    /// Runs the product and watches its memory.
    private func measured(_ arguments: [String], in folder: URL) throws -> Measured {
      let start = ContinuousClock.now
      let (outcome, peak) = try Product.start(arguments, in: folder).finishWithMemory()
      return Measured(
        outcome: outcome, memoryBytes: peak, seconds: (ContinuousClock.now - start) / .seconds(1))
    }

    /// A command may take so much over what is usual; where memory cannot be read, nothing is proved.
    private func checkMemory(_ bytes: Int?, _ usual: Int?, _ comment: String) {
      #if os(Linux)
        guard let bytes, let usual else {
          Issue.record("\(comment): its memory was not seen")
          return
        }
        #expect(bytes - usual <= Self.memoryBytesMax, "\(comment): \(bytes) over \(usual)")
      #endif
    }

    private func checkRefusal(_ outcome: Product.Outcome, _ status: Int32, _ comment: String) {
      let sentences = outcome.messages.split(separator: "\n").filter { $0.hasPrefix("error: ") }
      #expect(outcome.status == status, "\(comment): \(outcome.messages)")
      #expect(outcome.output.isEmpty && sentences.count == 1, "\(comment): \(outcome.messages)")
      #expect(outcome.messages.utf8.count < 500, "\(comment): \(outcome.messages)")
    }

    /// The size of the weights with their log, which content makes grow.
    private func contentBytes(_ folder: URL) throws -> Int64 {
      try #require(Product.json("du", in: folder)["store"]?["weightsBytes"]?.integer)
    }
  }
}

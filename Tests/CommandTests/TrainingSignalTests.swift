import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  /// The built-in trainer, disturbed.
  @Suite struct TrainingSignalTests {
    private static let endless = [
      "run", "task", "--data", "train.csv", "--hold-out", "0.5", "--set", "epochs=1000000",
      "--set", "patience=0", "--name", "it",
    ]

    /// A store with a task that the built-in trainer can train.
    private func withTask(_ body: (URL) throws -> Void) throws {
      try withTemporaryFolder { folder in
        var generator = SeededGenerator(seed: 1)
        var text = "x,y,z,label\n"
        for row in 0..<400 {
          let cells = (0..<3).map { column in
            Double.random(in: 0...1, using: &generator) + (row % 3 == column ? 0.5 : 0)
          }
          text += cells.map { "\($0)" }.joined(separator: ",") + ",c\(row % 3)\n"
        }
        try Data(text.utf8).write(to: folder.appending(path: "train.csv"))
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        try Product.succeed(
          "run", "plain", "--data", "train.csv", "--set", "epochs=1", in: folder)
        try Product.succeed("run", "adopt", "plain/last", "--model", "base", in: folder)
        try Product.succeed("fork", "base", "task", "--metric", "val/loss:min", in: folder)
        try body(folder)
      }
    }

    /// The lines of the spool's metrics file that are whole.
    private func spooled(_ folder: URL) -> [Substring] {
      let spool = folder.appending(path: ".registry/spool")
      let names = (try? FileManager.default.contentsOfDirectory(atPath: spool.path)) ?? []
      let texts = names.compactMap {
        try? String(contentsOf: spool.appending(path: "\($0)/metrics"), encoding: .utf8)
      }
      return texts.flatMap {
        $0.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      }
    }

    private func run(_ folder: URL) throws -> JSON {
      try #require(try Product.json("run", "show", "it", in: folder)["run"])
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `one signal keeps the best weights with a run that is killed`(signal: Int32) throws {
      try withTask { folder in
        let trainer = try Product.start(Self.endless, in: folder)
        #expect(Product.waits { spooled(folder).count > 5 })
        trainer.send(signal)
        let outcome = try trainer.finish()
        #expect(outcome.status == 128 + signal, "\(outcome.messages)")
        #expect(outcome.messages.contains("2 files stay with the run → registry run adopt"))
        let run = try run(folder)
        #expect(run["status"] == "KILLED" && run["exitSignal"] == .integer(Int64(signal)))
        let witness = Witness(folder: folder)
        let losses = try witness.points("it", "val/loss")
        let last = try #require(losses.keys.max())
        #expect(losses.keys.sorted() == Array(1...last) && losses[last] == losses.values.min())
        try Product.succeed("run", "adopt", "it", in: folder)
        #expect(try witness.versions(of: "task").contains("task:2"))
        try witness.checkHealth("signal \(signal)")
      }
    }

    @Test func `after kill -9 the next writing command closes the run with every point`() throws {
      try withTask { folder in
        let trainer = try Product.start(Self.endless, in: folder)
        #expect(Product.waits { spooled(folder).count > 200 })
        trainer.send(SIGKILL)
        #expect(try trainer.finish().status == 128 + SIGKILL)
        let lines = spooled(folder)
        try Product.succeed("experiment", "add", "afterwards", in: folder)
        let run = try run(folder)
        #expect(run["status"] == "FAILED" && run["reason"] == "lost")
        let witness = Witness(folder: folder)
        let losses = try witness.points("it", "val/loss")
        #expect(losses.keys.sorted() == Array(1...Int64(lines.count)))
        for (index, line) in lines.enumerated() {
          let value = try JSON.parse(Array(line.utf8))["val/loss"]?.double
          #expect(losses[Int64(index) + 1] == value)
        }
        #expect(try witness.versions(of: "task") == ["task:1"])
        let output = try Product.run("run", "show", "it", "--output", in: folder).text
        // It may have been killed between the point and the line.
        #expect(output.split(separator: "\n").count >= lines.count - 1)
        try witness.checkHealth("kill -9")
      }
    }

    @Test func `killed after its last step, a run becomes the version that it had trained`() throws
    {
      try withTask { folder in
        let witness = Witness(folder: folder)
        for round in 0..<4 {
          let words = [
            "run", "task", "--data", "train.csv", "--hold-out", "0.5", "--scratch", "--set",
            "hidden=1024,1024", "--set", "epochs=1", "--name", "round-\(round)",
          ]
          let trainer = try Product.start(words, in: folder)
          let spool = folder.appending(path: ".registry/spool")
          #expect(
            Product.waits {
              let names = try? FileManager.default.contentsOfDirectory(atPath: spool.path)
              return (names ?? []).contains { name in
                FileManager.default.fileExists(
                  atPath: spool.appending(path: "\(name)/exit").path)
              } || !trainer.isRunning
            })
          trainer.send(SIGKILL)  // while the files are stored, most times
          _ = try trainer.finish()
          try Product.succeed("experiment", "add", "after-\(round)", in: folder)
          let run = try Product.json("run", "show", "round-\(round)", in: folder)["run"]
          #expect(run?["status"] == "FINISHED", "round \(round)")
          #expect(run?["version"] == .string("task:\(round + 2)"), "round \(round)")
        }
        try witness.checkHealth("killed after the last step")
      }
    }

    @Test func `killed at any moment, a run has a whole version or none`() throws {
      try withTask { folder in
        var generator = SeededGenerator(seed: 7)
        var versions = 1
        let witness = Witness(folder: folder)
        for round in 0..<12 {
          let words = Self.endless.map {
            $0 == "epochs=1000000" ? "epochs=40" : $0 == "it" ? "round-\(round)" : $0
          }
          let trainer = try Product.start(words, in: folder)
          usleep(UInt32.random(in: 5_000...150_000, using: &generator))
          trainer.send(SIGKILL)
          _ = try trainer.finish()
          try Product.succeed("experiment", "add", "after-\(round)", in: folder)
          let shown = try Product.run("run", "show", "round-\(round)", "--json", in: folder)
          let run =
            shown.status == 0 ? try JSON.parse(Array(shown.output))["run"] : JSON.null
          guard let run, run != .null else { continue }  // killed before there was a run
          let made = run["version"]?.string
          let isWhole = run["status"] == "FINISHED" && made != nil
          let isLost = run["status"] == "FAILED" && run["reason"] == "lost" && made == nil
          #expect(isWhole || isLost, "round \(round): \(run)")
          versions += isWhole ? 1 : 0
          let found = try witness.versions(of: "task")
          #expect(found.count == versions, "round \(round)")
        }
        try witness.checkHealth("killed at any moment")
      }
    }
  }
}

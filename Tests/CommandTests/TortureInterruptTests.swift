import Foundation
import Support
import Testing

extension TortureTests {
  @Suite struct InterruptTests {
    /// Starts a command and sends a signal as soon as it has begun to write beside its target.
    private func interrupt(
      _ arguments: [String], by signal: Int32, in folder: URL
    ) throws -> Product.Outcome {
      let running = try Product.start(arguments, in: folder)
      while running.isRunning {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        if names.contains(where: { $0.hasSuffix(".partial") }) { break }
        usleep(1000)
      }
      running.send(signal)
      return try running.finish()
    }

    @Test func `a signal takes away what export and backup have half made`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        var generator = SeededGenerator(seed: 1)
        for name in ["a", "b"] {  // large enough that the signal meets the work
          let words = (0..<(6 << 20)).map { _ in generator.next() }
          try words.withUnsafeBytes { Data($0) }.write(to: folder.appending(path: "\(name).bin"))
        }
        try Product.succeed("base", "add", "a.bin", in: folder)
        try Product.succeed("version", "add", "a", "b.bin", in: folder)
        var hits = 0
        for signal in [SIGINT, SIGTERM, SIGHUP] {
          for command in [["version", "export", "a:2", "out"], ["backup", "out"]] {
            let outcome = try interrupt(command, by: signal, in: folder)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(!names.contains { $0.hasSuffix(".partial") }, "\(command) \(names)")
            if outcome.status == 128 + signal, !names.contains("out") { hits += 1 }
            try? FileManager.default.removeItem(at: folder.appending(path: "out"))
          }
        }
        #expect(hits >= 3, "\(hits) of 6 signals met the work")
      }
    }
  }
}

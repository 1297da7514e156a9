import Foundation
import Testing

/// Who reads may go away and a disk may be full: a command does its work and tells the truth.
@Suite struct StreamTests {
  private func shell(_ binary: Binary, _ line: String) throws -> Binary.Result {
    // dash and bash differ in how they tell of a pipe's first command; a file does not.
    let result = try binary.shell("{ \(line); echo $? > status; } ; cat status")
    return Binary.Result(
      status: Int32(result.output.split(separator: "\n").last ?? "") ?? -1, output: result.output,
      errors: result.errors)
  }

  /// A command whose reader is gone, with or without the signal of that.
  private static func gone(_ command: String) -> [String] {
    ["", "trap '' PIPE; "].map { trap in
      "{ sleep 0.1; (\(trap)registry \(command)); echo $? > status; } | true; (exit $(cat status))"
    }
  }

  @Test func `an error stream that takes nothing does not keep a command from running`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      for end in ["2>/dev/full", "2>&-", "2>/dev/full >/dev/full"] {
        let mark = "made-\(end.utf8.count)"
        let result = try shell(binary, "registry run e -- sh -c 'touch \(mark); exit 3' \(end)")
        #expect(result.status == 3, "\(end)")
        #expect(
          FileManager.default.fileExists(atPath: binary.folder.appending(path: mark).path),
          "\(end)")
      }
      let result = try shell(binary, "registry run show nothing 2>/dev/full")
      #expect(result.status == 3)
    }
  }

  @Test func `a reader that goes away in the middle of a run does not change its status`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      let script = "sh -c 'seq 20000; sleep 0.2; seq 20000; exit 3'"
      let line =
        "{ registry run e -- \(script) 2>errors; echo $? > status; } | head -n 1 >/dev/null"
      let result = try binary.shell(line + "; exit $(cat status)")
      #expect(result.status == 3)
      let both = "{ registry run e -- \(script); echo $? > status; } 2>&1 | head -n 1 >/dev/null"
      #expect(try binary.shell(both + "; exit $(cat status)").status == 3)
    }
  }

  @Test func `a reader that goes away changes neither the status nor the answer's truth`() throws {
    try Binary.withStore { binary in
      try TinyModel.write(in: binary.folder)
      for line in [
        "base add tiny", "fork tiny reviews --metric val/f1:max",
        "run reviews -- sh train.sh child1 1", "run reviews -- sh train.sh child2 2",
        "promote reviews:3 --to prod",
      ] { _ = try binary.shell("registry \(line) -q") }
      for (command, status) in [
        ("promote reviews:2 --to prod", 5), ("run ls", 0), ("--version", 0), ("--help", 0),
        ("run show zzzz --json", 3), ("run show last --output", 0),
      ] as [(String, Int32)] {
        for line in Self.gone(command) {
          let result = try binary.shell(line)
          #expect(result.status == status, "\(line)\n\(result.errors)")
          #expect(status != 0 || result.errors.isEmpty, "\(line)\n\(result.errors)")
        }
      }
    }
  }

  @Test func `an answer that cannot be written is an error of its own`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      try binary("run", "start", "e", "--name", "r")
      for command in ["run ls", "run show r --json", "--version", "--help", "completion bash"] {
        let result = try shell(binary, "registry \(command) >/dev/full")
        #expect(result.status == 8, "\(command)")
        #expect(result.errors.contains("the output cannot be written: "), "\(command)")
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(command): \(result.errors)")
      }
      #expect(try shell(binary, "registry run ls >&-").status == 8)
    }
  }
}

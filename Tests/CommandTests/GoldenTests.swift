import Foundation
import Testing

/// What a person sees, as files that a person has looked at.
@Suite struct GoldenTests {
  private func transcript(_ binary: Binary, _ lines: String...) throws -> String {
    var text = ""
    for line in lines {
      let result = try binary.shell(line)
      text += "$ \(line)\n" + result.output + result.errors
      if result.status != 0 { text += "[exit \(result.status)]\n" }
      text += "\n"
    }
    return text
  }

  @Test func `lists of runs`() throws {
    try Binary.withStore { binary in
      try FormatTests.fill(binary)
      for width in [80, 120] {
        var binary = binary
        binary.environment["COLUMNS"] = "\(width)"
        try Golden.expect(
          try transcript(
            binary, "registry run ls", "registry run ls base --sort -val/f1",
            "registry run ls --where 'loss < 0.6 and params.lr >= 2e-4'",
            "registry run ls --where 'loss < 0'", "registry run ls --limit 1",
            "registry experiment ls"),
          is: "run-ls-\(width)", runs: try binary.runIds())
      }
      try Golden.expect(
        try transcript(
          binary, "registry run ls --plain", "registry run ls --md", "registry run ls --csv",
          "registry run ls --json --limit 1", "registry run ls --columns val/f1,params.lr,seed"),
        is: "run-ls-formats", runs: try binary.runIds())
    }
  }

  @Test func `one run`() throws {
    try Binary.withStore { binary in
      try FormatTests.fill(binary)
      var binary = binary
      binary.environment["COLUMNS"] = "80"
      let host = ProcessInfo.processInfo.hostName
      let text = try transcript(
        binary, "registry run show third", "registry run show third --plain",
        "registry run show first --points val/f1", "registry run tag first owner= a=b",
        "registry run rm first", "registry run finish third --status failed")
      try Golden.expect(
        text.replacing(host, with: "HOST").replacing(NSUserName(), with: "USER"), is: "run-show",
        runs: try binary.runIds())
    }
  }

  @Test func `plots`() throws {
    try Binary.withStore { binary in
      try FormatTests.fill(binary)
      var binary = binary
      binary.environment["COLUMNS"] = "80"
      try Golden.expect(
        try transcript(
          binary, "registry run show first --plot loss",
          "registry run show first second third --plot val/f1",
          "registry run show first second third --plot val/f1 --plain",
          "registry run show first second third --plot val/f1 --color always",
          "registry run show third --plot big",
          "registry run show first --plot loss --plot val/f1"),
        is: "plots", runs: try binary.runIds())
    }
  }

  @Test func `the rule that finds metrics`() throws {
    try Binary.inFreshFolder { binary in
      let log = """
        {'loss': 0.6931, 'learning_rate': 5e-05, 'epoch': 0.1}
        Epoch 1/3 step=10 loss: 0.61 acc=0.72%
        2026-11-23 18:53:00 http://host:8080/x listening on host:8080
         12%|#2        | 1/8 [00:01<00:07, 1.0it/s, loss=0.5]\rdone
        """
      try Data(log.utf8).write(to: binary.folder.appending(path: "train.log"))
      try Golden.expect(
        try transcript(
          binary, "registry run scrape", "registry run scrape --test train.log",
          "registry run scrape --test train.log --json"), is: "scrape")
    }
  }
}

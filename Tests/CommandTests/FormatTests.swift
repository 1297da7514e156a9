import Foundation
import Storage
import Testing

@Suite struct FormatTests {
  /// Two finished runs and one that goes on, with names that try a table.
  static func fill(_ binary: Binary) throws {
    try binary("experiment", "add", "base")
    for (index, name) in ["first", "second", "third"].enumerated() {
      let id = try binary(
        "run", "start", "base", "--name", name, "--set", "lr=\(index + 1)e-4", "--set",
        "note=a, \"b\" | c", "--seed", "\(index)", "--tag", "owner=anné 模型"
      ).trimmingCharacters(in: .newlines)
      for step in 0..<8 {
        let share = Double(step) / 10 + Double(index) / 100
        try binary(
          "run", "log", id, "loss=\(1 / (share + 1))", "val/f1=\(share)", "--step", "\(step)")
      }
      if index < 2 { try binary("run", "finish", id) }
    }
    try binary("run", "log", "third", "val/f1=nan", "--step", "8")
    try binary("run", "log", "third", "big=inf")
  }

  private static let lists: [([String], String)] = [
    (["run", "ls"], "runs"), (["run", "ls", "base"], "runs"),
    (["experiment", "ls"], "experiments"),
    (["event", "ls"], "events"), (["run", "show", "first", "--points", "loss"], "points"),
  ]

  @Test func `lists in JSON stand under the noun's plural with a schema number`() throws {
    try Binary.withStore { binary in
      try Self.fill(binary)
      for (command, plural) in Self.lists {
        let result = try binary.run(command + ["--json"])
        let json = try JSON.parse(Array(result.output.utf8))
        #expect(json["schema"] == 1, "\(command)")
        #expect(json[plural]?.array?.isEmpty == false, "\(command)")
        #expect(json.members?.count == 2, "\(command)")
      }
      let run = try JSON.parse(Array(try binary("run", "show", "third", "--json").utf8))["run"]
      #expect(run?["name"] == "third")
      #expect(run?["params"]?["lr"] == "3e-4")
      #expect(run?["tags"]?["owner"] == "anné 模型")
      let metrics = run?["metrics"]?.array ?? []
      #expect(metrics.map { $0["key"]?.string } == ["big", "loss", "val/f1"])
      #expect(metrics.map { $0["latest"] }.first == "Infinity")
      #expect(metrics.last?["latest"] == "NaN")
      #expect(metrics.last?["nanCount"] == 1)
    }
  }

  @Test func `numbers of machine formats have all their digits`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      let value = 0.1234567890123456789
      try binary("run", "start", "e", "--name", "r")
      try binary("run", "log", "r", "x=\(value)")
      let json = try JSON.parse(Array(try binary("run", "ls", "--json").utf8))
      #expect(json["runs"]?.array?.first?["metrics"]?["x"]?.double == value)
      #expect(try binary("run", "ls", "--csv").contains(",\(value),"))
      #expect(try binary("run", "ls").contains("0.1235"))
    }
  }

  @Test func `every row of CSV has the columns of its heading`() throws {
    try Binary.withStore { binary in
      try Self.fill(binary)
      for (command, _) in Self.lists {
        let rows = CSV.rows(try binary.run(command + ["--csv"]).output)
        #expect(rows.count > 1, "\(command)")
        #expect(Set(rows.map(\.count)).count == 1, "\(command)")
      }
      let rows = CSV.rows(try binary("run", "show", "first", "--csv"))
      #expect(rows.first == ["field", "value"])
      #expect(rows.contains(["params.note", "a, \"b\" | c"]))
    }
  }

  @Test func `options of all commands stand before the verb or behind it`() throws {
    try Binary.withStore { binary in
      try Self.fill(binary)
      let behind = try binary("run", "ls", "base", "--csv", "--limit", "2")
      #expect(try binary("--csv", "run", "ls", "base", "--limit", "2") == behind)
      #expect(try binary("run", "ls", "--csv", "base", "--limit", "2") == behind)
      let elsewhere = Binary(folder: FileManager.default.temporaryDirectory)
      let path = binary.folder.path
      #expect(
        try elsewhere("--store", path, "--csv", "run", "ls", "base", "--limit", "2") == behind)
      #expect(
        try elsewhere("--store=\(path)/.registry", "run", "ls", "base", "--limit", "2", "--csv")
          == behind)
      var named = elsewhere
      named.environment["REGISTRY_STORE"] = path
      #expect(try named("run", "ls", "base", "--limit", "2", "--csv") == behind)
    }
  }

  @Test func `colours come only where they are wanted`() throws {
    try Binary.withStore { binary in
      try Self.fill(binary)
      func hasColours(_ line: String) throws -> Bool {
        try binary.shell(line).output.contains("\u{1B}[")
      }
      #expect(try !hasColours("registry run ls"))
      #expect(try hasColours("registry run ls --color always"))
      #expect(try hasColours("CLICOLOR_FORCE=1 registry run ls"))
      #expect(try !hasColours("CLICOLOR_FORCE=1 registry run ls --color never"))
      #expect(try !hasColours("NO_COLOR=1 CLICOLOR_FORCE=1 registry run ls"))
      #expect(try !hasColours("registry run ls --color always --plain"))
      #expect(try !hasColours("registry run ls --color always --json"))
      #expect(try !hasColours("registry run ls --color always --csv"))
    }
  }

  @Test func `what others wrote cannot steer a terminal`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      try binary("run", "start", "e", "--name", "r")
      let evil = "\u{1B}]0;title\u{7}\u{9B}31m\u{202E}\r\nx"
      try binary("run", "tag", "r", "note=\(evil)")
      try binary("run", "log", "r", "--param", "p=\(evil)")
      for format in ["--plain", "--md", "--json", "--color=always"] {
        for command in [["run", "show", "r"], ["run", "ls"]] {
          let output = try binary.run(command + [format]).output
          let scalars = output.replacing(#/\x1B\[\d*m/#, with: "").unicodeScalars
          let bad = scalars.filter { scalar in
            scalar != "\n" && (scalar.value < 32 || (0x7F...0x9F).contains(scalar.value))
          }
          #expect(bad.isEmpty, "\(command) \(format)")
        }
      }
      #expect(try binary("run", "show", "r").contains("\\x1b]0;title"))
    }
  }

  @Test func `a reader that goes away ends the command without a word`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      try binary("run", "start", "e", "--name", "r")
      for step in 0..<40 {
        try binary("run", "log", "r", "x=\(step)", "y=\(step)")
      }
      for line in ["registry run ls | true", "registry run show r --points x --csv | head -n 1"] {
        let result = try binary.shell(line)
        #expect(result.status == 0, "\(line)")
        #expect(result.errors.isEmpty, "\(line)")
      }
    }
  }

  @Test func `a table fits the terminal, and says what it left out`() throws {
    try Binary.withStore { binary in
      try Self.fill(binary)
      for width in stride(from: 140, through: 30, by: -5) {
        var narrow = binary
        narrow.environment["COLUMNS"] = "\(width)"
        for command in [["run", "ls"], ["experiment", "ls"], ["event", "ls"]] {
          let lines = try narrow.run(command).output.split(separator: "\n")
          #expect(lines.allSatisfy { $0.count <= width }, "\(command) in \(width)")
        }
      }
      var narrow = binary
      narrow.environment["COLUMNS"] = "70"
      #expect(try narrow("run", "ls").contains("columns (--columns)"))
      #expect(try !narrow("run", "ls", "--plain").contains("columns (--columns)"))
    }
  }
}

/// A reader of RFC 4180, independent of the writer.
enum CSV {
  static func rows(_ text: String) -> [[String]] {
    var rows: [[String]] = [[""]]
    var isQuoted = false
    var rest = Substring(text)
    while let next = rest.popFirst() {
      switch next {
      case "\"" where isQuoted && rest.first == "\"":
        rows[rows.count - 1][rows[rows.count - 1].count - 1].append("\"")
        rest.removeFirst()
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: rows[rows.count - 1].append("")
      case "\n" where !isQuoted: rows.append([""])
      default: rows[rows.count - 1][rows[rows.count - 1].count - 1].append(next)
      }
    }
    return rows.last == [""] ? rows.dropLast() : rows
  }
}

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

  @Test func `people see four digits of any number`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      try binary("run", "start", "e", "--name", "r")
      for (key, value) in [("a", "9999.96"), ("b", "9999.4"), ("c", "99999.6"), ("d", "0.00009")] {
        try binary("run", "log", "r", "\(key)=\(value)")
      }
      let line = try binary("run", "ls", "--columns", "a,b,c,d").split(separator: "\n").last
      #expect(line?.split(separator: " ") == ["10000", "9999", "100000", "9e-05"])
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
      #expect(rows.first == ["key", "value"])
      #expect(rows.contains(["params.note", "a, \"b\" | c"]))
    }
  }

  @Test func `a run of a list has its parameters, metrics and tags, also where there are none`()
    throws
  {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      try binary("run", "start", "e", "--name", "bare")
      let bare = try JSON.parse(Array(try binary("run", "ls", "--json").utf8))["runs"]?.array?.first
      for group in ["params", "metrics", "tags"] { #expect(bare?[group] == [:], "\(group)") }
      try binary("run", "start", "e", "--name", "full", "--tag", "owner=ann", "--set", "lr=1")
      let full = try JSON.parse(Array(try binary("run", "ls", "--json").utf8))["runs"]?.array?.first
      #expect(full?["tags"]?["owner"] == "ann" && full?["params"]?["lr"] == "1")
    }
  }

  @Test func `runs are found by the words of headings and of JSON, and by status in any case`()
    throws
  {
    try Binary.withStore { binary in
      try Self.fill(binary)
      for filter in [
        "status = 'finished'", "status = \"FINISHED\"", "status like 'fin%'",
        "status in ('Finished')", "took < 1000 and status != 'running'",
        "durationSeconds < 1000 and startedAt > '2020-01-01' and endedAt > '2020-01-01'",
      ] {
        let rows = CSV.rows(try binary("run", "ls", "--where", filter, "--csv"))
        #expect(rows.count == 3, "\(filter)")
      }
      let rows = CSV.rows(
        try binary("run", "ls", "--columns", "run,took", "--sort", "took", "--csv"))
      #expect(rows.first == ["id", "durationSeconds"] && rows.count == 4)
    }
  }

  @Test func `parameters are compared as they were given`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      for (name, values) in [
        ("a", ["n=9007199254740993", "v=1.10", "p=007", "same=1e-3"]),
        ("b", ["n=9007199254740992", "v=1.1", "p=7", "same=1e-3"]),
      ] {
        _ = try binary.run(
          ["run", "start", "e", "--name", name, "--seed", "9007199254740993"]
            + values.flatMap { ["--set", $0] })
      }
      let rows = CSV.rows(try binary("compare", "a", "b", "--csv"))
      #expect(rows.first == ["section", "name", "a", "b", "delta b"])
      #expect(rows.contains(["parameters", "n", "9007199254740993", "9007199254740992", ""]))
      #expect(rows.contains(["parameters", "v", "1.10", "1.1", ""]))
      #expect(rows.contains(["parameters", "p", "007", "7", ""]))
      #expect(!rows.contains { $0[1] == "same" || $0[1] == "seed" })
      let all = CSV.rows(try binary("compare", "a", "b", "--csv", "--all"))
      #expect(all.contains(["parameters", "seed", "9007199254740993", "9007199254740993", ""]))
    }
  }

  @Test func `a long parameter is cut and hides nothing, and a comparison keeps its differences`()
    throws
  {
    try Binary.withStore { binary in
      try Self.fill(binary)
      try binary("run", "start", "base", "--set", "path=\(String(repeating: "x", count: 300))")
      var narrow = binary
      narrow.environment["COLUMNS"] = "120"
      let list = try narrow("run", "ls", "base")
      #expect(list.contains("xxx…") && list.contains("val/f1") && list.contains("started"))
      narrow.environment["COLUMNS"] = "60"
      #expect(try narrow("compare", "first", "second").contains("Δ"))
    }
  }

  @Test func `what is said of a list stands on the error stream, and its heading stays`() throws {
    try Binary.withStore { binary in
      let empty = try binary.run(["run", "ls"])
      #expect(empty.output.isEmpty && empty.errors.contains("no run yet"))
      let quiet = try binary.run(["run", "ls", "-q"])
      #expect(quiet.output.isEmpty && quiet.errors.isEmpty)
      #expect(try binary("model", "ls", "--md").hasPrefix("| model | kind |"))
      #expect(try binary("model", "ls", "--csv").hasPrefix("name,kind,"))
      try Self.fill(binary)
      let page = try binary.run(["run", "ls", "--limit", "1"])
      #expect(page.errors == "1 of 3 runs (--limit)\n" && page.output.contains("third"))
    }
  }

  @Test func `a plot of any numbers is drawn`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      try binary("run", "start", "e", "--name", "r")
      for (key, points) in [
        ("far", [("1", "9007199254740993"), ("2", "9007199254740994")]),
        ("last", [("1", "9223372036854775807")]), ("tiny", [("5e-324", "0")]),
        ("small", [("0", "0"), ("5e-324", "1")]), ("huge", [("1.7e308", "0")]),
        ("wide", [("1.7e308", "0"), ("-1.7e308", "1")]), ("lost", [("inf", "0")]),
        ("mixed", [("inf", "0"), ("1", "1"), ("nan", "2")]),
      ] {
        for (value, step) in points {
          try binary("run", "log", "r", "\(key)=\(value)", "--step", step)
        }
        #expect(try !binary("run", "show", "r", "--plot", key).isEmpty, "\(key)")
      }
      #expect(try binary("run", "show", "r", "--plot", "lost").contains("(1 is not)"))
      var wide = binary
      wide.environment["COLUMNS"] = "99999999"
      #expect(try wide("run", "show", "r", "--plot", "wide").utf8.count < 100_000)
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

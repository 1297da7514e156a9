import Foundation
import Storage
import Testing

/// Register, fork, run, compare, promote, reuse: as a person types it.
@Suite struct MainPathTests {
  private static let path = [
    "registry init",
    "registry base add tiny",
    "registry base add tiny",
    "registry fork tiny reviews --type text-classification --metric val/f1:max",
    "registry run reviews --name first --set lr=0.01 --seed 1 -- sh train.sh child1 1",
    "registry run reviews --name second --set lr=0.05 --seed 2 --freeze 'embeddings.*' "
      + "--tag owner=ann -- sh train.sh child2 2",
    "registry run reviews --freeze 'embedings.*' -- sh train.sh child1 1",
    "registry run ls reviews",
    "registry model ls",
    "registry model show reviews",
    "registry version show reviews:3",
    "registry diff reviews:1 reviews:3 --tensors",
    "registry compare reviews:2 reviews:3",
    "registry compare reviews:2 reviews:3 --md",
    "registry best",
    "registry promote reviews/best --to prod --note 'first model'",
    "registry promote reviews:2 --to prod",
    "registry promote reviews:2 --to prod --waive metric --reason 'smaller'",
    "registry alias ls",
    "registry alias log reviews@prod",
    "registry rollback reviews@prod --note back",
    "registry rollback reviews@prod",
    "registry lineage reviews@prod",
    "registry lineage tiny --down",
    "registry lineage reviews@prod --format mermaid",
    "registry version rm reviews:3",
    "registry version export reviews@prod out",
    "registry verify --full",
    "registry gc --dry-run",
    "registry event ls --limit 4",
  ]

  @Test func `the whole path looks as it should`() throws {
    for width in [80, 120] {
      try Binary.inFreshFolder { folder in
        var binary = folder
        try TinyModel.write(in: binary.folder)
        binary.environment["COLUMNS"] = "\(width)"
        var text = ""
        for line in Self.path {
          let result = try binary.shell(line)
          text += "$ \(line)\n" + result.output + result.errors
          if result.status != 0 { text += "[exit \(result.status)]\n" }
          text += "\n"
        }
        text = text.replacing(binary.folder.path, with: "FOLDER")
          .replacing(#/\b\d+(\.\d+)? kB, \d+(\.\d+)? % of its size/#, with: "… of its size")
          .replacing(NSUserName(), with: "USER")
          // What runs cost differs from time to time, and is hidden where it does not.
          .replacing(#/\n(cost)? +(wall|cpu|memory) [^\n]*/#, with: "")
          .replacing(#/\n\| cost \|[^\n]*/#, with: "")
          .replacing(#/\n\d equal hidden/#, with: "\n… equal hidden")
        try Golden.expect(text, is: "main-path-\(width)", runs: try binary.runIds())
      }
    }
  }

  @Test func `an export is byte-identical, and every format of every answer can be read`() throws {
    try Binary.inFreshFolder { binary in
      try TinyModel.write(in: binary.folder)
      for line in Self.path[..<6] { _ = try binary.shell(line + " -q") }
      for (reference, folder) in [
        ("tiny:1", "tiny"), ("reviews:2", "child1"), ("reviews:3", "child2"),
      ] {
        try binary("version", "export", reference, "out-\(folder)", "-q")
        let result = try binary.shell("diff -r \(folder) out-\(folder)")
        #expect(result.status == 0, "\(reference): \(result.output)")
      }
      for command in [
        "model ls", "model show reviews", "version ls reviews", "version show reviews:3 --tensors",
        "diff reviews:2 reviews:3 --tensors", "compare reviews:2 reviews:3", "best", "du", "verify",
        "gc --dry-run", "lineage reviews:3", "alias ls", "run ls", "run show second", "event ls",
        "experiment ls", "promote reviews:3 --to prod", "alias log reviews@prod",
      ] {
        let json = try binary.shell("registry \(command) --json")
        #expect(json.status == 0, "\(command): \(json.errors)")
        #expect(try JSON.parse(Array(json.output.utf8))["schema"] == 1, "\(command)")
        let rows = CSV.rows(try binary.shell("registry \(command) --csv").output)
        #expect(rows.count > 0 && Set(rows.map(\.count)).count == 1, "\(command)")
        try expectAll(of: try JSON.parse(Array(json.output.utf8)), in: rows, command)
        let plain = try binary.shell("registry \(command) --plain")
        #expect(plain.output.utf8.allSatisfy { $0 < 128 }, "\(command)\n\(plain.output)")
      }
    }
  }

  /// Checks that CSV of one thing has every value that its JSON has; values of now may differ.
  private func expectAll(of json: JSON, in rows: [[String]], _ command: String) throws {
    let thing = try #require(json.members?.last?.value, "\(command)")
    guard json.members?.count == 2, thing.members != nil else { return }
    // Promoted a second time, it has nothing to judge any more.
    guard !command.hasPrefix("promote") else { return }
    #expect(rows.first == ["key", "value"], "\(command)")
    var count = 0
    func walk(_ json: JSON, _ path: [String]) {
      let inside =
        json.members?.map { ($0.key, $0.value) } ?? json.array?.enumerated().map { ("\($0)", $1) }
        ?? []
      for (key, value) in inside { walk(value, path + [key]) }
      guard inside.isEmpty else { return }
      count += 1
      let key = path.joined(separator: ".")
      let row = rows.first { $0.first == key }
      #expect(row != nil, "\(command): \(key)")
      if let text = json.string { #expect(row?.last == text, "\(command): \(key)") }
    }
    walk(thing, [])
    #expect(rows.count == count + 1, "\(command)")
  }

  @Test func `the command's own status passes through, and ours is 125 to 127`() throws {
    try Binary.inFreshFolder { binary in
      try TinyModel.write(in: binary.folder)
      for line in Self.path[..<4] { _ = try binary.shell(line + " -q") }
      for (line, status) in [
        ("registry run reviews -- sh -c 'exit 3'", 3),
        ("registry run reviews -- sh -c 'kill -TERM $$'", 143),
        ("registry run reviews -- no-such-program", 127),
        ("registry run reviews -- ./train.sh", 126), ("registry run nowhere -- true", 125),
        ("registry run reviews --sett a=b -- true", 125), ("registry run reviews", 2),
        ("registry run reviews --tag owner=ann --tag \"$(printf 'a\\001b')=x\" -- touch ran", 125),
        ("registry run reviews -- sh -c 'test \"$0\" = \"--json\"' --json", 0),
      ] as [(String, Int32)] {
        let result = try binary.shell(line)
        #expect(result.status == status, "\(line): \(result.errors)")
      }
      let ran = binary.folder.appending(path: "ran").path
      #expect(!FileManager.default.fileExists(atPath: ran), "a bad tag was seen too late")
      let failure = try binary.run(["run", "nowhere", "--json", "--", "true"])
      #expect(failure.status == 125)
      #expect(try JSON.parse(Array(failure.errors.utf8))["error"]?["kind"] == "notFound")
    }
  }

  @Test func `a run's output, metrics, tags and artifacts are kept`() throws {
    try Binary.inFreshFolder { binary in
      try TinyModel.write(in: binary.folder)
      for line in Self.path[..<6] { _ = try binary.shell(line + " -q") }
      let output = try binary("run", "show", "second", "--output")
      #expect(output.hasPrefix("step=0 loss=0.9 val/f1=0.6\n"))
      let run = try JSON.parse(Array(try binary("run", "show", "second", "--json").utf8))["run"]
      #expect(run?["version"] == "reviews:3")
      #expect(run?["tags"]?["owner"] == "ann")
      #expect(run?["params"]?["lr"] == "0.05")
      #expect(run?["artifacts"]?.array?.map { $0["path"]?.string } == ["checkpoint-10/state"])
      #expect(run?["freeze"]?.array == ["embeddings.*"])
      #expect(run?["exitStatus"] == 0)
      #expect(try binary("run", "ls", "--where", "val/f1 > 0.75", "--csv").contains("second"))
    }
  }

  @Test func `one thing has one shape in JSON`() throws {
    try Binary.inFreshFolder { binary in
      try TinyModel.write(in: binary.folder)
      for line in Self.path[..<6] { _ = try binary.shell(line + " -q") }
      try binary("promote", "reviews:3", "--to", "prod", "-q")
      func json(_ arguments: String...) throws -> JSON {
        try JSON.parse(Array(try binary.run(arguments + ["--json"]).output.utf8))
      }
      let runId = JSON(try binary.runIds().first)
      let parents: JSON = [["version": "reviews:1", "relation": "finetune"]]
      let shown = try json("version", "show", "reviews:3")["version"]
      let listed = try json("version", "ls", "reviews")["versions"]?.array?.last
      for version in [shown, listed] {
        #expect(version?["aliases"] == ["prod"])
        #expect(version?["parents"] == parents)
        #expect(version?["runId"] == runId)
      }
      #expect(try json("version", "show", "tiny:1")["version"]?["parents"] == [])
      #expect(try json("version", "show", "tiny:1")["version"]?["aliases"] == [])
      let alias: JSON = [["name": "prod", "version": "reviews:3"]]
      let models = try json("model", "ls")["models"]?.array
      #expect(models?.map { $0["aliases"] } == [[], alias])
      #expect(models?.first?["parents"] == [])
      #expect(models?.last?["parents"] == [["version": "tiny:1", "relation": "fork"]])
      #expect(try json("model", "show", "reviews")["model"]?["aliases"] == alias)
      #expect(try json("best")["best"]?["runId"] == runId)
      let columns = try json("compare", "reviews:2", "reviews:3")["columns"]?.array
      #expect(columns?.last?["runId"] == runId)
    }
  }

  @Test func `an alias that was taken away is not promoted for the first time`() throws {
    try Binary.inFreshFolder { binary in
      try TinyModel.write(in: binary.folder)
      for line in Self.path[..<6] { _ = try binary.shell(line + " -q") }
      #expect(try binary("promote", "reviews:3", "--to", "prod").contains("the first holder"))
      try binary("alias", "rm", "reviews@prod")
      #expect(try binary("rollback", "reviews@prod").contains("reviews:3, before unset"))
      let events = try binary("event", "ls")
      #expect(events.contains("unset, before reviews:3"))
      #expect(!events.contains("versionId="))
      var narrow = binary
      narrow.environment["COLUMNS"] = "80"
      let heading = try narrow("event", "ls").split(separator: "\n").first ?? ""
      #expect(heading.contains("when") && heading.contains("who"))
      let id = try #require(try binary.runIds().first)
      let about = try binary("event", "ls", "--subject", "second", "--csv")
      #expect(CSV.rows(about).dropFirst().allSatisfy { $0[3] == id })
      #expect(try binary("event", "ls", "--subject", "\(id.prefix(6))", "--csv") == about)
      #expect(CSV.rows(about).count > 2)
    }
  }

  @Test func `a summary begins on a line of its own`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "e")
      for end in ["", "\\n"] {
        let both = try binary.shell("registry run e -- printf 'abc\(end)' > both 2>&1; cat both")
        let lines = both.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.contains { $0.hasPrefix("✓ ") }, "\(both.output)")
        #expect(!lines.dropLast().contains(""), "\(both.output)")
      }
      let apart = try binary.run(["run", "e", "--", "printf", "abc"])
      #expect(apart.output == "abc" && !apart.errors.contains("\n\n"))
    }
  }

  @Test func `a folder with another program's catalog is not called a store`() throws {
    try Binary.inFreshFolder { binary in
      let folder = binary.folder.appending(path: ".registry")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try Data("not a database, but long enough to be read as one".utf8)
        .write(to: folder.appending(path: "catalog.sqlite"))
      let result = try binary.run(["init"])
      #expect(result.status != 0 && result.output.isEmpty, "\(result.errors)")
    }
  }

  @Test func `a test of the rule gives the points that a run stores`() throws {
    try Binary.withStore { binary in
      let log = """
        loss=1 step=5
        loss=2
        loss=3 step=2
        loss=4
        host:8080 localhost:8080 a.b:22
        \(String(repeating: "k", count: 300))=1

        """
      try Data(log.utf8).write(to: binary.folder.appending(path: "log"))
      try binary("experiment", "add", "e")
      try binary("run", "e", "--", "cat", "log")
      let found = CSV.rows(try binary("run", "scrape", "--test", "log", "--csv"))
      let json = try JSON.parse(
        Array(try binary.run(["run", "scrape", "--test", "-", "--json"], input: log).output.utf8))
      let run = try JSON.parse(Array(try binary("run", "show", "e/last", "--json").utf8))["run"]
      let series = run?["metrics"]?.array
      #expect(found.dropFirst().map { $0.first } == ["loss", "host"])
      #expect(series?.count == 2)
      let steps = json["points"]?.array?.filter { $0["key"] == "loss" }.map { $0["step"] }
      let stored = CSV.rows(try binary("run", "show", "e/last", "--points", "loss", "--csv"))
      #expect(steps == [5, 6, 2, 7])
      #expect(Set(stored.dropFirst().map { $0.first }) == ["5", "6", "2", "7"])
    }
  }
}

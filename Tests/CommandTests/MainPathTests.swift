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
        let plain = try binary.shell("registry \(command) --plain")
        #expect(plain.output.utf8.allSatisfy { $0 < 128 }, "\(command)\n\(plain.output)")
      }
    }
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
        ("registry run reviews -- sh -c 'test \"$0\" = \"--json\"' --json", 0),
      ] as [(String, Int32)] {
        let result = try binary.shell(line)
        #expect(result.status == status, "\(line): \(result.errors)")
      }
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
}

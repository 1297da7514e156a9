import Catalog
import GRDB
import Storage
import Support
import Testing
import Tracking
import Workspace

@Suite struct LineageTests {
  /// base:1 → t:1 (fork) → t:2 (run), t:3 → t:4 (merge of 2 and 3, at prod).
  private func withDiamond(_ body: (Model, Database) throws -> Void) throws {
    try withTemporaryStore { store in
      try store.write { db in
        let base = try Model.add("base", db).addVersion(db)
        let fork = try Fork.add(base, as: "t", db)
        let run = try fork.task.addRun("brave-otter", db)
        let second = try fork.model.addVersion(
          parents: [.init(fork.version.id, .finetune)], runId: run.id.hex, db)
        let third = try fork.model.addVersion(parents: [.init(fork.version.id, .quantize)], db)
        let merge = try fork.model.addVersion(
          parents: [.init(second.id, .merge), .init(third.id, .merge)], db)
        try Alias.put("prod", on: merge, db)
        try body(fork.model, db)
      }
    }
  }

  @Test func `a tree opens a version once, up and down`() throws {
    try withDiamond { model, db in
      let run = try Run.resolve("brave-otter", db).id.short
      let up = try Lineage(of: try model.getVersion(4, db), .ancestors, db)
      #expect(
        up.text == """
          t:4 @prod
          ├─ merge ← t:2  run \(run) brave-otter
          │  └─ finetune ← t:1
          │     └─ fork ← base:1
          └─ merge ← t:3
             └─ quantize ← t:1  (see above)

          """)
      let down = try Lineage(of: try Reference.version("base", db), .descendants, db)
      #expect(
        down.text == """
          base:1
          └─ fork → t:1
             ├─ finetune → t:2  run \(run) brave-otter
             │  └─ merge → t:4 @prod
             └─ quantize → t:3
                └─ merge → t:4 @prod

          """)
      #expect(down.nodes.map(\.version.reference) == ["base:1", "t:1", "t:2", "t:3", "t:4"])
      #expect(down.edges.count == 5 && up.edges.count == 5)
    }
  }

  @Test func `graphs point from parent to child in every format`() throws {
    try withDiamond { model, db in
      let lineage = try Lineage(of: try model.getVersion(2, db), .ancestors, db)
      #expect(
        lineage.dot == """
          digraph lineage {
            rankdir=LR;
            node [shape=box];
            "t:2" [label="t:2\\nrun brave-otter"];
            "t:1" [label="t:1"];
            "base:1" [label="base:1"];
            "t:1" -> "t:2" [label="finetune"];
            "base:1" -> "t:1" [label="fork"];
          }

          """)
      #expect(
        lineage.mermaid == """
          flowchart LR
            v3["t:2<br/>run brave-otter"]
            v2["t:1"]
            v1["base:1"]
            v2 -->|finetune| v3
            v1 -->|fork| v2

          """)
      let json = lineage.json
      #expect(json["root"]?.string == "t:2")
      #expect(
        json["versions"]?.array?.compactMap { $0["version"]?.string } == ["t:2", "t:1", "base:1"])
      let edges = json["edges"]?.array?.map { [$0["parent"]?.string, $0["child"]?.string] }
      #expect(edges == [["t:1", "t:2"], ["base:1", "t:1"]])
    }
  }

  @Test func `names of other tools do not break a graph`() throws {
    try withTemporaryStore { store in
      try store.write { db in
        let version = try Model.add("a \"b\" \\ <c>", db).addVersion(db)
        let lineage = try Lineage(of: version, .ancestors, db)
        #expect(lineage.dot.contains(#""a \"b\" \\ <c>:1" [label="a \"b\" \\ <c>:1"];"#))
        #expect(lineage.mermaid.contains("v1[\"a #quot;b#quot; \\ #lt;c#gt;:1\"]"))
      }
    }
  }

  @Test func `a chain of thousands is walked without recursion`() throws {
    try withTemporaryStore { store in
      try store.write { db in
        let model = try Model.add("long", db)
        var last = try model.addVersion(db)
        for _ in 0..<3000 { last = try model.addVersion(parents: [.init(last.id, .finetune)], db) }
        let lineage = try Lineage(of: last, .ancestors, db)
        #expect(lineage.nodes.count == 3001)
        #expect(lineage.text.utf8.count { $0 == 10 } == 3001)
      }
    }
  }
}

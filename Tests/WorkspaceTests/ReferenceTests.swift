import Catalog
import GRDB
import Storage
import Support
import Testing
import Tracking
import Workspace

@Suite struct ReferenceTests {
  /// base:1; sections (task): 1 fork, 2 and 3 by runs, 4 merge of 2 and 3; prod went 2, 3, unset, 4.
  private func withStore(_ body: (Database) throws -> Void) throws {
    try withTemporaryStore { store in
      try store.write { db in
        let base = try Model.add("org/base", db).addVersion(files: ["config.json", "a/b.txt"], db)
        let fork = try Fork.add(base, as: "sections", metric: .init("val/f1:max"), db)
        try fork.task.addRun("brave-otter", metric: [0.9, 0.5], making: fork.model, db)
        try fork.task.addRun("calm-heron", metric: [0.1, 0.7], making: fork.model, db)
        try fork.task.addRun("odd-newt", metric: [0.8, .nan], db)
        try fork.task.addRun("wild-crow", metric: [0.99], status: .failed, db)
        let versions = try fork.model.versions(db)
        let parents = versions[1...2].map { Version.Parent($0.id, .merge) }
        let merge = try fork.model.addVersion(parents: parents, db)
        try Alias.put("prod", on: versions[1], db)
        try Alias.put("prod", on: versions[2], db)
        try Alias.unset("prod", of: fork.model, db)
        try Alias.put("prod", on: merge, db)
        try body(db)
      }
    }
  }

  @Test func `every form finds its version`() throws {
    try withStore { db throws in
      let run = try Run.resolve("brave-otter", db).id.hex
      for (text, expected) in [
        ("org/base", "org/base:1"), ("sections", "sections:4"), ("sections:2", "sections:2"),
        ("sections:v2", "sections:2"), ("sections:latest", "sections:4"),
        ("sections@prod", "sections:4"), ("sections@prod~0", "sections:4"),
        ("sections@prod~2", "sections:3"), ("sections@prod~3", "sections:2"),
        ("sections:4^", "sections:2"), ("sections:4^1", "sections:2"), ("sections^2", "sections:3"),
        ("sections:1^", "org/base:1"), ("sections@prod^2", "sections:3"),
        ("brave-otter", "sections:2"), ("sections/brave-otter", "sections:2"),
        (run, "sections:2"), (String(run.prefix(8)), "sections:2"),
        (run.uppercased(), "sections:2"), ("runs:/\(run)", "sections:2"),
        ("sections/\(run.prefix(8))", "sections:2"), ("best", "sections:3"),
        ("sections/best", "sections:3"), ("sections/last~3", "sections:2"),
        ("last~3", "sections:2"), ("models:/sections/2", "sections:2"),
        ("models:/sections@prod", "sections:4"), ("models:/org/base/1", "org/base:1"),
        ("models:/org/base", "org/base:1"), ("models:/sections/latest", "sections:4"),
      ] {
        #expect(try Reference.version(text, db).reference == expected, "\(text)")
      }
    }
  }

  @Test func `what is missing is not found, with a hint`() throws {
    try withStore { db throws in
      for (text, hint) in [
        ("sectoins", "did you mean sections"), ("sectoins:2", "did you mean sections"),
        ("sections@prd", "did you mean sections@prod"), ("brave-oter", "did you mean brave-otter"),
        ("sections:9", "registry model show sections"), ("sections:1^2", "registry lineage"),
        ("org/base^", "registry lineage org/base:1"),
        ("sections@prod~1", "alias log sections@prod"),
        ("sections@prod~4", "alias log sections@prod"), ("zzzzzz", "registry model ls"),
        ("odd-newt", "registry run adopt"), ("last", "registry run adopt"),
        ("sectons/best", "did you mean sections"), ("last~4", "registry run ls sections"),
        ("sha256:000000", ""), ("models:/absent/1", ""), ("runs:/0000", ""),
        ("runs:/\(String(repeating: "0", count: 32))", ""), ("sections/absent", ""),
      ] {
        let error = failure { _ = try Reference.version(text, db) }
        #expect(error?.kind == .notFound, "\(text)")
        #expect(error?.hint?.contains(hint) ?? hint.isEmpty, "\(text): \(error?.hint ?? "no hint")")
      }
    }
  }

  @Test func `best and last need a task once the store has two`() throws {
    try withStore { db throws in
      try Experiment.add("plain", db).addRun("plain-run", metric: [2], db)
      #expect(try Reference("best").run(db).name == "calm-heron")
      #expect(try Reference("plain/last").run(db).name == "plain-run")
      #expect(failure { _ = try Reference("plain/best").run(db) }?.kind == .notFound)
      _ = try Fork.add(try Reference.version("org/base", db), as: "second", db)
      for word in ["best", "last", "last~1"] {
        let error = failure { _ = try Reference(word).run(db) }
        #expect(error?.kind == .ambiguous)
        #expect(error?.hint?.contains("sections/") == true)
        #expect(error?.hint?.contains("second/") == true)
      }
      #expect(failure { _ = try Reference("second/best").run(db) }?.kind == .notFound)
      #expect(failure { _ = try Reference("second/last").run(db) }?.kind == .notFound)
    }
  }

  @Test func `best is the finished run with the best latest value, NaN never`() throws {
    try withTemporaryStore { store in
      try store.write { db in
        let base = try Model.add("base", db).addVersion(db)
        let task = try Fork.add(base, as: "t", metric: .init("val/f1:min"), db).task
        #expect(failure { _ = try Reference("best").run(db) }?.kind == .notFound)
        try task.addRun("nan", metric: [.nan], db)
        #expect(failure { _ = try Reference("best").run(db) }?.kind == .notFound)
        try task.addRun("one", metric: [0, 5], db)
        try task.addRun("two", metric: [9, -.infinity, 4], db)
        try task.addRun("running", metric: [1], status: .running, db)
        try task.addRun("killed", metric: [1], status: .killed, db)
        #expect(try Reference("best").run(db).name == "two")
      }
    }
  }

  @Test func `a version means the run that made it, where a run is wanted`() throws {
    try withStore { db throws in
      for (text, expected) in [
        ("sections:2", "brave-otter"), ("sections:4^2", "calm-heron"),
        ("sections@prod~2", "calm-heron"), ("odd-newt", "odd-newt"), ("last", "wild-crow"),
        ("best", "calm-heron"), ("sections/odd-newt", "odd-newt"),
      ] {
        #expect(try Reference(text).run(db).name == expected, "\(text)")
      }
      for text in ["sections:1", "sections", "org/base"] {
        #expect(failure { _ = try Reference(text).run(db) }?.kind == .notFound, "\(text)")
      }
    }
  }

  @Test func `where both are welcome, a model goes before a run of its name`() throws {
    try withStore { db throws in
      let task = try Reference.experiment("sections", db)
      try task.addRun("org/base", db)
      func kind(_ text: String) throws -> String {
        switch try Reference(text).target(db) {
        case .version(let version): version.reference
        case .run(let run): "run \(run.name)"
        }
      }
      #expect(try kind("org/base") == "org/base:1")
      #expect(try kind("sections/org/base") == "run org/base")
      #expect(try kind("odd-newt") == "run odd-newt")
      #expect(try kind("best") == "run calm-heron")
      #expect(try kind("sections@prod") == "sections:4")
    }
  }

  @Test func `a file is found in its version or by its content`() throws {
    try withStore { db throws in
      let digest = digest("org/base a/b.txt")
      for text in [
        "org/base//a/b.txt", "sections:1//a/b.txt", "sections:1^//a/b.txt",
        "sha256:\(digest.hex)", "sha256:\(digest.short)", "models:/org/base/1//a/b.txt",
      ] {
        #expect(try Reference(text).file(db).file.digest == digest, "\(text)")
      }
      let error = failure { _ = try Reference("org/base//config.jsn").file(db) }
      #expect(error?.kind == .notFound && error?.hint == "did you mean config.json?")
      #expect(failure { _ = try Reference("org/base").file(db) }?.kind == .invalidInput)
      #expect(failure { _ = try Reference("org/base//a/b.txt").version(db) }?.kind == .invalidInput)
      #expect(failure { _ = try Reference("org/base//a/b.txt").run(db) }?.kind == .invalidInput)
      let several = failure { _ = try Reference("sha256:\(digest.hex)").version(db) }
      #expect(several?.kind == .ambiguous)
      #expect(several?.hint == "one of: org/base:1, sections:1")
    }
  }

  @Test func `a run's path is of its version, else of what stayed with the run`() throws {
    try withStore { db throws in
      let made = try Run.resolve("brave-otter", db)
      let failed = try Run.resolve("wild-crow", db)
      for run in [made, failed] {
        try run.putArtifact(
          Artifact(path: "checkpoint-5/x.txt", sizeBytes: 3, digest: digest("left")), db)
      }
      for (text, holder, path) in [
        ("runs:/\(made.id.hex)/model.safetensors", "sections:2", "model.safetensors"),
        ("brave-otter//model.safetensors", "sections:2", "model.safetensors"),
        ("runs:/\(made.id.hex)/checkpoint-5/x.txt", "runs:/\(made.id.hex)", "checkpoint-5/x.txt"),
        ("wild-crow//checkpoint-5/x.txt", "runs:/\(failed.id.hex)", "checkpoint-5/x.txt"),
        ("last//checkpoint-5/x.txt", "runs:/\(failed.id.hex)", "checkpoint-5/x.txt"),
        ("sha256:\(digest("left").hex)", "runs:/\(made.id.hex)", "checkpoint-5/x.txt"),
        ("sha256:\(digest("org/base a/b.txt").short)", "org/base:1", "a/b.txt"),
        ("sections:1^//a/b.txt", "org/base:1", "a/b.txt"),
      ] {
        let found = try Reference(text).file(db)
        #expect(found.holder == holder && found.file.path == path, "\(text)")
        #expect(try Reference(text).namesFile)
      }
      #expect(try !Reference("wild-crow").namesFile)
      let error = failure { _ = try Reference("wild-crow//checkpoint-5/y.txt").file(db) }
      #expect(error?.kind == .notFound)
      #expect(error?.hint == "did you mean checkpoint-5/x.txt?")
    }
  }

  @Test func `the version that a run made and the run that made a version are found by index`()
    throws
  {
    try withStore { db throws in
      for sql in [
        "SELECT * FROM version WHERE runId = 'x' ORDER BY version.id LIMIT 1",
        "SELECT * FROM run WHERE outputVersionId = 1 ORDER BY id LIMIT 1",
        "SELECT * FROM runArtifact WHERE contentBlobDigest = x'00'",
      ] {
        let plan = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql).map { row in
          row["detail"] as String
        }
        #expect(plan.allSatisfy { $0.contains("USING INDEX") }, "\(plan)")
      }
    }
  }

  @Test func `names that two experiments use need the experiment before them`() throws {
    try withStore { db throws in
      let other = try Experiment.add("other", db)
      try other.addRun("brave-otter", db)
      #expect(failure { _ = try Reference("brave-otter").run(db) }?.kind == .ambiguous)
      #expect(try Reference("other/brave-otter").run(db).experimentId == other.id)
      #expect(try Reference("sections/brave-otter").run(db).experimentId != other.id)
    }
  }

  @Test func `the nearest names come first and far ones not at all`() {
    let names = ["sections", "section", "sentiment", "bert-tiny", "BERT-base", "x"]
    #expect(Nearest.names(to: "sectoins", in: names) == ["sections", "section"])
    #expect(Nearest.names(to: "bert", in: names) == ["BERT-base", "bert-tiny"])
    #expect(Nearest.names(to: "zzz", in: names) == [])
    #expect(Nearest.names(to: "", in: names) == [])
    #expect(Nearest.hint(to: "zzz", in: names, else: "look") == "look")
    #expect(Nearest.hint(to: "y", in: ["x"], else: "look") == "did you mean x?")
  }
}

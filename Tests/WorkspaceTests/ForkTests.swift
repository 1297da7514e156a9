import Catalog
import GRDB
import Storage
import Support
import Testing
import Tracking
import Weights
import Workspace

@Suite struct ForkTests {
  @Test func `a fork has the base's files, its task, and adds no byte to the weights`() throws {
    try withWorkspace { store, _ in
      let base = try addBase("base", to: store)
      try store.checkpoint(.weights)
      let before = store.sizeBytes(.weights)
      let fork = try store.write { db in
        try Fork.add(
          base.version, as: "sections", type: "text-classification", metric: .init("val/f1:max"),
          note: "the tour", db)
      }
      try store.checkpoint(.weights)
      #expect(store.sizeBytes(.weights) == before)
      #expect(fork.version.reference == "sections:1")
      #expect(fork.task.name == "sections")
      #expect(fork.task.task?.type == "text-classification")
      #expect(fork.task.task?.metric == "val/f1")
      #expect(fork.task.task?.direction == .max)
      #expect(fork.task.task?.baseVersionId == fork.version.id)
      #expect(fork.task.task?.modelId == fork.model.id)
      try store.read { db in
        let parents = try fork.version.parents(db)
        #expect(parents.map(\.relation) == [.fork])
        #expect(parents.map(\.parentVersionId) == [base.version.id])
        #expect(try fork.version.files(db) == base.files)
        #expect(try Model.get("sections", db).note == "the tour")
      }
      let usage = try DiskUsage(store).versions
      #expect(usage.map(\.usage.uniqueBytes) == [0, 0])
      #expect(Set(usage.map(\.usage.sharedBytes)).count == 1)
    }
  }

  @Test func `a fork is made completely or not at all`() throws {
    try withWorkspace { store, _ in
      let base = try addBase("base", to: store).version
      try store.write { db in
        _ = try Model.add("model", db)
        _ = try Experiment.add("plain", db)
      }
      for (name, expected) in [
        ("model", RegistryError.Kind.conflict), ("plain", .conflict), ("base", .conflict),
        ("v3", .invalidInput), ("best", .invalidInput), ("log", .invalidInput),
        ("a b", .invalidInput), ("", .invalidInput), ("a/b/c", .invalidInput),
      ] {
        let error = failure { _ = try store.write { try Fork.add(base, as: name, $0) } }
        #expect(error?.kind == expected, "\(name)")
      }
      let (models, experiments) = try store.read { db in
        (try Model.list(db).map(\.name), try Experiment.list(db).map(\.name))
      }
      #expect(models == ["base", "model"])
      #expect(experiments == ["plain"])
      #expect(try Verification.run(store, full: false).faults == [])
    }
  }

  @Test func `a metric says its key and which end is better`() throws {
    for (text, key, direction) in [
      ("val/f1:max", "val/f1", Experiment.Direction.max), ("loss:min", "loss", .min),
      ("a:b:min", "a:b", .min), ("eval loss:min", "eval loss", .min),
    ] {
      let metric = try PrimaryMetric(text)
      #expect(metric.key == key && metric.direction == direction)
    }
    for text in ["", "loss", ":max", "loss:", "loss:MAX", "loss:max:", "lo\nss:max", "max"] {
      #expect(failure { _ = try PrimaryMetric(text) }?.kind == .invalidInput, "\(text)")
    }
  }
}

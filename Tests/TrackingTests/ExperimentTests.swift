import Storage
import Support
import Testing
import Tracking

@Suite struct Experiments {
  @Test func `an experiment is found by name, number and model`() throws {
    try withTemporaryStore { (store) throws in
      let task = Experiment.Task(
        type: "text-classification", metric: "val/f1", direction: .max, modelId: 4,
        baseVersionId: 9)
      let (added, plain) = try store.write { db in
        (try Experiment.add("sections", task: task, db), try Experiment.add("plain", db))
      }
      #expect(added.id == 1)
      #expect(added.task == task)
      #expect(plain.task == nil)
      try store.read { (db) throws in
        #expect(try Experiment.get("sections", db) == added)
        #expect(try Experiment.get(id: added.id, db) == added)
        #expect(try Experiment.find(modelId: 4, db) == added)
        #expect(try Experiment.find("none", db) == nil)
        #expect(try Experiment.list(db) == [added, plain])
        #expect(try errorKind { _ = try Experiment.get("none", db) } == .notFound)
        #expect(try errorKind { _ = try Experiment.get(id: 99, db) } == .notFound)
      }
    }
  }

  @Test func `a deleted experiment keeps its name and is not listed`() throws {
    try withTemporaryStore { (store) throws in
      try store.write { db in try Experiment.add("a", db).set(.deleted, db) }
      #expect(try store.read { db in try Experiment.list(db) }.isEmpty)
      #expect(try store.read { db in try Experiment.list(includingDeleted: true, db) }.count == 1)
      #expect(
        try errorKind { try store.write { db in _ = try Experiment.add("a", db) } } == .conflict)
      #expect(
        try errorKind { try store.read { db in _ = try Experiment.get("a", db) } } == .notFound)
    }
  }

  @Test func `a bad name is refused and leaves no event`() throws {
    try withTemporaryStore { (store) throws in
      #expect(
        try errorKind { try store.write { db in _ = try Experiment.add("a:b", db) } }
          == .invalidInput)
      #expect(try store.read { db in try Event.list(kinds: ["experiment.add"], db) }.isEmpty)
    }
  }

  @Test(arguments: [
    (Experiment.Direction.max, 2.0, 1.0, true), (.max, 1, 1, false), (.min, 1, 2, true),
    (.min, 2, 1, false), (.max, .nan, 1, false), (.max, 1, .nan, true), (.min, .nan, .nan, false),
  ])
  func `a tie is not better and NaN never is`(
    direction: Experiment.Direction, value: Double, other: Double, isBetter: Bool
  ) {
    #expect(direction.isBetter(value, than: other) == isBetter)
  }
}

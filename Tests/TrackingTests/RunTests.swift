import Foundation
import GRDB
import Storage
import Support
import Testing
import Tracking

@Suite struct Runs {
  @Test func `a run starts running, with a name that is easy to say`() throws {
    try withRun { (store, run) throws in
      #expect(run.status == .running)
      #expect(run.lifecycle == .active)
      #expect(run.endTime == nil)
      #expect(run.id.hex.utf8.count == 32)
      #expect(run.name.wholeMatch(of: /[a-z]+-[a-z]+/) != nil)
      #expect(try store.read { db in try Run.get(run.id, db) } == run)
    }
  }

  @Test func `made names are unique in an experiment`() throws {
    try withTemporaryStore { (store) throws in
      let names = try store.write { db in
        let experiment = try Experiment.add("a", db)
        return try (0..<600).map { _ in
          try Run.add(.init(experimentId: experiment.id), db).name
        }
      }
      #expect(Set(names).count == 600)
    }
  }

  @Test func `a given name is unique unless other tools share it`() throws {
    try withRun { (store, run) throws in
      func add(_ name: String, sharing: Bool) throws {
        var start = Run.Start(experimentId: run.experimentId)
        start.name = name
        start.sharesName = sharing
        try store.write { db in _ = try Run.add(start, db) }
      }
      try add("mine", sharing: false)
      #expect(try errorKind { try add("mine", sharing: false) } == .conflict)
      for name in ["", "a\nb", String(repeating: "x", count: 256)] {
        #expect(try errorKind { try add(name, sharing: true) } == .invalidInput)
      }
      try add("2026-11-25 18:30 user@host ~ 1^//x", sharing: true)
      try add("mine", sharing: true)
      let kind = try errorKind { try store.read { db in _ = try Run.resolve("mine", db) } }
      #expect(kind == .ambiguous)
    }
  }

  @Test func `a run is meant by its name, its id or four digits of it`() throws {
    try withRun { (store, run) throws in
      func resolve(_ text: String, in experiment: Int64? = nil) throws -> Run {
        try store.read { db in try Run.resolve(text, experimentId: experiment, db) }
      }
      for count in 4...32 {
        #expect(try resolve(String(run.id.hex.prefix(count))).id == run.id)
      }
      #expect(try resolve(run.id.hex.uppercased()).id == run.id)
      #expect(try resolve(run.name).id == run.id)
      #expect(try errorKind { _ = try resolve(run.name, in: 99) } == .notFound)
      for text in [String(run.id.hex.prefix(3)), "", "zzzz", run.id.hex + "0", "none"] {
        #expect(try errorKind { _ = try resolve(text) } == .notFound)
      }
    }
  }

  @Test func `an ambiguous prefix names the candidates`() throws {
    try withTemporaryStore { (store) throws in
      let runs = try store.write { db in
        let experiment = try Experiment.add("a", db)
        let runs = try (0..<3).map { _ in try Run.add(.init(experimentId: experiment.id), db) }
        for (index, run) in runs.enumerated() {
          try db.execute(
            sql: "UPDATE run SET uuid = ? WHERE id = ?",
            arguments: [RunID(hex: "abcd" + String(repeating: "\(index)", count: 28)), run.row])
        }
        return runs
      }
      do {
        _ = try store.read { db in try Run.resolve("abcd", db) }
        Issue.record("resolved")
      } catch let error as RegistryError {
        #expect(error.kind == .ambiguous)
        for run in runs { #expect(error.hint?.contains(run.name) == true) }
      }
      #expect(try store.read { db in try Run.resolve("abcd1", db) }.name == runs[1].name)
    }
  }

  @Test func `finishing records how the child ended and seals the series`() throws {
    try withRun { (store, run) throws in
      try run.log("a", values: Array(repeating: 1, count: 40), in: store)
      try run.log("b", values: [1, 2], in: store)
      var usage = Run.Usage()
      usage.exitSignal = 9
      usage.cpuSeconds = 1.5
      let done = try store.write { db in
        try run.finish(.failed, reason: .lost, durationSeconds: 2.5, usage: usage, db)
      }
      #expect(done.status == .failed)
      #expect(done.reason == .lost)
      #expect(done.durationSeconds == 2.5)
      #expect(done.usage == usage)
      #expect(done.endTime != nil)
      let rows = try store.read { db in
        try Int.fetchOne(db, sql: "SELECT count(*) FROM pointTail")
      }
      #expect(rows == 2)
      #expect(try run.allPoints("a", in: store).count == 40)
      try run.log("a", values: [2], in: store)
      #expect(try run.allPoints("a", in: store).last?.step == 40)
    }
  }

  @Test func `a tracking client may end, reopen and rename a run`() throws {
    try withRun { (store, run) throws in
      try store.write { db in
        let end = Timestamp(milliseconds: run.startTime.milliseconds + 5000)
        let done = try run.update(status: .finished, endTime: end, db)
        #expect(done.endTime == end)
        #expect(done.durationSeconds == 5)
        let open = try run.update(name: "new name", status: .running, db)
        #expect(open.name == "new name")
        #expect(open.endTime == nil)
        #expect(open.durationSeconds == nil)
      }
    }
  }

  @Test func `the best run is the finished one with the best latest number, the last the newest`()
    throws
  {
    try withRun { (store, first) throws in
      try first.log("f1", values: [1.5], in: store)  // has not ended
      let runs = try [0.5, .nan, 0.9, 0.9].map { value in
        let run = try store.write { db in
          try Run.add(.init(experimentId: first.experimentId), db)
        }
        try run.log("f1", values: [99, value], in: store)
        return try store.write { db in try run.finish(.finished, db) }
      }
      try store.read { (db) throws in
        let id = first.experimentId
        #expect(try Run.best(experimentId: id, metric: "f1", .max, db)?.id == runs[3].id)
        #expect(try Run.best(experimentId: id, metric: "f1", .min, db)?.id == runs[0].id)
        #expect(try Run.best(experimentId: id, metric: "none", .min, db) == nil)
        #expect(try Run.last(experimentId: id, db)?.id == runs[3].id)
        #expect(try Run.last(experimentId: id, back: 4, db)?.id == first.id)
        #expect(try Run.last(experimentId: id, back: 5, db) == nil)
      }
    }
  }

  @Test func `offsets move with the points, in one transaction`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.setOffsets(metrics: 10, output: 20, db) }
      try store.write { db in try run.setOffsets(metrics: 30, db) }
      let now = try store.read { db in try Run.get(run.id, db) }
      #expect(now.metricsOffset == 30)
      #expect(now.outputOffset == 20)
    }
  }

  @Test func `the source comes back as it was stored`() throws {
    try withRun { (store, run) throws in
      var source = RunSource()
      #expect(try store.read { db in try RunSource.get(run, db) } == source)
      source.command = ["python", "train.py", "", "--x= y", "é\n"]
      source.gitCommit = "0a1b"
      source.gitDiff = Array(String(repeating: "+ line\n", count: 100_000).utf8)
      source.gpu = [["name": "H200"]]
      source.freeze = ["encoder.layer.0.*"]
      source.scrapeRule = "key=number"
      source.outputBlobDigest = Digest(of: [1, 2, 3])
      try store.write { db in try source.put(run, db) }
      #expect(try store.read { db in try RunSource.get(run, db) } == source)
    }
  }

  @Test func `a run is found by the version it made`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.setOutputVersion(12, db) }
      #expect(try store.read { db in try Run.find(outputVersionId: 12, db) }?.id == run.id)
      #expect(try store.read { db in try Run.find(outputVersionId: 13, db) } == nil)
    }
  }
}

import Storage
import Support
import Testing
import Tracking

@Suite struct RunValues {
  @Test func `a parameter keeps its first value`() throws {
    try withRun { (store, run) throws in
      func log(_ value: String) throws {
        try store.write { db in try run.logParameters([Parameter("lr", value)], db) }
      }
      try log("1e-4")
      try log("1e-4")
      #expect(try errorKind { try log("0.0001") } == .invalidInput)
      #expect(
        try store.read { db in try run.parameters(db) } == [Parameter("lr", "1e-4")])
    }
  }

  @Test func `a batch with one changed parameter stores none of it`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.logParameters([Parameter("a", "1")], db) }
      let kind = try errorKind {
        try store.write { db in
          try run.logParameters([Parameter("b", "1"), Parameter("a", "2")], db)
        }
      }
      #expect(kind == .invalidInput)
      #expect(try store.read { db in try run.parameters(db) } == [Parameter("a", "1")])
    }
  }

  @Test func `values that only look equal are other values`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.logParameters([Parameter("a", "é")], db) }
      let kind = try errorKind {
        try store.write { db in try run.logParameters([Parameter("a", "e\u{301}")], db) }
      }
      #expect(kind == .invalidInput)
    }
  }

  @Test(arguments: [
    ("1", 1.0), ("-1e-4", -1e-4), ("+.5", 0.5), ("inf", .infinity), ("-Infinity", -.infinity),
    ("nan", nil), ("0x10", nil), ("1,5", nil), ("", nil), ("true", nil), ("1 ", nil), ("e", nil),
  ])
  func `a parameter is a number only if it is a decimal one or infinite`(
    text: String, number: Double?
  ) {
    #expect(Parameter("a", text).number == number)
  }

  @Test func `a tag may change and be taken away`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.setTags([Tag("owner", "ann"), Tag("a", "")], db) }
      try store.write { db in try run.setTags([Tag("owner", "ben")], db) }
      #expect(try store.read { db in try run.tags(db) } == [Tag("a", ""), Tag("owner", "ben")])
      try store.write { db in try run.deleteTag("owner", db) }
      #expect(try store.read { db in try run.tags(db) } == [Tag("a", "")])
      let kind = try errorKind { try store.write { db in try run.deleteTag("owner", db) } }
      #expect(kind == .notFound)
    }
  }

  @Test func `a deleted run takes no values until it is restored`() throws {
    try withRun { (store, run) throws in
      func log() throws {
        try store.write { db in try run.logParameters([Parameter("a", "1")], db) }
      }
      func tag() throws { try store.write { db in try run.setTags([Tag("a", "1")], db) } }
      try store.write { db in try run.set(.deleted, db) }
      #expect(try errorKind(log) == .refused)
      #expect(try errorKind(tag) == .refused)
      try store.write { db in try run.set(.active, db) }
      try log()
      try tag()
      let kinds = try store.read { db in try Event.list(subject: run.id.hex, db) }.map(\.kind)
      #expect(kinds == ["run.add", "run.delete", "run.restore"])
    }
  }

  @Test func `checks keep their evidence and their order`() throws {
    try withRun { (store, run) throws in
      let checks = [
        RunCheck(rule: "metrics-line", .warn, evidence: ["line": 7]),
        RunCheck(rule: "finite", .ok, evidence: [:]),
        RunCheck(rule: "metrics-line", .fail, evidence: ["line": 9]),
      ]
      try store.write { db in for check in checks { try run.addCheck(check, db) } }
      #expect(try store.read { db in try run.checks(db) } == checks)
    }
  }
}

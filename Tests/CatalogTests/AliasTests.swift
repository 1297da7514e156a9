import Catalog
import GRDB
import Storage
import Support
import Testing

@Suite struct AliasTests {
  private func holder(_ model: Model, _ db: Database) throws -> Int64? {
    try model.findAlias("prod", db).map { try Version.get(id: $0.versionId, db).number }
  }

  @Test func `rollbacks walk back one by one and are refused at the end`() throws {
    try withModel { model, db in
      for _ in 1...3 { _ = try Alias.put("prod", on: try model.addVersion(db), db) }
      #expect(try Alias.rollback("prod", of: model, db).number == 2)
      #expect(try Alias.rollback("prod", of: model, db).number == 1)
      #expect(kind { _ = try Alias.rollback("prod", of: model, db) } == .refused)
      #expect(try holder(model, db) == 1)
    }
  }

  @Test func `a promotion after a rollback goes back to where the rollback had gone`() throws {
    try withModel { model, db in
      for _ in 1...3 { _ = try Alias.put("prod", on: try model.addVersion(db), db) }
      try Alias.rollback("prod", of: model, db)
      try Alias.put("prod", on: try model.addVersion(db), db)
      #expect(try Alias.rollback("prod", of: model, db).number == 2)
      #expect(try Alias.rollback("prod", of: model, db).number == 1)
      #expect(kind { _ = try Alias.rollback("prod", of: model, db) } == .refused)
    }
  }

  /// The same rules in another form: the earlier holders are a stack.
  private struct Stack {
    var holders: [Int64] = []
    var isSet = false

    mutating func put(_ number: Int64) {
      if holders.last != number { holders.append(number) }
      isSet = true
    }

    mutating func rollback() -> Bool {
      if !isSet {
        isSet = !holders.isEmpty
        return isSet
      }
      guard holders.count > 1 else { return false }
      holders.removeLast()
      return true
    }

    mutating func remove(_ number: Int64) {
      holders = holders.filter { $0 != number }
      holders = holders.indices.filter { $0 == 0 || holders[$0] != holders[$0 - 1] }
        .map { holders[$0] }
    }
  }

  @Test(arguments: 1...40) func `any moves, unsets, removals and rollbacks act like a stack`(
    seed: UInt64
  ) throws {
    var generator = SeededGenerator(seed: seed)
    try withModel { model, db in
      for _ in 1...5 { try model.addVersion(db) }
      var stack = Stack()
      for step in 0..<60 {
        let versions = try model.versions(db)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<5:
          guard let version = versions.randomElement(using: &generator) else { continue }
          try Alias.put("prod", on: version, db)
          stack.put(version.number)
        case 5..<8:
          let isDone = kind { _ = try Alias.rollback("prod", of: model, db) } == nil
          #expect(isDone == stack.rollback(), "seed \(seed), step \(step)")
        case 8:
          guard stack.isSet else { continue }
          try Alias.unset("prod", of: model, db)
          stack.isSet = false
        default:
          guard versions.count > 2, let version = versions.randomElement(using: &generator),
            try holder(model, db) != version.number
          else { continue }
          try version.remove(db)
          stack.remove(version.number)
        }
        let expected = stack.isSet ? stack.holders.last : nil
        #expect(try holder(model, db) == expected, "seed \(seed), step \(step)")
      }
      #expect(try CatalogFault.list(db) == [], "seed \(seed)")
      let log = try model.aliasLog("prod", db)
      for (back, entry) in log.reversed().enumerated() {
        #expect(try model.findAliasEntry("prod", back: Int64(back), db) == entry)
      }
      #expect(try model.findAliasEntry("prod", back: Int64(log.count), db) == nil)
    }
  }

  @Test func `a move swaps only what was seen`() throws {
    try withModel { model, db in
      let first = try model.addVersion(db)
      let second = try model.addVersion(db)
      let conflict = { (expected: Alias.Expected) in
        kind { _ = try Alias.put("prod", on: second, expecting: expected, db) }
      }
      #expect(conflict(.version(first.id)) == .conflict)
      try Alias.put("prod", on: first, expecting: .version(nil), db)
      #expect(conflict(.version(nil)) == .conflict)
      #expect(conflict(.version(second.id)) == .conflict)
      #expect(
        kind { _ = try Alias.unset("prod", of: model, expecting: .version(nil), db) } == .conflict)
      #expect(try holder(model, db) == 1)
      try Alias.put("prod", on: second, expecting: .version(first.id), db)
      #expect(try holder(model, db) == 2)
      #expect(try model.aliasLog("prod", db).count == 2)
    }
  }

  @Test func `a move to the holder leaves no entry and no event`() throws {
    try withModel { model, db in
      let version = try model.addVersion(db)
      let first = try Alias.put("prod", on: version, note: "first", db)
      #expect(try Alias.put("prod", on: version, note: "again", db) == first)
      #expect(try model.aliasLog("prod", db) == [first])
      #expect(try Event.list(subject: "sections@prod", db).map(\.sequence) == [first.sequence])
    }
  }

  @Test func `an alias is of its model, and a version lists what it holds`() throws {
    try withModel { model, db in
      let other = try Model.add("other", db)
      let version = try model.addVersion(db)
      try Alias.put("prod", on: version, db)
      try Alias.put("b", on: version, db)
      #expect(try other.findAlias("prod", db) == nil)
      #expect(try version.aliases(db) == ["b", "prod"])
      #expect(kind { _ = try model.getAlias("absent", db) } == .notFound)
      #expect(kind { _ = try Alias.rollback("absent", of: model, db) } == .notFound)
      #expect(kind { _ = try Alias.unset("absent", of: model, db) } == .notFound)
    }
  }

  @Test(arguments: [
    "prod", "a", "A_b-9", "champion", "v", "v1a", "1", "über", "9v1", "latest-2",
    String(repeating: "a", count: 255),
  ]) func `letters, digits, low lines and hyphens make an alias`(name: String) throws {
    try Alias.checkName(name)
  }

  @Test(arguments: [
    "", "latest", "LATEST", "v1", "V22", "a b", "a/b", "a:b", "a@b", "a^", "a~1", "a.b", "a\n",
    "a\0", String(repeating: "a", count: 256),
  ]) func `any other alias is refused`(name: String) throws {
    #expect(kind { try Alias.checkName(name) } == .invalidInput)
    try withModel { model, db in
      let version = try model.addVersion(db)
      #expect(kind { _ = try Alias.put(name, on: version, db) } == .invalidInput)
    }
  }

  @Test(arguments: [
    "UPDATE alias SET versionId = 1", "DELETE FROM alias",
    "UPDATE aliasEntry SET number = 1 WHERE number = 2",
    "UPDATE aliasEntry SET number = NULL WHERE number = 1",
    "UPDATE aliasEntry SET name = 'other' WHERE number = 1",
    "UPDATE versionFile SET contentBlobDigest = zeroblob(32) WHERE versionId = 1",
    "UPDATE versionFile SET path = 'other' WHERE versionId = 1",
    "DELETE FROM versionFile WHERE versionId = 2",
    "UPDATE parentage SET relation = 'merge'", "DELETE FROM parentage",
    "UPDATE versionMetric SET value = 0.9", "UPDATE versionMetric SET source = 'me'",
    "UPDATE versionMetric SET key = 'other' WHERE key = 'nan'", "DELETE FROM versionMetric",
    "INSERT INTO versionMetric VALUES (1, 'val/f1', 1, 'me')",
    "UPDATE version SET runId = NULL WHERE id = 3",
    "UPDATE version SET runId = '\(String(repeating: "b", count: 32))' WHERE id = 2",
    "UPDATE version SET source = 'elsewhere' WHERE id = 3",
    "UPDATE version SET number = 9 WHERE id = 2", "UPDATE model SET nextVersion = 2",
  ]) func `a changed row is found by holding it against the events`(sql: String) throws {
    try withModel { model, db in
      let first = try model.addVersion(file: "a", db)
      let second = try model.addVersion(file: "b", parents: [.init(first.id, .finetune)], db)
      try Alias.put("prod", on: first, db)
      try Alias.put("prod", on: second, db)
      let metrics: [VersionMetric] = [
        .init("val/f1", 0.5, source: "paper"), .init("nan", .nan, source: "log"),
        .init("zero", -0.0, source: "log"), .init("huge", -.infinity, source: "log"),
      ]
      let content = Version.Content(
        files: [VersionFile("c")], metrics: metrics, source: "/some/place",
        runId: String(repeating: "a", count: 32))
      _ = try Version.add(content, to: model, db)
      #expect(try CatalogFault.list(db) == [])
      try db.execute(sql: sql)
      #expect(try CatalogFault.list(db) != [])
    }
  }
}

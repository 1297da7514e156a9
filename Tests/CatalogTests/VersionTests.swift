import Catalog
import Foundation
import GRDB
import Storage
import Support
import Synchronization
import Testing

@Suite struct VersionTests {
  @Test func `numbers count from 1 and none is used again after a removal`() throws {
    try withModel { model, db in
      #expect(try model.addVersion(db).number == 1)
      let second = try model.addVersion(db)
      try second.remove(db)
      #expect(try model.addVersion(db).number == 3)
      #expect(try model.versions(db).map(\.number) == [1, 3])
      #expect(try model.findVersion(2, db) == nil)
      let now = try Model.get(id: model.id, db)
      for (number, what) in [(2, "was removed"), (4, "does not exist"), (0, "does not exist")] {
        let error = #expect(throws: RegistryError.self) { try now.getVersion(Int64(number), db) }
        #expect(error?.message == "sections:\(number) \(what)")
        #expect(error?.kind == .notFound)
      }
    }
  }

  @Test func `the id of a removed version is never another's`() throws {
    try withModel { model, db in
      let first = try model.addVersion(db)
      try first.remove(db)
      #expect(try model.addVersion(db).id > first.id)
    }
  }

  @Test func `versions added by many stores at once have all numbers once`() throws {
    try withTemporaryStore { store in
      let model = try store.write { try Model.add("sections", $0) }
      let numbers = Mutex<[Int64]>([])
      let failures = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        do {
          let other = try Store.open(store.folder, .write)
          defer { try? other.close() }
          for _ in 0..<10 {
            let version = try other.write { try model.addVersion($0) }
            numbers.withLock { $0.append(version.number) }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
      #expect(failures.withLock { $0 } == [])
      #expect(numbers.withLock { $0.sorted() } == Array(1...80))
      #expect(try store.read { try Event.faults($0) } == [])
    }
  }

  @Test func `files, parents and metrics are read back as they were added`() throws {
    try withModel { model, db in
      let first = try model.addVersion(file: "a", db)
      let second = try model.addVersion(file: "b", db)
      let files = ["z.json", "a/b/c.bin", "a-b", "model.safetensors"].map { VersionFile($0) }
      let content = Version.Content(
        files: files,
        parents: [.init(second.id, .merge), .init(first.id, .distill)],
        metrics: [
          .init("val/f1", 0.75, source: "paper"), .init("broken", .nan, source: "log"),
          .init("huge", .infinity, source: "log"),
        ],
        source: "/some/place", runId: String(repeating: "ab", count: 16), note: "by hand")
      let version = try Version.add(content, to: model, db)
      #expect(
        try version.files(db).map(\.path) == ["a-b", "a/b/c.bin", "model.safetensors", "z.json"])
      #expect(try version.file("z.json", db) == files[0])
      #expect(kind { _ = try version.file("absent", db) } == .notFound)
      let parents = try version.parents(db)
      #expect(parents.map(\.parentVersionId) == [second.id, first.id])
      #expect(parents.map(\.relation) == [.merge, .distill])
      #expect(parents.map(\.position) == [1, 2])
      #expect(try first.children(db).map(\.childVersionId) == [version.id])
      let metrics = try version.metrics(db)
      #expect(metrics.map(\.key) == ["broken", "huge", "val/f1"])
      #expect(metrics[0].value.isNaN && metrics[1].value == .infinity && metrics[2].value == 0.75)
      #expect(try Version.find(runId: content.runId ?? "", db) == version)
      #expect([version.source, version.note] == ["/some/place", "by hand"])
    }
  }

  @Test func `content finds its versions, by digest and by all files`() throws {
    try withModel { model, db in
      let one = try model.addVersion(file: "a", db)
      let two = try Version.add(
        .init(files: [VersionFile("a"), VersionFile("b")]), to: model, db)
      let three = try model.addVersion(file: "a", db)
      #expect(try Version.list(containing: digest("a"), db) == [one, two, three])
      #expect(try Version.list(withFiles: [VersionFile("a")], db) == [one, three])
      #expect(
        try Version.list(withFiles: [VersionFile("b"), VersionFile("a")], db) == [two])
      let digits = digest("a").hex
      for count in [1, 7, 12, 63, 64] {
        let found = try Version.fileDigests(
          startingWith: String(digits.prefix(count)), limit: 9, db)
        #expect(found.contains(digest("a")))
      }
      #expect(try Version.fileDigests(startingWith: digits + "0", limit: 9, db) == [])
      #expect(try Version.fileDigests(startingWith: "xyz", limit: 9, db) == [])
    }
  }

  @Test
  func `a version without files, with a repeated or missing parent, or a bad metric is refused`()
    throws
  {
    try withModel { model, db in
      let first = try model.addVersion(db)
      let file = VersionFile("a")
      let bad: [(Version.Content, RegistryError.Kind)] = [
        (.init(files: []), .invalidInput),
        (.init(files: [file, file]), .invalidInput),
        (.init(files: [file], parents: [.init(99, .merge)]), .notFound),
        (
          .init(files: [file], parents: [.init(first.id, .merge), .init(first.id, .fork)]),
          .invalidInput
        ),
        (.init(files: [file], metrics: [.init("", 1, source: "")]), .invalidInput),
        (.init(files: [file], metrics: [.init("a\nb", 1, source: "")]), .invalidInput),
        (
          .init(files: [file], metrics: [.init("a", 1, source: ""), .init("a", 2, source: "")]),
          .invalidInput
        ),
      ]
      for (content, expected) in bad {
        let found = kind {
          try db.inSavepoint {
            _ = try Version.add(content, to: model, db)
            return .commit
          }
        }
        #expect(found == expected, "\(content)")
      }
      #expect(try model.versions(db) == [first])
    }
  }

  @Test func `a parent is older than its child, so that lineage has no cycle`() throws {
    try withModel { model, db in
      let first = try model.addVersion(db)
      let second = try model.addVersion(parents: [.init(first.id, .finetune)], db)
      #expect(throws: DatabaseError.self) {
        try db.execute(
          sql: """
            INSERT INTO parentage (childVersionId, position, parentVersionId, relation)
            VALUES (?, 1, ?, 'merge')
            """,
          arguments: [first.id, second.id])
      }
    }
  }

  @Test func `a removal is refused while children or aliases name the version, and names them`()
    throws
  {
    try withModel { model, db in
      let first = try model.addVersion(db)
      let child = try model.addVersion(parents: [.init(first.id, .finetune)], db)
      try Alias.put("prod", on: first, db)
      let refusal = #expect(throws: RegistryError.self) { try first.remove(db) }
      #expect(refusal?.kind == .refused)
      #expect(refusal?.message.contains("sections:2") == true)
      #expect(refusal?.message.contains("sections@prod") == true)
      try child.remove(db)
      #expect(kind { try first.remove(db) } == .refused)
      try Alias.unset("prod", of: model, db)
      try first.remove(db)
      #expect(try model.versions(db).isEmpty)
      #expect(kind { try first.remove(db) } == .notFound)
      let left = try ["versionFile", "parentage", "version"].map {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)")
      }
      #expect(left == [0, 0, 0])
      #expect(
        try Event.list(kinds: ["version.rm"], db).map(\.subject) == ["sections:2", "sections:1"])
    }
  }
}

import Catalog
import GRDB
import Storage
import Support
import Testing

@Suite struct ModelTests {
  @Test func `a name is taken once, and compared byte by byte`() throws {
    try withModel { _, db in
      #expect(kind { _ = try Model.add("sections", db) } == .conflict)
      // The same letter as one and as two scalars: equal for Swift, two names here.
      let composed = try Model.add("caf\u{E9}", db)
      let decomposed = try Model.add("cafe\u{301}", db)
      #expect(composed.id != decomposed.id)
      #expect(try Model.get("caf\u{E9}", db).id == composed.id)
      #expect(try Model.get("cafe\u{301}", db).id == decomposed.id)
    }
  }

  @Test func `a missing model is not found`() throws {
    try withModel { _, db in
      let absent = try Model.find("absent", db)
      #expect(absent == nil)
      #expect(kind { _ = try Model.get("absent", db) } == .notFound)
      #expect(kind { _ = try Model.get(id: 99, db) } == .notFound)
    }
  }

  @Test func `a summary counts what is there`() throws {
    try withModel { model, db in
      #expect(try ModelSummary.get(model, db).newest == nil)
      let first = try model.addVersion(file: "a", db)
      try model.addVersion(file: "bb", parents: [.init(first.id, .finetune)], db)
      try Alias.put("prod", on: first, db)
      let base = try Model.add("base", db)
      try base.addVersion(file: "c", db)
      let summaries = try ModelSummary.list(db)
      #expect(summaries.map(\.model.name) == ["sections", "base"])
      #expect(summaries.map(\.versionCount) == [2, 1])
      #expect(summaries.map(\.newest?.number) == [2, 1])
      #expect(summaries.map(\.sizeBytes) == [2, 1])
      #expect(summaries.map(\.isBase) == [false, true])
      #expect(summaries[0].aliases.map { "\($0.name)=\($0.number)" } == ["prod=1"])
    }
  }
}

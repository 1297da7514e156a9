import Testing

/// A rule that cannot fail is none: each finds a planted fault, and spares what only looks like one.
@Suite struct RuleTests {
  private func source(_ text: String, room: String = "Storage") -> Tree.File {
    Tree.File(path: "Sources/\(room)/Planted.swift", text: text)
  }

  @Test func `sizes are counted`() {
    #expect(SourceRules.sizes(source(String(repeating: "\n", count: 501))).count == 1)
    #expect(SourceRules.sizes(source(String(repeating: "x", count: 101))).count == 1)
    #expect(SourceRules.sizes(source("/// " + String(repeating: "x", count: 150))).isEmpty)
    func function(_ lines: Int) -> String {
      "  static func f() {\n" + String(repeating: "    g()\n", count: lines - 2) + "  }\n"
    }
    #expect(SourceRules.sizes(source(function(60))).isEmpty)
    #expect(SourceRules.sizes(source(function(61))).count == 1)
  }

  @Test(arguments: [
    "let x = try! f()", "let x = y as! Int", "fatalError()",
    "final class A: @unchecked Sendable {}",
    "nonisolated(unsafe) var x = 1", "@testable import Storage", "public func f() {}",
    "print(1)", "struct StoreManager {}", "struct A: PersistableRecord {}",
    "let a = \"\\(print(1))\"",
    "// TO" + "DO: later",
  ])
  func `banned calls are found`(line: String) {
    #expect(SourceRules.bannedCalls(source(line)).count == 1)
  }

  @Test(arguments: [
    "// never try! this", "let x = \"as! fatalError print(1)\"", "let x = #\"a \"try!\" b\"#",
    "package func f() {}", "sprint(1)",
  ])
  func `words in comments and literals are no calls`(line: String) {
    #expect(SourceRules.bannedCalls(source(line)).isEmpty)
  }

  @Test func `the command line may print`() {
    #expect(SourceRules.bannedCalls(source("print(1)", room: "RegistryCommand")).isEmpty)
  }

  @Test func `a package declaration without a comment is found`() {
    #expect(SourceRules.undocumented(source("package func f() {}")).count == 1)
    #expect(SourceRules.undocumented(source("  package let x = 1")).count == 1)
    #expect(
      SourceRules.undocumented(source("/// Adds.\n@discardableResult\npackage func f()")) == [])
    #expect(SourceRules.undocumented(source("package import Foundation")) == [])
  }

  @Test func `an import upward or sideways is found`() {
    #expect(RoomRules.faults(source("package import Weights")).count == 1)
    #expect(RoomRules.faults(source("import Catalog", room: "Tracking")).count == 1)
    for text in [
      "private import Weights", "fileprivate import Weights", "import struct Weights.Blob",
      "@preconcurrency package import enum Weights.Blob", "import GRDB; import Weights",
    ] { #expect(RoomRules.faults(source(text)).count == 1, "\(text)") }
    #expect(RoomRules.faults(source("/// They import Weights.\nlet important = 1")) == [])
    #expect(RoomRules.faults(source("import Storage\nimport GRDB", room: "Promotion")) == [])
    #expect(RoomRules.faults(source("", room: "Unheard")).count == 1)
    let manifest = ".target(name: \"Weights\", dependencies: [\"Storage\", \"Catalog\", grdb]),"
    #expect(RoomRules.declared(manifest) == ["Weights": ["Storage", "Catalog"]])
  }

  @Test func `a table written by a stranger is found`() {
    let owners = ["run": Set(["Tracking"])]
    for statement in [
      "INSERT INTO run (id)", "INSERT OR IGNORE INTO run", "UPDATE run SET", "DELETE FROM run",
      "REPLACE INTO run", "DELETE FROM\n    run",
    ] {
      #expect(SchemaRules.strangers(source(statement), owners: owners).count == 1)
      #expect(SchemaRules.strangers(source(statement, room: "Tracking"), owners: owners) == [])
    }
    #expect(SchemaRules.strangers(source("DO UPDATE SET x"), owners: owners) == [])
  }

  @Test func `a careless table is found`() {
    func sql(_ text: String) -> Tree.File { .init(path: "schema/migrations/v1.sql", text: text) }
    let good =
      "-- Written by Storage.\nCREATE TABLE a (\n  id INTEGER,  -- one\n  b TEXT  -- two\n) STRICT;"
    #expect(SchemaRules.faults(sql(good)) == [])
    #expect(SchemaRules.tables(sql(good)).first?.owner == "Storage")
    #expect(
      SchemaRules.faults(sql(good.replacing("-- Written by Storage.\n", with: ""))).count == 1)
    #expect(SchemaRules.faults(sql(good.replacing(" STRICT", with: ""))).count == 1)
    #expect(SchemaRules.faults(sql(good.replacing("  -- two", with: ""))).count == 1)
    #expect(SchemaRules.faults(sql("CREATE TABLE a (id INTEGER);")).count == 1)
    func digest(_ name: String) -> Tree.File {
      sql("CREATE TABLE a (\n  \(name) BLOB CHECK (length(\(name)) = 32)  -- x\n) STRICT;")
    }
    #expect(SchemaRules.misnamedDigests(digest("contentDigest")).count == 1)
    #expect(SchemaRules.misnamedDigests(digest("outputBlobDigest")) == [])
    #expect(SchemaRules.misnamedDigests(digest("blobDigest")) == [])
  }

  @Test func `a tree that is not the real one is found`() {
    #expect(ReadmeTree.faults("no tree").count == 1)
    let block = "<!-- tree -->\n```\nSources/       code\n  Nowhere/     not there\nTests/\n```\n"
    #expect(ReadmeTree.paths(block) == ["Sources", "Sources/Nowhere", "Tests"])
    let faults = ReadmeTree.faults(block)
    #expect(faults.contains("README.md names Sources/Nowhere, which is not there"))
    #expect(faults.contains("README.md does not name Sources/Storage"))
    #expect(faults.contains("README.md does not name Package.swift"))
  }
}

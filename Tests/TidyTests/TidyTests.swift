import Foundation
import Testing

@Suite struct TidyTests {
  private func expectNone(_ faults: [String], at place: SourceLocation = #_sourceLocation) {
    #expect(
      faults.isEmpty, Comment(rawValue: faults.joined(separator: "\n")), sourceLocation: place)
  }

  @Test func `files, functions and lines have a human size`() throws {
    try expectNone(Tree.swift().flatMap(SourceRules.sizes))
  }

  @Test func `no banned call is used`() throws {
    try expectNone(Tree.swift().flatMap(SourceRules.bannedCalls))
  }

  @Test func `every package declaration is documented`() throws {
    try expectNone(Tree.swift().flatMap(SourceRules.undocumented))
  }

  @Test func `imports go down only, and the manifest declares exactly the table`() throws {
    try expectNone(Tree.swift().flatMap(RoomRules.faults))
    let manifest = try Tree.file("Package.swift").text
    #expect(RoomRules.declared(manifest) == RoomRules.table.filter { $0.key != "CZlib" })
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Tree.root.appending(path: "Sources").path)
    #expect(Set(folders).union(["Schema"]) == Set(RoomRules.table.keys))
  }

  @Test func `tables are strict and told, and written by their owner only`() throws {
    let sql = try Tree.sql()
    expectNone(sql.flatMap(SchemaRules.faults))
    var owners: [String: Set<String>] = [:]
    for table in sql.flatMap(SchemaRules.tables) {
      owners[table.name, default: []].insert(table.owner ?? "")
    }
    try expectNone(Tree.swift().flatMap { SchemaRules.strangers($0, owners: owners) })
  }

  @Test func `a blob's digest in the catalog has a name that gc finds`() throws {
    let catalog = try Tree.sql().filter { $0.path.contains("_catalog_") }
    expectNone(catalog.flatMap(SchemaRules.misnamedDigests))
  }

  @Test func `the schema's lists name every migration, and it stays small`() throws {
    let sql = try Tree.sql()
    let listed = try Tree.file("schema/Schema.swift").text
      .matches(of: #/PackageResources\.(\w+)_sql/#).map { String($0.1) }
    let present = sql.map { (($0.path as NSString).lastPathComponent as NSString) }
    #expect(listed.sorted() == present.map(\.deletingPathExtension).sorted())
    #expect(sql.reduce(0) { $0 + $1.text.utf8.count } < SchemaRules.sqlBytesMax)
  }

  @Test func `the README's tree is the real one`() throws {
    expectNone(ReadmeTree.faults(try Tree.file("README.md").text))
  }
}

import Foundation

/// The rules for tables: who writes them, how columns are named and told.
enum SchemaRules {
  static let sqlBytesMax = 25_000  // what is embedded as an array is slow to compile

  /// A table as its SQL says it.
  struct Table {
    let name: String
    let owner: String?
    let columns: [(name: String, line: String)]
    let isStrict: Bool
  }

  static func tables(_ file: Tree.File) -> [Table] {
    let pattern = #/((?:--[^\n]*\n)*)CREATE TABLE (\w+) \(\n(.*?)\n\)([^;]*);/#
      .dotMatchesNewlines()
    return file.text.matches(of: pattern).map { match in
      var columns: [(name: String, line: String)] = []
      for line in match.3.split(separator: "\n") {
        if let name = line.firstMatch(of: #/^  ([a-z]\w*) [A-Z]/#) {
          columns.append((String(name.1), String(line)))
        } else if line.hasPrefix("    "), let last = columns.indices.last {
          columns[last].line += line  // a definition of several lines
        }
      }
      let owner = match.1.firstMatch(of: #/-- Written by (\w+)/#).map { String($0.1) }
      return Table(
        name: String(match.2), owner: owner, columns: columns, isStrict: match.4.contains("STRICT"))
    }
  }

  /// Tables without an owner or STRICT, columns without a comment; a reference is told by its table.
  static func faults(_ file: Tree.File) -> [String] {
    let tables = tables(file)
    let count = file.text.matches(of: #/CREATE (TEMP )?TABLE/#).count
    var faults =
      count == tables.count ? [] : ["\(file.path): a table is not laid out as others are"]
    for table in tables {
      if table.owner == nil { faults.append("\(table.name): no `-- Written by ROOM`") }
      if !table.isStrict { faults.append("\(table.name): not STRICT") }
      if table.columns.isEmpty { faults.append("\(table.name): no column") }
      for column in table.columns
      where !column.line.contains("-- ") && !column.line.contains(" REFERENCES ") {
        faults.append("\(table.name).\(column.name): no comment")
      }
    }
    return faults
  }

  /// Digests in the catalog that are not a blob's, and say so by being here.
  static let otherDigests: Set = ["event.hash"]

  /// gc reads the names of columns for what it must keep: a blob's digest is named `…BlobDigest`.
  static func misnamedDigests(_ file: Tree.File) -> [String] {
    tables(file).flatMap { table in
      table.columns.filter { column in
        column.line.contains(#/\bBLOB\b.*\(length\(\w+\) = 32\)/#)
          && !column.name.lowercased().hasSuffix("blobdigest")
          && !otherDigests.contains("\(table.name).\(column.name)")
      }.map { "\(table.name).\($0.name): named like no blob's digest" }
    }
  }

  /// Statements that write a table of another room.
  static func strangers(_ file: Tree.File, owners: [String: Set<String>]) -> [String] {
    guard let room = file.room else { return [] }
    let pattern =
      #/\b(?:INSERT(?: OR \w+)? INTO|REPLACE INTO|UPDATE(?: OR \w+)?|DELETE FROM)\s+(\w+)/#
    return file.text.matches(of: pattern).compactMap { match in
      guard let allowed = owners[String(match.1)], !allowed.contains(room) else { return nil }
      return "\(file.path): \(room) writes \(match.1), a table of \(allowed.sorted())"
    }
  }
}

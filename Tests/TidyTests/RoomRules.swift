import Foundation

/// The directions between rooms: design §3's table.
enum RoomRules {
  /// What each room may import of ours, besides everything below that.
  static let table: [String: Set<String>] = [
    "Schema": [],
    "CSystem": [],
    "CZlib": [],
    "CKernels": [],
    "Storage": ["Schema", "CSystem"],
    "Weights": ["Storage", "CZlib", "CKernels"],
    "Tracking": ["Storage", "CZlib"],
    "Datasets": ["Weights"],
    "Catalog": ["Weights"],
    "Workspace": ["Tracking", "Datasets", "Catalog"],
    "Runner": ["Workspace"],
    "Engine": ["CKernels"],
    "FineTuning": ["Engine", "Runner"],
    "Promotion": ["Runner"],
    "RegistryCommand": ["FineTuning", "Promotion"],
  ]

  static func reachable(from room: String) -> Set<String> {
    let direct = table[room] ?? []
    return direct.reduce(direct) { $0.union(reachable(from: $1)) }
  }

  /// The imports of a file that go up or sideways.
  static func faults(_ file: Tree.File) -> [String] {
    guard let room = file.room else { return [] }
    guard table[room] != nil else { return ["\(file.path): the table has no room \(room)"] }
    return imports(file).filter { table[$0] != nil && !reachable(from: room).contains($0) }
      .map { "\(file.path): \(room) may not import \($0)" }
  }

  static func imports(_ file: Tree.File) -> [String] {
    let pattern =
      #/
      (?:^|;) \s* (?:@\w+\s+)* (?:\w+\s+)? import \s+
      (?:(?:struct|class|enum|protocol|typealias|func|let|var) \s+)? (\w+)
      /#
    return SwiftCode(file.text).lines.flatMap { line in
      line.matches(of: pattern).map { String($0.1) }
    }
  }

  /// What `Package.swift` declares of our rooms.
  static func declared(_ manifest: String) -> [String: Set<String>] {
    var declared: [String: Set<String>] = [:]
    let pattern =
      #/\.(?:executableT|systemLibraryT|t)arget\(\s*name: "(\w+)"([^\n]*(?:\n\s+[^.\s][^\n]*)*)/#
    for match in manifest.matches(of: pattern) {
      let list = match.2.firstMatch(of: #/dependencies: \[([^\]]*)\]/#).map { String($0.1) } ?? ""
      declared[String(match.1)] = Set(
        list.matches(of: #/"(\w+)"/#).map { String($0.1) }.filter { table[$0] != nil })
    }
    return declared.filter { table[$0.key] != nil }
  }
}

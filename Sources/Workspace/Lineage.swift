package import Catalog
package import GRDB
import Storage
package import Tracking

/// The versions that a version was made from, or that were made from it.
package struct Lineage: Sendable {
  /// Which way to look.
  package enum Direction: Sendable {
    /// To what it was made from.
    case ancestors
    /// To what was made from it.
    case descendants
  }

  /// A version with what a reader of the graph wants to know of it.
  package struct Node: Sendable {
    /// The version.
    package let version: Version
    /// The aliases that it holds.
    package let aliases: [String]
    /// The run that made it.
    package let run: Run?
  }

  /// Where it starts.
  package let root: Node
  /// Which way it goes.
  package let direction: Direction
  /// All versions that are reached, the root first, the nearest before the farther.
  package let nodes: [Node]
  /// All edges between them.
  package let edges: [Parentage]

  /// Follows the edges from a version as far as they go.
  ///
  /// - Parameters:
  ///   - version: Where to start.
  ///   - direction: Which way.
  ///   - db: An open read of the catalog.
  /// - Throws: SQLite's errors.
  /// - Complexity: O(versions and edges that are reached).
  package init(of version: Version, _ direction: Direction, _ db: Database) throws {
    self.direction = direction
    root = try Node(version, db)
    var nodes = [root]
    var edges: [Parentage] = []
    var seen: Set<Int64> = [version.id]
    var index = 0
    while index < nodes.count {
      let version = nodes[index].version
      index += 1
      let next =
        direction == .ancestors ? try version.parents(db) : try version.children(db)
      edges += next
      for edge in next where seen.insert(Self.end(of: edge, direction)).inserted {
        let id = Self.end(of: edge, direction)
        nodes.append(try Node(try Version.get(id: id, db), db))
      }
    }
    self.nodes = nodes
    self.edges = edges
  }

  /// The version that an edge leads to.
  static func end(of edge: Parentage, _ direction: Direction) -> Int64 {
    direction == .ancestors ? edge.parentVersionId : edge.childVersionId
  }

  /// The version that an edge comes from.
  static func start(of edge: Parentage, _ direction: Direction) -> Int64 {
    direction == .ancestors ? edge.childVersionId : edge.parentVersionId
  }
}

extension Lineage.Node {
  init(_ version: Version, _ db: Database) throws {
    self.version = version
    aliases = try version.aliases(db)
    run = try Reference.findRun(of: version, db)
  }

  /// `sections:3 @prod  run 7f3ac1 brave-otter`.
  var line: String {
    var words = [version.reference] + aliases.map { "@\($0)" }
    if let run { words += ["", "run \(run.id.short) \(run.name)"] }
    return words.joined(separator: " ")
  }
}

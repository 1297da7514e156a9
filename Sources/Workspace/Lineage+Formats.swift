import Catalog
package import Storage
import Tracking

extension Lineage {
  /// A tree for people; a version that is reached twice is opened once.
  package var text: String {
    struct Item {
      let node: Node
      let before: String
      let indent: String
      let relation: String
    }
    let byId = Dictionary(uniqueKeysWithValues: nodes.map { ($0.version.id, $0) })
    let edgesOf = Dictionary(grouping: edges) { Self.start(of: $0, direction) }
    let arrow = direction == .ancestors ? "←" : "→"
    var lines: [String] = []
    var opened: Set<Int64> = []
    var open = [Item(node: root, before: "", indent: "", relation: "")]
    while let item = open.popLast() {
      let next = edgesOf[item.node.version.id] ?? []
      let isNew = opened.insert(item.node.version.id).inserted
      let hint = isNew || next.isEmpty ? "" : "  (see above)"
      lines.append(item.before + item.relation + item.node.line + hint)
      guard isNew else { continue }
      for (index, edge) in next.enumerated().reversed() {
        guard let node = byId[Self.end(of: edge, direction)] else { continue }
        let isLast = index == next.count - 1
        open.append(
          Item(
            node: node, before: item.indent + (isLast ? "└─ " : "├─ "),
            indent: item.indent + (isLast ? "   " : "│  "),
            relation: "\(edge.relation.rawValue) \(arrow) "))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A directed graph from parent to child for Graphviz.
  package var dot: String {
    func quoted(_ text: String) -> String {
      let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      return "\"\(escaped)\""
    }
    var lines = ["digraph lineage {", "  rankdir=LR;", "  node [shape=box];"]
    for node in nodes {
      let label = labels(of: node).map { quoted($0).dropFirst().dropLast() }
      let id = quoted(node.version.reference)
      lines.append("  \(id) [label=\"\(label.joined(separator: "\\n"))\"];")
    }
    let names = names
    for edge in edges {
      let parent = quoted(names[edge.parentVersionId] ?? "")
      let child = quoted(names[edge.childVersionId] ?? "")
      lines.append("  \(parent) -> \(child) [label=\"\(edge.relation.rawValue)\"];")
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// A directed graph from parent to child for Mermaid.
  package var mermaid: String {
    func quoted(_ text: String) -> String {
      let escaped = [("&", "#amp;"), ("\"", "#quot;"), ("<", "#lt;"), (">", "#gt;")]
        .reduce(text) { $0.replacing($1.0, with: $1.1) }
      return "\"\(escaped)\""
    }
    var lines = ["flowchart LR"]
    for node in nodes {
      let label = labels(of: node).map { quoted($0).dropFirst().dropLast() }
      lines.append("  v\(node.version.id)[\"\(label.joined(separator: "<br/>"))\"]")
    }
    for edge in edges {
      lines.append(
        "  v\(edge.parentVersionId) -->|\(edge.relation.rawValue)| v\(edge.childVersionId)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The root, the versions and the edges, an object.
  package var json: JSON {
    let names = names
    return [
      "schema": 1,
      "root": .string(root.version.reference),
      "direction": direction == .ancestors ? "ancestors" : "descendants",
      "versions": .array(
        nodes.map { node in
          [
            "version": .string(node.version.reference),
            "createdAt": JSON(node.version.createdAt),
            "aliases": .array(node.aliases.map(JSON.string)),
            "runId": JSON(node.run?.id.hex ?? node.version.runId),
            "runName": JSON(node.run?.name), "note": JSON(node.version.note),
          ]
        }),
      "edges": .array(
        edges.map { edge in
          [
            "parent": JSON(names[edge.parentVersionId]),
            "child": JSON(names[edge.childVersionId]),
            "relation": .string(edge.relation.rawValue),
          ]
        }),
    ]
  }

  private var names: [Int64: String] {
    Dictionary(uniqueKeysWithValues: nodes.map { ($0.version.id, $0.version.reference) })
  }

  /// The lines of a box: the version, its aliases, its run.
  private func labels(of node: Node) -> [String] {
    let aliases = node.aliases.map { "@\($0)" }.joined(separator: " ")
    let run = node.run.map { "run \($0.name)" } ?? ""
    return [node.version.reference, aliases, run].filter { !$0.isEmpty }
  }
}

import Foundation
import Storage
import Support

/// A folder of related weights as Tests/Python/make_lineage.py writes it.
struct WeightsLineage {
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// One fine-tune and what it was made from.
  struct Node {
    let name: String
    let parent: String?
  }

  let folder: URL
  /// Every node after its parent.
  let nodes: [Node]

  /// The types that every node is there in.
  static let kinds = ["f32", "bf16"]
  /// The child that is timed: fine-tuned from the base, all of it.
  static let timed = "a"

  func file(_ name: String, _ kind: String) -> URL {
    folder.appending(path: "\(name).\(kind).safetensors")
  }

  func sizeBytes(_ name: String, _ kind: String) throws -> Int64 {
    try Self.sizeBytes(of: file(name, kind))
  }

  static func sizeBytes(of file: URL) throws -> Int64 {
    let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
    return (attributes[.size] as? NSNumber)?.int64Value ?? 0
  }

  /// The lineage that was named, else that of this checkout, which is made where it is missing.
  static func find() throws -> WeightsLineage {
    let named =
      RegistryBenchmark.option("--lineage")
      ?? ProcessInfo.processInfo.environment["REGISTRY_LINEAGE"]
    if let named { return try WeightsLineage(URL(filePath: named)) }
    let folder = checkout.appending(path: ".build/lineage")
    if !FileManager.default.fileExists(atPath: folder.path) { try make(folder) }
    return try WeightsLineage(folder)
  }

  /// Trains on two cores in a folder aside, which gets its name when everything is there.
  private static func make(_ folder: URL) throws {
    let python = try shell("Tests/python-venv lineage", "the Python that makes a lineage")
    try shell(
      """
      make() { '\(python)' Tests/Python/make_lineage.py '\(folder.path)-part' "$@" >&2; }
      make --only f,b,d & other=$!
      make --only a,e,c; status=$?
      wait $other && [ $status = 0 ] && mv '\(folder.path)-part' '\(folder.path)'
      """, "the lineage (ten minutes, once)")
  }

  static let checkout = URL(filePath: FileManager.default.currentDirectoryPath)

  /// Runs a script in the checkout, what it says on standard error; the last line of its output.
  @discardableResult
  static func shell(_ script: String, _ what: String, in folder: URL = checkout) throws -> String {
    FileHandle.standardError.write(Data("weights: \(what)\n".utf8))
    let outcome = try Product.shell(script, in: folder)
    guard outcome.status == 0 else { throw Failure("\(what): \(outcome.messages)") }
    return outcome.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private init(_ folder: URL) throws {
    self.folder = folder
    let text = try Data(contentsOf: folder.appending(path: "lineage.json"))
    guard case .object(let members)? = try JSON.parse(Array(text))["nodes"] else {
      throw Failure("\(folder.path)/lineage.json has no nodes")
    }
    var waiting = members.map { Node(name: $0.key, parent: $0.value["parent"]?.string) }
      .sorted { $0.name < $1.name }
    var nodes: [Node] = []
    while !waiting.isEmpty {
      let ready = waiting.firstIndex { node in
        node.parent == nil || nodes.contains { $0.name == node.parent }
      }
      guard let ready else { throw Failure("\(folder.path): a node's parent is missing") }
      nodes.append(waiting.remove(at: ready))
    }
    self.nodes = nodes
  }
}

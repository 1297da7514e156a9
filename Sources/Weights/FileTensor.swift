package import GRDB
package import Storage

/// A tensor and the path of the file that holds it; a version may have a name in several files.
package struct FileTensor: Sendable {
  /// The path inside the version; compare its `utf8`.
  package let path: String
  /// The tensor.
  package let tensor: Tensor

  /// Puts a tensor into a file.
  package init(path: String, _ tensor: Tensor) {
    self.path = path
    self.tensor = tensor
  }

  /// Lists the tensors of a file in file order; none when it has none or is not there.
  package static func list(
    path: String, _ blob: Digest, _ db: Database
  ) throws -> [FileTensor] {
    try Tensor.list(of: blob, db).map { FileTensor(path: path, $0) }
  }

  /// Whether type and shape are those of another.
  private func hasLayout(of other: FileTensor) -> Bool {
    tensor.shape == other.tensor.shape
      && tensor.dtypeName.utf8.elementsEqual(other.tensor.dtypeName.utf8)
  }

  /// Matches the tensors of two versions by name, with and then without known prefixes.
  ///
  /// Those of the same path match first, then across files; of several the first of equal type and
  /// shape goes before the first.
  ///
  /// - Parameters:
  ///   - tensors: Those of one version.
  ///   - others: Those of the other.
  ///   - isShared: Whether one of the others may be the partner of several.
  ///   - canPair: Which pairs may be partners at all.
  /// - Returns: The index of each tensor's partner in `others`; nil without one.
  package static func partners(
    of tensors: [FileTensor], in others: [FileTensor], isShared: Bool = false,
    where canPair: (_ tensor: Tensor, _ other: Tensor) -> Bool = { _, _ in true }
  ) -> [Int?] {
    var partners = [Int?](repeating: nil, count: tensors.count)
    var taken: Set<Int> = []
    for key in Key.allInOrder {
      let indices = Dictionary(grouping: others.indices) { key.of(others[$0]) }
      for needsLayout in [true, false] {
        for index in tensors.indices where partners[index] == nil {
          let own = tensors[index]
          let partner = indices[key.of(own)]?.first { other in
            !taken.contains(other) && canPair(own.tensor, others[other].tensor)
              && (!needsLayout || own.hasLayout(of: others[other]))
          }
          guard let partner else { continue }
          partners[index] = partner
          if !isShared { taken.insert(partner) }
        }
      }
    }
    return partners
  }

  /// Finds all copies of a tensor in another version: of its path and name, else of its name anywhere.
  ///
  /// - Parameters:
  ///   - tensors: Those of one version.
  ///   - others: Those of the other.
  /// - Returns: The indices in `others` of what stands for each tensor; none without one.
  package static func copies(of tensors: [FileTensor], in others: [FileTensor]) -> [[Int]] {
    var copies = [[Int]](repeating: [], count: tensors.count)
    for key in Key.allInOrder {
      let indices = Dictionary(grouping: others.indices) { key.of(others[$0]) }
      for index in tensors.indices where copies[index].isEmpty {
        copies[index] = indices[key.of(tensors[index])] ?? []
      }
    }
    return copies
  }

  /// What partners have in common.
  private struct Key: Hashable {
    let path: [UInt8]?
    let name: [UInt8]

    /// How to make a key.
    struct Rule {
      let hasPath: Bool
      let isBare: Bool

      func of(_ tensor: FileTensor) -> Key {
        Key(
          path: hasPath ? Array(tensor.path.utf8) : nil,
          name: isBare ? tensor.tensor.bareName : Array(tensor.tensor.name.utf8))
      }
    }

    /// The closest first.
    static let allInOrder = [
      Rule(hasPath: true, isBare: false), Rule(hasPath: true, isBare: true),
      Rule(hasPath: false, isBare: false), Rule(hasPath: false, isBare: true),
    ]
  }
}

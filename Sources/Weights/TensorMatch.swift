import Storage

/// Which tensors of other files a tensor may be a difference to.
package struct TensorMatch: Sendable, Equatable {
  /// What a match rests on; the likeliest first.
  package enum Ground: Int, Sendable, Comparable {
    /// The name, prefixes aside, with the same type and shape.
    case name
    /// The last parts of the name, which no other tensor of that type and shape has.
    case suffix
    /// The name, with another first dimension: the common rows are in the same places.
    case rows
    /// The name, in another type of float: the other's values predict these.
    case cast
    /// Sampled values, most of which are nearly the same.
    case content

    package static func < (left: Ground, right: Ground) -> Bool { left.rawValue < right.rawValue }
  }

  /// The other tensor.
  package let index: Int
  /// Why it matches.
  package let ground: Ground

  /// Takes a match as it is.
  package init(index: Int, ground: Ground) {
    self.index = index
    self.ground = ground
  }

  /// What is known of a tensor without its content.
  package struct Layout: Sendable, Equatable {
    let name: [UInt8]
    let bareName: [UInt8]
    let dtypeName: [UInt8]
    let shape: [Int]

    /// Takes a tensor's header.
    package init(name: String, dtypeName: String, shape: [Int]) {
      self.name = Array(name.utf8)
      self.dtypeName = Array(dtypeName.utf8)
      self.shape = shape
      bareName = TensorName.bare(name)
    }

    var dtype: DType? { DType(safetensorsName: String(decoding: dtypeName, as: UTF8.self)) }
    var isFloat: Bool { dtype?.isFloat == true }

    func hasSameLayout(as other: Layout) -> Bool {
      dtypeName == other.dtypeName && shape == other.shape
    }

    /// Whether rows of one are rows of the other.
    func hasSameRows(as other: Layout) -> Bool {
      dtypeName == other.dtypeName && !shape.isEmpty && shape.count == other.shape.count
        && shape.dropFirst() == other.shape.dropFirst()
    }

    /// The name without its first parts, the longest first; of a name of one part that part.
    fileprivate var suffixes: [ArraySlice<UInt8>] {
      let dot = UInt8(ascii: ".")
      let starts = [0] + name.indices.filter { name[$0] == dot }.map { $0 + 1 }
      // A last part alone, `weight`, says nothing unless it is the whole name.
      return starts.dropLast(starts.count > 1 ? 1 : 0).suffix(16).map { name[$0...] }
    }
  }

  /// The most matches of one tensor: parents, then what they came from.
  static let countMax = 4
  /// The part of sampled values that must be nearly the same.
  private static let similarityMin = 0.5

  /// Matches tensors with those of other files.
  ///
  /// - Parameters:
  ///   - tensors: Those to match.
  ///   - others: The candidates, the nearest files first.
  ///   - similarity: How much of the sampled content of a tensor and a candidate of the same type
  ///     and shape is nearly the same, from 0 to 1; asked only where no name matches.
  /// - Returns: For each tensor its matches, the likeliest first; none without one.
  package static func list(
    _ tensors: [Layout], in others: [Layout],
    similarity: (_ tensor: Int, _ other: Int) throws -> Double = { _, _ in 0 }
  ) rethrows -> [[TensorMatch]] {
    let index = Index(others)
    return try tensors.enumerated().map { number, tensor in
      let named = index.matches(of: tensor)
      if !named.isEmpty { return Array(named.prefix(countMax)) }
      var best: (other: Int, similarity: Double)?
      for other in index.ofLayout(tensor) {
        let found = try similarity(number, other)
        if found >= similarityMin, found > best?.similarity ?? 0 { best = (other, found) }
        if found == 1 { break }
      }
      return best.map { [TensorMatch(index: $0.other, ground: .content)] } ?? []
    }
  }

  /// The candidates by what is looked for.
  private struct Index {
    private let others: [Layout]
    private var byName: [[UInt8]: [Int]] = [:]
    private var bySuffix: [ArraySlice<UInt8>: [Int]] = [:]
    private var byLayout: [LayoutKey: [Int]] = [:]

    private struct LayoutKey: Hashable {
      let dtypeName: [UInt8]
      let shape: [Int]

      init(_ tensor: Layout) {
        dtypeName = tensor.dtypeName
        shape = tensor.shape
      }
    }

    init(_ others: [Layout]) {
      self.others = others
      for (index, other) in others.enumerated() {
        byName[other.name, default: []].append(index)
        if other.bareName != other.name { byName[other.bareName, default: []].append(index) }
        for suffix in other.suffixes { bySuffix[suffix, default: []].append(index) }
        byLayout[LayoutKey(other), default: []].append(index)
      }
    }

    func ofLayout(_ tensor: Layout) -> [Int] { byLayout[LayoutKey(tensor)] ?? [] }

    /// All matches that need no content: exact names before bare ones.
    func matches(of tensor: Layout) -> [TensorMatch] {
      var named = byName[tensor.name] ?? []
      if tensor.bareName != tensor.name {
        named += (byName[tensor.bareName] ?? []).filter { !named.contains($0) }
      }
      let same = named.filter { others[$0].hasSameLayout(as: tensor) }
      if !same.isEmpty { return same.map { TensorMatch(index: $0, ground: .name) } }
      let suffixed = ofSuffix(tensor) { $0.hasSameLayout(as: tensor) }
      if !suffixed.isEmpty { return suffixed.map { TensorMatch(index: $0, ground: .suffix) } }
      let rows = (named + ofSuffix(tensor) { $0.hasSameRows(as: tensor) })
        .filter { others[$0].hasSameRows(as: tensor) }
      if !rows.isEmpty { return rows.map { TensorMatch(index: $0, ground: .rows) } }
      guard tensor.isFloat else { return [] }
      let cast = (named + ofSuffix(tensor) { $0.isFloat && $0.shape == tensor.shape })
        .filter { others[$0].isFloat && others[$0].shape == tensor.shape }
      return cast.map { TensorMatch(index: $0, ground: .cast) }
    }

    /// Those with the longest common end of the name, when it is the end of one name only.
    private func ofSuffix(_ tensor: Layout, where fits: (Layout) -> Bool) -> [Int] {
      for suffix in tensor.suffixes {
        let found = (bySuffix[suffix] ?? []).filter { fits(others[$0]) }
        guard let first = found.first else { continue }
        let isUnique = found.allSatisfy { others[$0].bareName == others[first].bareName }
        return isUnique ? found : []
      }
      return []
    }
  }
}

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

    /// The name and its ends after each dot, the longest first; the last 16 at most.
    fileprivate var suffixes: [ArraySlice<UInt8>] {
      let dot = UInt8(ascii: ".")
      let starts = [0] + name.indices.filter { name[$0] == dot }.map { $0 + 1 }
      return starts.suffix(16).map { name[$0...] }
    }

    /// Whether the name is this or has more than its last part in common with another: `weight` alone
    /// says nothing.
    fileprivate func hasMeaning(_ suffix: ArraySlice<UInt8>) -> Bool {
      suffix.count == name.count || suffix.contains(UInt8(ascii: "."))
    }
  }

  /// The most matches of one tensor: parents, then what they came from.
  static let countMax = 4
  /// What more tensors than this have in common says nothing, and would take long to look through.
  private static let similarMax = 256
  /// The most candidates whose ends of names are looked at.
  private static let suffixedMax = 1 << 14
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
    similarity: (_ tensor: Int, _ other: Int) throws -> Double
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

  /// Matches tensors with those of other files, whatever their content is; see the other method.
  package static func list(_ tensors: [Layout], in others: [Layout]) -> [[TensorMatch]] {
    list(tensors, in: others) { _, _ in 0 }
  }

  /// The candidates by what is looked for.
  private struct Index {
    private let others: [Layout]
    private var byName: [[UInt8]: [Int]] = [:]
    private var byBareName: [[UInt8]: [Int]] = [:]
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
        byBareName[other.bareName, default: []].append(index)
        byLayout[LayoutKey(other), default: []].append(index)
        guard index < suffixedMax else { continue }
        for suffix in other.suffixes { bySuffix[suffix, default: []].append(index) }
      }
    }

    func ofLayout(_ tensor: Layout) -> ArraySlice<Int> {
      (byLayout[LayoutKey(tensor)] ?? []).prefix(similarMax)
    }

    /// All matches that need no content: exact names before bare ones.
    func matches(of tensor: Layout) -> [TensorMatch] {
      var named = Array((byName[tensor.name] ?? []).prefix(similarMax))
      named += (byBareName[tensor.bareName] ?? []).prefix(similarMax)
        .filter { !named.contains($0) }
      let same = named.filter { others[$0].hasSameLayout(as: tensor) }
      if !same.isEmpty { return same.map { TensorMatch(index: $0, ground: .name) } }
      let suffixed = ofSuffix(tensor) { $0.hasSameLayout(as: tensor) }
      if !suffixed.isEmpty { return suffixed.map { TensorMatch(index: $0, ground: .suffix) } }
      func found(as ground: Ground, where fits: (Layout) -> Bool) -> [TensorMatch] {
        let fitting = named.filter { fits(others[$0]) }
        let found = fitting.isEmpty ? ofSuffix(tensor, where: fits) : fitting
        return found.map { TensorMatch(index: $0, ground: ground) }
      }
      let rows = found(as: .rows) { $0.hasSameRows(as: tensor) }
      guard rows.isEmpty, tensor.isFloat else { return rows }
      return found(as: .cast) { $0.isFloat && $0.shape == tensor.shape }
    }

    /// Those with the longest common end of the name, when it is the end of one name only.
    private func ofSuffix(_ tensor: Layout, where fits: (Layout) -> Bool) -> [Int] {
      for suffix in tensor.suffixes {
        let all = bySuffix[suffix] ?? []
        guard all.count <= similarMax else { return [] }
        let found = all.filter {
          fits(others[$0]) && (tensor.hasMeaning(suffix) || others[$0].hasMeaning(suffix))
        }
        guard let first = found.first else { continue }
        let isUnique = found.allSatisfy { others[$0].bareName == others[first].bareName }
        return isUnique ? found : []
      }
      return []
    }
  }
}

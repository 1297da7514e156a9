package import Storage

/// Rows set aside for validation: the same rows for the same table, fraction and seed, anywhere.
///
/// Classes are held out in proportion, by largest remainders, and each keeps a row to learn from.
/// Within a class, the rows with the smallest hash of (seed, row) go. Rows of a regression are one
/// class. Held out are `fraction` of all rows, rounded, at least one; fewer where classes are so
/// small that they have no more to give.
package struct HoldOut: Sendable, Equatable {
  /// The rows to learn from, ascending.
  package let training: [Int]
  /// The rows set aside, ascending.
  package let validation: [Int]

  /// Chooses rows of a table.
  ///
  /// - Parameters:
  ///   - table: All rows.
  ///   - fraction: The part to set aside, between 0 and 1.
  ///   - seed: Another seed sets other rows aside.
  /// - Throws: `invalidInput` for another fraction, and when no class has two rows.
  /// - Complexity: O(rows × log rows).
  package init(_ table: FeatureTable, fraction: Double, seed: UInt64) throws(RegistryError) {
    guard fraction > 0, fraction < 1 else {
      throw RegistryError(
        .invalidInput, "\(fraction) of the rows cannot be held out",
        hint: "give a fraction between 0 and 1, such as 0.2")
    }
    let groups = try Self.groups(table)
    let counts = Self.counts(groups.map(\.count), of: table.rowCount, fraction)
    var validation: [Int] = []
    for (group, count) in zip(groups, counts) {
      let hashed = group.map { (hash: Self.mixed(Self.mixed(seed) ^ UInt64($0)), row: $0) }
      validation += hashed.sorted { $0 < $1 }.prefix(count).map(\.row)
    }
    guard !validation.isEmpty else {
      throw RegistryError(
        .invalidInput,
        "\(table.name) has no class of two rows, so that none can be held out for validation",
        hint: "add rows, or give validation rows in a file of their own")
    }
    self.validation = validation.sorted()
    var isHeldOut = [Bool](repeating: false, count: table.rowCount)
    for row in validation { isHeldOut[row] = true }
    training = isHeldOut.indices.filter { !isHeldOut[$0] }
  }

  /// The rows of each class, classes in the order of a label map.
  private static func groups(_ table: FeatureTable) throws(RegistryError) -> [[Int]] {
    guard case .labels = table.target else { return [Array(0..<table.rowCount)] }
    let map = try LabelMap(training: table)
    var groups = [[Int]](repeating: [], count: map.count)
    for (row, index) in try map.encode(table).enumerated() { groups[Int(index)].append(row) }
    return groups
  }

  /// How many rows each class gives.
  private static func counts(_ sizes: [Int], of rowCount: Int, _ fraction: Double) -> [Int] {
    var counts = sizes.map { min(Int(Double($0) * fraction), max($0 - 1, 0)) }
    let wanted = max(1, Int((Double(rowCount) * fraction).rounded()))
    let remainders = sizes.indices.map { Double(sizes[$0]) * fraction - Double(counts[$0]) }
    let order = sizes.indices.sorted { (-remainders[$0], $0) < (-remainders[$1], $1) }
    var missing = wanted - counts.reduce(0, +)
    for index in order where missing > 0 && counts[index] < sizes[index] - 1 {
      counts[index] += 1
      missing -= 1
    }
    return counts
  }

  /// The finalizer of SplitMix64, a bijection that mixes all bits.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

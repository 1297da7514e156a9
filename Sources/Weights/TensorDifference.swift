package import GRDB

/// How a tensor of one version differs from that of another; tensors match by name, prefixes aside.
package struct TensorDifference: Sendable {
  /// What happened to the tensor.
  package enum Change: Sendable, Equatable {
    /// Only the second version has it.
    case added
    /// Only the first version has it.
    case removed
    /// The content is the same, byte for byte.
    case equal
    /// The shape differs, so that values cannot be compared one by one.
    case reshaped
    /// The type differs and the shape does not.
    case retyped
    /// Values differ: ‖a−b‖ / ‖a‖ and the largest |a−b|; infinite where all of a is 0.
    case changed(relativeL2: Double, largest: Double)
    /// Bytes differ in a type whose values this program cannot read.
    case changedBytes
  }

  /// The tensor in the first version.
  package let before: Tensor?
  /// The tensor in the second version.
  package let after: Tensor?
  /// What happened to it.
  package let change: Change

  /// The name: the second version's, else the first's.
  package var name: String { after?.name ?? before?.name ?? "" }

  /// Compares the tensors of two versions; only chunks that differ are read, a few at a time.
  ///
  /// - Parameters:
  ///   - before: The tensors of the first version, of any number of files.
  ///   - after: Those of the second version; see `FileTensor.partners` for which is compared with which.
  ///   - progress: Called with the bytes of the second version that are done.
  ///   - db: An open read of the weights.
  /// - Returns: One difference a tensor: the second version's in its order, then what was removed.
  /// - Throws: `corrupt`.
  package static func list(
    _ before: [FileTensor], _ after: [FileTensor], progress: (Int64) -> Void = { _ in },
    _ db: Database
  ) throws -> [TensorDifference] {
    let partners = FileTensor.partners(of: after, in: before)
    let (before, after) = (before.map(\.tensor), after.map(\.tensor))
    var done: Int64 = 0
    var differences: [TensorDifference] = []
    for (tensor, partner) in zip(after, partners.map { $0.map { before[$0] } }) {
      let change = try partner.map { try self.change($0, tensor, db) } ?? .added
      differences.append(TensorDifference(before: partner, after: tensor, change: change))
      done += tensor.sizeBytes
      progress(done)
    }
    let kept = Set(partners.compactMap { $0 })
    return differences
      + before.indices.filter { !kept.contains($0) }
      .map { TensorDifference(before: before[$0], after: nil, change: .removed) }
  }

  private static func change(_ before: Tensor, _ after: Tensor, _ db: Database) throws -> Change {
    guard before.shape == after.shape else { return .reshaped }
    guard before.dtypeName.utf8.elementsEqual(after.dtypeName.utf8) else { return .retyped }
    if before.chunkIds == after.chunkIds { return .equal }
    guard let dtype = after.dtype else { return .changedBytes }
    var normSquared = 0.0
    var differenceSquared = 0.0
    var largest = 0.0
    try Tensor.forEachChunk(of: [before, after], indices: after.chunkIds.indices, db) {
      index, contents in
      let values = dtype.values(contents[0])
      for value in values { normSquared += value * value }
      if before.chunkIds[index] == after.chunkIds[index] { return }
      for (old, new) in zip(values, dtype.values(contents[1])) {
        let difference = abs(old - new)
        differenceSquared += difference * difference
        // A NaN on one side only is a change without a size; it must not vanish in a comparison.
        largest = difference <= largest ? largest : difference
      }
    }
    guard differenceSquared != 0 else { return .changed(relativeL2: 0, largest: 0) }  // −0 is 0
    return .changed(
      relativeL2: (differenceSquared / normSquared).squareRoot(), largest: largest)
  }
}

/// One tensor of a network's weights: its name and shape in PyTorch's layout, and its place.
package struct Parameter: Sendable, Equatable {
  /// The layer's index and the tensor's name: `2.bias`.
  package let name: String
  /// The sizes, slowest first: [out, in] of a linear layer's weight.
  package let shape: [Int]
  /// The index of its layer.
  package let layer: Int
  /// The place of its first number among all of the network's.
  let start: Int

  /// How many numbers it has.
  package var count: Int { shape.reduce(1, *) }
  var end: Int { start + count }
  /// What it takes up, so that the next starts at a cache line.
  var room: Int { paddedCount(count) }
}

/// The count rounded up to whole vectors of the widest level, 16 floats.
func paddedCount(_ count: Int) -> Int {
  (count + 15) & ~15
}

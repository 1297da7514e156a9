/// One value of a metric at one step; equal in all three is the same point.
package struct Point: Hashable, Comparable, Sendable {
  /// The training step, or what the sender counts instead.
  package let step: Int64
  /// Milliseconds since 1970.
  package let time: Int64
  /// Any Double; every NaN is kept as the one that equals all others.
  package let value: Double

  /// Makes a point.
  package init(step: Int64, time: Int64, value: Double) {
    self.step = step
    self.time = time
    self.value = value.isNaN ? .nan : value
  }

  /// The value's place in the total order −∞ … −0, 0 … ∞, NaN.
  private var rank: Int64 {
    let bits = Int64(bitPattern: value.bitPattern)
    return bits < 0 ? bits ^ .max : bits
  }

  package static func == (left: Point, right: Point) -> Bool {
    left.step == right.step && left.time == right.time
      && left.value.bitPattern == right.value.bitPattern
  }

  package static func < (left: Point, right: Point) -> Bool {
    if left.step != right.step { return left.step < right.step }
    if left.time != right.time { return left.time < right.time }
    return left.rank < right.rank
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(step)
    hasher.combine(time)
    hasher.combine(value.bitPattern)
  }
}

extension Array where Element == Point {
  /// Sorts where needed and keeps one of equal points.
  mutating func normalize() {
    guard zip(self, dropFirst()).contains(where: { $0 >= $1 }) else { return }
    sort()
    var kept = 0
    for index in indices where index == 0 || self[index] != self[kept - 1] {
      self[kept] = self[index]
      kept += 1
    }
    removeLast(count - kept)
  }

  /// Takes away what another array in order has too; both without equals.
  mutating func subtract(_ other: [Point]) {
    guard let first, let last, let low = other.first, let high = other.last,
      low <= last, first <= high
    else { return }
    var position = 0
    removeAll { point in
      while position < other.count && other[position] < point { position += 1 }
      return position < other.count && other[position] == point
    }
  }
}

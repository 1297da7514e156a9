/// Random numbers by place: SplitMix64 (Steele, Lea, Flood 2014), whose n-th word is a function of
/// the key and n alone.
///
/// word(n) = mix(key + (n + 1) · 0x9e3779b97f4a7c15) with SplitMix64's mix; the same on every
/// platform. Sources split from one are independent of each other and of the order of use.
package struct RandomSource: RandomNumberGenerator, Sendable {
  /// What tells this source from others; its first word is that of SplitMix64 seeded by it.
  package let key: UInt64
  private var place: UInt64 = 0

  /// The source of a seed.
  package init(seed: UInt64) {
    key = seed
  }

  /// The source of a purpose, by number.
  package func split(_ index: UInt64) -> RandomSource {
    RandomSource(seed: Self.mix(key ^ Self.mix(index &+ 0x632b_e59b_d9b4_e019)))
  }

  package mutating func next() -> UInt64 {
    place &+= 1
    return Self.mix(key &+ place &* 0x9e37_79b9_7f4a_7c15)
  }

  /// A number in 0 ..< 1, a multiple of 2^−53.
  package mutating func nextUnit() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A whole number in 0 ..< count, without bias (Lemire 2019).
  package mutating func next(below count: UInt64) -> UInt64 {
    var product = next().multipliedFullWidth(by: count)
    if product.low < count {
      let threshold = (0 &- count) % count
      while product.low < threshold { product = next().multipliedFullWidth(by: count) }
    }
    return product.high
  }

  private static func mix(_ word: UInt64) -> UInt64 {
    var mixed = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

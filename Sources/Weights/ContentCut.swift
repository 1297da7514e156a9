/// Where bytes without a structure are cut, by their content: FastCDC with normalized chunking.
///
/// A cut depends on the 64 bytes before it, so that bytes put in or taken out move the cuts beside
/// them and no others, and what follows is found again. Format.md has the rule and the table's seed.
///
/// Source: Xia et al., "FastCDC", USENIX ATC 2016.
enum ContentCut {
  static let sizeBytesMin = 256 << 10
  static let sizeBytesUsual = 512 << 10
  static let sizeBytesMax = Chunk.sizeBytesMax

  /// A cut needs so many zero bits before the usual size, to make it rare there, and after it.
  private static let bitsBefore = 20
  private static let bitsAfter = 17

  /// One number a byte value: the outputs of SplitMix64 from the state 0.
  private static let gear: [UInt64] = {
    var state: UInt64 = 0
    return (0..<256).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }()

  /// How many bytes the first piece has.
  ///
  /// - Parameter bytes: What is left of a file, or its first `sizeBytesMax` bytes.
  /// - Returns: The size; all of it at the end of a file.
  /// - Complexity: O(n); about 1 GB/s.
  static func first(of bytes: UnsafeRawBufferPointer) -> Int {
    let end = min(bytes.count, sizeBytesMax)
    guard end > sizeBytesMin else { return end }
    return gear.withUnsafeBufferPointer { gear in
      var hash: UInt64 = 0
      for index in (sizeBytesMin - 64)..<sizeBytesMin {
        hash = hash << 1 &+ gear[Int(bytes[index])]
      }
      for (from, to, bits) in [
        (sizeBytesMin, min(sizeBytesUsual, end), bitsBefore), (sizeBytesUsual, end, bitsAfter),
      ] where from < to {
        let limit = UInt64(1) << UInt64(64 - bits)  // below it the top bits are zero
        for index in from..<to {
          if hash < limit { return index }
          hash = hash << 1 &+ gear[Int(bytes[index])]
        }
      }
      return end
    }
  }
}

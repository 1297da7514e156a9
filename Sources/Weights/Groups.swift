import CKernels

/// The groups that the bytes of planes are ordered by: those whose base words have similar exponents
/// move by similar amounts, so each group gets codes of its own.
struct Groups {
  var groups: ckernels_groups

  /// The most groups a record has.
  static let countMax = 32
  /// Planes of fewer bytes are not worth the tables.
  static let planeBytesMin = 4096
  /// The most bins that groups are made of.
  private static let binCountMax = 64
  /// About how many bytes a bin has at least.
  private static let binBytesMin = 512
  /// About how many bytes of a plane are counted.
  private static let sampledBytes = 16_384

  /// One group of so many bytes.
  init(count: Int) {
    groups = ckernels_groups()
    groups.count = 1
    setSizes([UInt32(truncatingIfNeeded: count)])
  }

  /// Groups that begin at these contexts, ascending from 0; one context a byte.
  init(firsts: [UInt8], contexts: UnsafeRawBufferPointer, _ kernels: ckernels_codec) {
    groups = ckernels_groups()
    groups.count = firsts.count
    withUnsafeMutableBytes(of: &groups.first) { $0.copyBytes(from: firsts) }
    kernels.count_groups(&groups, contexts.baseOfBytes, contexts.count)
  }

  /// Those that make the coded planes smallest; one group when none do.
  ///
  /// - Parameters:
  ///   - planes: Where the planes that will be coded begin.
  ///   - contexts: One a byte of a plane.
  ///   - kernels: Which loops.
  /// - Returns: The groups with their sizes.
  static func choose(
    for planes: [UnsafePointer<UInt8>], contexts: UnsafeRawBufferPointer, _ kernels: ckernels_codec
  ) -> Groups {
    let count = contexts.count
    guard count >= planeBytesMin, !planes.isEmpty, let contextBytes = contexts.baseOfBytes else {
      return Groups(count: count)
    }
    let sample = Sample(of: contexts).bytes
    var contextCounts = [UInt32](repeating: 0, count: 256)
    kernels.histogram(sample, sample.count, &contextCounts)
    let (bins, firstContexts) = bins(
      of: contextCounts, total: sample.count,
      least: max(sample.count / binCountMax + 1, sample.count * binBytesMin / count))
    guard firstContexts.count > 1 else { return Groups(count: count) }
    let step = max(1, count / sampledBytes)
    let stride = 256 * firstContexts.count
    var counts = [UInt32](repeating: 0, count: stride * planes.count)
    counts.withUnsafeMutableBufferPointer { counts in
      guard let start = counts.baseAddress else { return }
      for (index, plane) in planes.enumerated() {
        kernels.histograms(plane, contextBytes, count, step, bins, start + index * stride)
      }
    }
    var firstBins = [UInt8](repeating: 0, count: binCountMax)
    let groupCount = ckernels_choose_groups(
      &counts, firstContexts.count, planes.count, UInt32(step), &firstBins)
    let firsts = firstBins[..<groupCount].map { firstContexts[Int($0)] }
    return Groups(firsts: firsts, contexts: contexts, kernels)
  }

  /// Neighbouring contexts as bins of at least so many bytes: the bin of each context, and the
  /// first context of each bin.
  private static func bins(
    of contextCounts: [UInt32], total: Int, least: Int
  ) -> (bins: [UInt8], firsts: [UInt8]) {
    var firsts: [UInt8] = [0]
    var bins: [UInt8] = []
    var filled = 0
    var left = total
    for context in 0..<256 {
      // The last bin must not be too small either.
      if filled >= least && left >= least {
        firsts.append(UInt8(context))
        filled = 0
      }
      filled += Int(contextCounts[context])
      left -= Int(contextCounts[context])
      bins.append(UInt8(firsts.count - 1))
    }
    return (bins, firsts)
  }

  var count: Int { groups.count }

  /// The smallest context of each.
  var firsts: [UInt8] { withUnsafeBytes(of: groups.first) { Array($0.prefix(count)) } }

  /// How many bytes each has.
  var sizes: [Int] {
    withUnsafeBytes(of: groups.sizes) { bytes in
      (0..<count).map { Int(bytes.load(fromByteOffset: 4 * $0, as: UInt32.self)) }
    }
  }

  private mutating func setSizes(_ sizes: [UInt32]) {
    withUnsafeMutableBytes(of: &groups.sizes) { bytes in
      for (index, size) in sizes.enumerated() {
        bytes.storeBytes(of: size, toByteOffset: 4 * index, as: UInt32.self)
      }
    }
  }
}

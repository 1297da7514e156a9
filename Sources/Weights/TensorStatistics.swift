package import GRDB
import Storage

/// What the values of a tensor are like; all but the counts are of its finite values.
///
/// Sums beyond Double are not finite, and what follows from them neither.
package struct TensorStatistics: Sendable, Equatable {
  /// The number of values.
  package private(set) var count: Int64 = 0
  /// How many are 0 or −0.
  package private(set) var zeroCount: Int64 = 0
  /// How many are NaN.
  package private(set) var nanCount: Int64 = 0
  /// How many are infinite.
  package private(set) var infiniteCount: Int64 = 0
  /// The least; infinite without finite values.
  package private(set) var least = Double.infinity
  /// The greatest; minus infinite without finite values.
  package private(set) var greatest = -Double.infinity
  /// The mean; 0 without finite values.
  package private(set) var mean = 0.0
  /// The sum of (value − mean)².
  private var spread = 0.0

  /// The number of finite values.
  package var finiteCount: Int64 { count - nanCount - infiniteCount }
  /// The standard deviation of the values as they are, not of a sample; 0 without finite values.
  package var standardDeviation: Double {
    finiteCount == 0 ? 0 : (spread / Double(finiteCount)).squareRoot()
  }
  /// The Euclidean norm.
  package var norm: Double { (spread + Double(finiteCount) * mean * mean).squareRoot() }

  /// Starts with no value.
  package init() {}

  /// Reads a tensor once, in bounded memory.
  ///
  /// - Parameters:
  ///   - tensor: Which.
  ///   - progress: Called with the bytes that are done.
  ///   - db: An open read of the weights.
  /// - Throws: `invalidInput` for a type whose values are not known; `corrupt`.
  package init(
    of tensor: Tensor, progress: (Int64) -> Void = { _ in }, _ db: Database
  ) throws {
    guard let dtype = tensor.dtype else {
      throw RegistryError(
        .invalidInput,
        "tensor '\(tensor.name.excerpt)' is of type \(tensor.dtypeName.excerpt), whose values are "
          + "not known")
    }
    var done: Int64 = 0
    try tensor.forEachChunk(db) { content in
      add(dtype.values(content))
      done += Int64(content.count)
      progress(done)
    }
  }

  /// Adds values; spreads are put together by Chan, Golub and LeVeque (1979).
  package mutating func add(_ values: [Double]) {
    var part = TensorStatistics()
    part.count = Int64(values.count)
    var sum = 0.0
    for value in values {
      guard value.isFinite else {
        if value.isNaN { part.nanCount += 1 } else { part.infiniteCount += 1 }
        continue
      }
      if value == 0 { part.zeroCount += 1 }
      part.least = min(part.least, value)
      part.greatest = max(part.greatest, value)
      sum += value
    }
    guard part.finiteCount > 0 else { return merge(part) }
    part.mean = sum / Double(part.finiteCount)
    for value in values where value.isFinite {
      part.spread += (value - part.mean) * (value - part.mean)
    }
    merge(part)
  }

  private mutating func merge(_ part: TensorStatistics) {
    let (own, other) = (Double(finiteCount), Double(part.finiteCount))
    if other > 0 {
      let difference = part.mean - mean
      spread += part.spread + difference * difference * own * other / (own + other)
      mean += difference * other / (own + other)
    }
    count += part.count
    zeroCount += part.zeroCount
    nanCount += part.nanCount
    infiniteCount += part.infiniteCount
    least = min(least, part.least)
    greatest = max(greatest, part.greatest)
  }
}

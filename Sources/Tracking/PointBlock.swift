import CZlib
import Storage

/// Up to 512 points of a series as one zlib stream; BlockFormat.md is the specification.
package enum PointBlock {
  /// The most points of one block, which compresses as well as larger ones and decodes in microseconds.
  package static let countMax = 512

  private static let format: UInt8 = 1
  private static let headerBytes = 4
  private static let sizeMax = headerBytes + 2 + countMax * (10 + 10 + 8)

  /// How the values are written as 64-bit words.
  enum Coding: UInt8 {
    /// The bit pattern.
    case bits = 0
    /// value × 10^exponent, a whole number, zigzag.
    case decimal = 1
    /// As `decimal`, each less the one before.
    case decimalDifferences = 2
  }

  /// One block of 1 to 512 points, in their order.
  package static func encode(_ points: [Point]) throws -> [UInt8] {
    try encode(points[...], try Deflate(strategy: Z_RLE))
  }

  static func encode(_ points: ArraySlice<Point>, _ deflate: Deflate) throws -> [UInt8] {
    try payload(points).withUnsafeBytes { try deflate.bytes($0) }
  }

  /// What the zlib stream of a block holds.
  package static func payload(_ points: ArraySlice<Point>) -> [UInt8] {
    let (coding, exponent, words) = words(points)
    let all = words.reduce(0, |)
    let planeCount = (64 - all.leadingZeroBitCount + 7) / 8
    var out: [UInt8] = [format, coding.rawValue, exponent, UInt8(planeCount)]
    out.reserveCapacity(sizeMax)
    writeVarint(UInt64(points.count), to: &out)
    var previous: Int64 = 0
    var difference: Int64 = 0
    for (index, point) in points.enumerated() {
      let next = point.step &- previous
      writeVarint(zigzag(next &- difference), to: &out)
      difference = index == 0 ? 0 : next
      previous = point.step
    }
    previous = 0
    for point in points {
      writeVarint(zigzag(point.time &- previous), to: &out)
      previous = point.time
    }
    for plane in 0..<planeCount {
      let shift = UInt64(plane * 8)
      for word in words { out.append(UInt8(truncatingIfNeeded: word &>> shift)) }
    }
    return out
  }

  /// Reads a block back.
  ///
  /// - Parameter content: The zlib stream.
  /// - Returns: The points in the order in which they were written.
  /// - Throws: `corrupt`.
  package static func decode(_ content: [UInt8]) throws -> [Point] {
    var reader = Reader(bytes: try Inflate.bytes(content, sizeMax: sizeMax))
    guard reader.bytes.count > headerBytes, reader.bytes[0] == format,
      let coding = Coding(rawValue: reader.bytes[1]), reader.bytes[2] < powers.count,
      reader.bytes[3] <= 8
    else { throw fault }
    let scale = powers[Int(reader.bytes[2])]
    let planeCount = Int(reader.bytes[3])
    reader.offset = headerBytes
    guard let count = Int(exactly: try reader.varint()), (1...countMax).contains(count) else {
      throw fault
    }
    var steps: [Int64] = []
    var difference: Int64 = 0
    for index in 0..<count {
      difference = difference &+ unzigzag(try reader.varint())
      steps.append((steps.last ?? 0) &+ difference)
      if index == 0 { difference = 0 }
    }
    var times: [Int64] = []
    for _ in 0..<count {
      times.append((times.last ?? 0) &+ unzigzag(try reader.varint()))
    }
    guard reader.bytes.count - reader.offset == planeCount * count else { throw fault }
    var points: [Point] = []
    points.reserveCapacity(count)
    var whole: Int64 = 0
    for index in 0..<count {
      var word: UInt64 = 0
      for plane in 0..<planeCount {
        word |= UInt64(reader.bytes[reader.offset + plane * count + index]) << (plane * 8)
      }
      let value: Double
      switch coding {
      case .bits: value = Double(bitPattern: word)
      case .decimal: value = Double(unzigzag(word)) / scale
      case .decimalDifferences:
        whole = whole &+ unzigzag(word)
        value = Double(whole) / scale
      }
      points.append(Point(step: steps[index], time: times[index], value: value))
    }
    return points
  }

  private static var fault: RegistryError {
    RegistryError(
      .corrupt, "a block of points is damaged", hint: "registry verify, then restore a backup")
  }

  private struct Reader {
    let bytes: [UInt8]
    var offset = 0

    mutating func varint() throws -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: 0, to: 70, by: 7) {
        guard offset < bytes.count else { break }
        let byte = bytes[offset]
        offset += 1
        guard shift < 63 || byte <= 1 else { break }
        value |= UInt64(byte & 127) << shift
        if byte < 128 { return value }
      }
      throw fault
    }
  }
}

extension PointBlock {
  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  private static func words(
    _ points: ArraySlice<Point>
  ) -> (coding: Coding, exponent: UInt8, words: [UInt64]) {
    guard let (exponent, wholes) = decimals(points) else {
      return (.bits, 0, points.map(\.value.bitPattern))
    }
    let plain = wholes.map(zigzag)
    var differences: [UInt64] = []
    differences.reserveCapacity(wholes.count)
    var previous: Int64 = 0
    for whole in wholes {
      differences.append(zigzag(whole - previous))
      previous = whole
    }
    let isSmooth =
      differences.reduce(0) { $0 + 64 - $1.leadingZeroBitCount }
      < plain.reduce(0) { $0 + 64 - $1.leadingZeroBitCount }
    return isSmooth
      ? (.decimalDifferences, UInt8(exponent), differences) : (.decimal, UInt8(exponent), plain)
  }

  /// The values as whole numbers of the least power of ten that gives back every bit; nil if none does.
  ///
  /// A value that some power fits is fitted by every greater one until 2^50, so one pass finds the
  /// least and a second one proves it.
  private static func decimals(_ points: ArraySlice<Point>) -> (Int, [Int64])? {
    var exponent = 0
    for point in points {
      while whole(point.value, powers[exponent]) == nil {
        exponent += 1
        guard exponent < powers.count else { return nil }
      }
    }
    var wholes: [Int64] = []
    wholes.reserveCapacity(points.count)
    for point in points {
      guard let whole = whole(point.value, powers[exponent]) else { return nil }
      wholes.append(whole)
    }
    return (exponent, wholes)
  }

  private static func whole(_ value: Double, _ scale: Double) -> Int64? {
    let scaled = (value * scale).rounded()
    guard abs(scaled) < 0x1p50 else { return nil }
    let whole = Int64(scaled)
    return (Double(whole) / scale).bitPattern == value.bitPattern ? whole : nil
  }

  private static func zigzag(_ number: Int64) -> UInt64 {
    UInt64(bitPattern: (number << 1) ^ (number >> 63))
  }

  private static func unzigzag(_ word: UInt64) -> Int64 {
    Int64(bitPattern: word >> 1) ^ -Int64(bitPattern: word & 1)
  }

  private static func writeVarint(_ number: UInt64, to out: inout [UInt8]) {
    var rest = number
    while rest > 127 {
      out.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    out.append(UInt8(rest))
  }
}

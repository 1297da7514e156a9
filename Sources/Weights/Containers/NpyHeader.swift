package import Storage

/// What an array in numpy's format says of its content, read strictly; records are refused.
///
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3.
package struct NpyHeader: Sendable {
  /// The type as numpy spells it: `<f4`.
  package let descr: [UInt8]
  /// Whether the first index changes fastest.
  package let isFortran: Bool
  /// The dimensions; none for a single value.
  package let shape: [Int]
  /// Where the first element is, from the start of the array's header.
  package let dataOffset: Int

  static let magic = [0x93] + Array("NUMPY".utf8)
  static let headerBytesMax = 65_535  // what version 1 can say; numpy itself stops at 10,000
  static let dimensionCountMax = 64  // as in numpy

  /// Reads a header.
  ///
  /// - Parameters:
  ///   - file: The open file.
  ///   - part: Where in the file the array is; nil for all of it.
  /// - Throws: `invalidInput` with what is wrong.
  package init(_ file: SourceFile, in part: Range<Int64>? = nil) throws {
    let part = part ?? 0..<file.sizeBytes
    let sizeBytes = part.upperBound - part.lowerBound
    let prefix = try file.read(at: part.lowerBound, sizeBytes: Int(min(sizeBytes, 12)))
    guard prefix.count >= 10, prefix.starts(with: Self.magic) else {
      throw NpyHeader.fault(file, "it does not start as one")
    }
    guard (1...3).contains(prefix[6]), prefix[7] == 0 else {
      throw NpyHeader.fault(file, "version \(prefix[6]).\(prefix[7]) is not known")
    }
    let start = prefix[6] == 1 ? 10 : 12
    guard prefix.count >= start else { throw NpyHeader.fault(file, "it ends in its header") }
    let length = prefix[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.headerBytesMax else {
      throw NpyHeader.fault(file, "its header is longer than \(Self.headerBytesMax) bytes")
    }
    guard Int64(start + length) <= sizeBytes else {
      throw NpyHeader.fault(file, "it ends in its header")
    }
    var text = NpyText(
      bytes: try file.read(at: part.lowerBound + Int64(start), sizeBytes: length))
    guard let (descr, isFortran, shape) = text.dictionary() else {
      throw NpyHeader.fault(
        file, "its header is not descr, fortran_order and shape",
        hint: "an array of records is not read; save one column after the other")
    }
    self.descr = descr
    self.isFortran = isFortran
    self.shape = shape
    dataOffset = start + length
  }

  /// What an element is when it is a number, and its byte order; nil for any other.
  package var number: (dtype: DType, isBigEndian: Bool)? {
    guard let order = descr.first, "<>|=".utf8.contains(order),
      let dtype = Self.dtypes[String(decoding: descr.dropFirst(), as: UTF8.self)]
    else { return nil }
    return (dtype, order == UInt8(ascii: ">") && dtype.sizeBytes > 1)
  }

  /// The size of all elements, each of `elementBytes`; nil when no file is so large.
  package func sizeBytes(elementBytes: Int) -> Int? {
    var size = elementBytes
    for dimension in shape.contains(0) ? [0] : shape {
      let (product, overflows) = size.multipliedReportingOverflow(by: dimension)
      guard !overflows else { return nil }
      size = product
    }
    return size
  }

  /// The error of a file that cannot be read.
  package static func fault(
    _ file: SourceFile, _ what: String, hint: String? = nil
  ) -> RegistryError {
    RegistryError(
      .invalidInput, "\(file.name) is not a .npy file that can be read: \(what)", hint: hint)
  }

  private static let dtypes: [String: DType] = [
    "f2": .f16, "f4": .f32, "f8": .f64, "i1": .i8, "i2": .i16, "i4": .i32, "i8": .i64,
    "u1": .u8, "u2": .u16, "u4": .u32, "u8": .u64, "b1": .bool,
  ]
}

/// The Python dictionary of a header: three keys, each once, in any order.
private struct NpyText {
  let bytes: [UInt8]
  var index = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func dictionary() -> (descr: [UInt8], isFortran: Bool, shape: [Int])? {
    var descr: [UInt8]?
    var isFortran: Bool?
    var shape: [Int]?
    var hasComma = true
    guard take("{") else { return nil }
    while !take("}") {
      guard hasComma else { return nil }
      guard let key = string(), take(":") else { return nil }
      switch String(decoding: key, as: UTF8.self) {
      case "descr" where descr == nil: descr = string()
      case "fortran_order" where isFortran == nil: isFortran = boolean()
      case "shape" where shape == nil: shape = tuple()
      default: return nil
      }
      hasComma = take(",")
    }
    skipBlanks()
    guard index == bytes.count, let descr, let isFortran, let shape else { return nil }
    return (descr, isFortran, shape)
  }

  private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func skipBlanks() {
    while let byte = next, byte == 32 || byte == 10 || byte == 13 || byte == 9 { index += 1 }
  }

  private mutating func take(_ word: String) -> Bool {
    skipBlanks()
    guard bytes[index...].starts(with: word.utf8) else { return false }
    index += word.utf8.count
    return true
  }

  private mutating func string() -> [UInt8]? {
    skipBlanks()
    guard let quote = next, quote == 39 || quote == 34 else { return nil }
    index += 1
    let start = index
    while let byte = next, byte != quote {
      guard byte != 92 else { return nil }  // no name or type has an escape
      index += 1
    }
    guard next == quote else { return nil }
    defer { index += 1 }
    return Array(bytes[start..<index])
  }

  private mutating func boolean() -> Bool? {
    if take("True") { return true }
    return take("False") ? false : nil
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var numbers: [Int] = []
    var hasComma = true
    while !take(")") {
      guard hasComma else { return nil }
      skipBlanks()
      let digits = bytes[index...].prefix { (48...57).contains($0) }
      guard let number = Int(String(decoding: digits, as: UTF8.self)),
        numbers.count < NpyHeader.dimensionCountMax
      else { return nil }
      numbers.append(number)
      index += digits.count
      _ = take("L")  // as Python 2 wrote it
      hasComma = take(",")
    }
    return numbers.count == 1 && !hasComma ? nil : numbers  // (5) is a number, (5,) a tuple
  }
}

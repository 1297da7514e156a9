import Storage

/// Finds the arrays of numpy's files: one in a `.npy`, several in a `.npz`.
///
/// An array in Fortran's order has its dimensions reversed here, which is the shape in which its
/// values lie. Arrays of numbers in the other byte order, of complex numbers and of texts are
/// opaque; records and objects are no tensors.
enum NpyFile {
  /// What numpy calls an array that was given no name.
  static let nameOfOnlyArray = "arr_0"
  static let nameBytesMax = 1024

  /// Cuts a `.npy` file.
  ///
  /// - Throws: `invalidInput` when the file is malformed, or holds records or objects.
  static func segments(of file: SourceFile) throws -> [Segment] {
    let array = try tensor(in: 0..<file.sizeBytes, of: file, named: nameOfOnlyArray)
    return try Segment.parts([array], ofFileOf: file.sizeBytes)
  }

  /// Cuts a `.npz` file; arrays that are deflated stay bytes.
  ///
  /// - Returns: The parts; nil when no array lies open in the file.
  /// - Throws: `invalidInput` when the file is malformed.
  static func segments(of file: SourceFile, _ zip: ZipDirectory) throws -> [Segment]? {
    let suffix = Array(".npy".utf8)
    let arrays = try zip.entries.compactMap { entry -> Segment? in
      guard entry.name.suffix(suffix.count).elementsEqual(suffix),
        entry.name.count <= nameBytesMax, let content = try zip.content(of: entry, in: file)
      else { return nil }
      do {
        let name = String(decoding: entry.name.dropLast(suffix.count), as: UTF8.self)
        return try tensor(in: content, of: file, named: name)
      } catch let error as RegistryError where error.kind == .invalidInput {
        return nil
      }
    }
    return arrays.isEmpty ? nil : try Segment.parts(arrays, ofFileOf: file.sizeBytes)
  }

  private static func tensor(
    in part: Range<Int64>, of file: SourceFile, named name: String
  ) throws -> Segment {
    let header = try NpyHeader(file, in: part)
    guard let (dtypeName, elementBytes) = element(of: header) else {
      throw Container.fault("its elements are no numbers")
    }
    let offset = part.lowerBound + Int64(header.dataOffset)
    guard let size = header.sizeBytes(elementBytes: elementBytes),
      Int64(size) <= part.upperBound - offset
    else { throw Container.fault("the file ends too early") }
    let shape = header.isFortran ? header.shape.reversed() : header.shape
    return Segment(
      tensor: .init(name: name, dtypeName: dtypeName, shape: shape), offset: offset,
      sizeBytes: Int64(size))
  }

  /// The type of the elements and their size; nil where the size is not in the type, as of objects.
  private static func element(of header: NpyHeader) -> (name: String, sizeBytes: Int)? {
    let spelled = String(decoding: header.descr, as: UTF8.self)
    if let (dtype, isBigEndian) = header.number {
      return (isBigEndian ? ">\(dtype.name)" : dtype.name, dtype.sizeBytes)
    }
    let digits = header.descr.dropFirst(2)
    guard (3...12).contains(header.descr.count), "<>|=".utf8.contains(header.descr[0]),
      digits.allSatisfy({ (48...57).contains($0) }),
      let count = Int(String(decoding: digits, as: UTF8.self))
    else { return nil }
    switch header.descr[1] {
    case UInt8(ascii: "c"), UInt8(ascii: "f"), UInt8(ascii: "S"), UInt8(ascii: "V"):
      return (spelled, count)
    case UInt8(ascii: "U"): return (spelled, 4 * count)
    default: return nil
    }
  }
}

import Storage

/// Finds the tensors of a GGUF file, versions 2 and 3, little-endian.
///
/// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
enum GGUFFile {
  static let magic = Array("GGUF".utf8)
  static let headerBytesMax: Int64 = 100_000_000  // vocabularies take some ten million
  static let tensorCountMax = 1 << 17
  static let nameBytesMax = 1024  // ggml itself stops at 64
  static let namesBytesMax = 24 << 20
  static let dimensionCountMax = 8  // ggml has 4
  static let nestingMax = 4  // arrays in arrays; no known file has any
  static let alignmentMax: UInt32 = 1 << 20

  /// A tensor as the header describes it; its place counts from the first tensor's.
  private struct Info {
    let name: String
    let type: GGUFType
    let shape: [Int]
    let begin: Int64

    /// The size by the type's blocks; nil when the type is not known.
    func sizeBytes() throws -> Int64? {
      guard let block = type.block else { return nil }
      var count: Int64 = shape.contains(0) ? 0 : 1
      for dimension in shape where count != 0 {
        let (product, overflows) = count.multipliedReportingOverflow(by: Int64(dimension))
        guard !overflows else { throw Container.fault("a tensor is larger than any file") }
        count = product
      }
      guard Int64(shape.last ?? 1).isMultiple(of: block.elementCount) else {
        throw Container.fault("a tensor's rows are no whole blocks")
      }
      let (size, overflows) = (count / block.elementCount)
        .multipliedReportingOverflow(by: block.sizeBytes)
      guard !overflows else { throw Container.fault("a tensor is larger than any file") }
      return size
    }
  }

  /// Reads the header and cuts the file.
  ///
  /// - Throws: `invalidInput` when the file is malformed, or of another version or byte order.
  static func segments(of file: SourceFile) throws -> [Segment] {
    var cursor = try FileCursor(file, to: min(file.sizeBytes, headerBytesMax))
    try cursor.skip(magic.count)
    let version: UInt32 = try cursor.number()
    guard (2...3).contains(version) else { throw Container.fault("version \(version)") }
    let tensorCount: UInt64 = try cursor.number()
    guard tensorCount <= tensorCountMax else { throw Container.fault("too many tensors") }
    let alignment = try readMetadata(&cursor)
    var infos: [Info] = []
    var namesBytes = 0
    for _ in 0..<tensorCount {
      infos.append(try readInfo(&cursor))
      namesBytes += infos[infos.count - 1].name.utf8.count
      guard namesBytes <= namesBytesMax else { throw Container.fault("its names are too long") }
    }
    let start = (cursor.offset + Int64(alignment) - 1) / Int64(alignment) * Int64(alignment)
    infos.sort { $0.begin < $1.begin }
    let tensors = try infos.indices.map { index in
      let info = infos[index]
      let (offset, overflows) = start.addingReportingOverflow(info.begin)
      guard !overflows, offset <= file.sizeBytes else {
        throw Container.fault("a tensor begins beyond the end")
      }
      let next = infos.indices.contains(index + 1) ? infos[index + 1].begin - info.begin : nil
      return Segment(
        tensor: .init(name: info.name, dtypeName: info.type.name, shape: info.shape),
        offset: offset, sizeBytes: try info.sizeBytes() ?? next ?? file.sizeBytes - offset)
    }
    return try Segment.parts(tensors, ofFileOf: file.sizeBytes)
  }

  private static func readInfo(_ cursor: inout FileCursor) throws -> Info {
    let length: UInt64 = try cursor.number()
    guard length <= nameBytesMax else { throw Container.fault("a name is too long") }
    let name = String(decoding: try cursor.bytes(length), as: UTF8.self)
    let dimensionCount: UInt32 = try cursor.number()
    guard dimensionCount <= dimensionCountMax else { throw Container.fault("too many dimensions") }
    var shape: [Int] = []
    for _ in 0..<dimensionCount {
      guard let dimension = Int(exactly: try cursor.number(UInt64.self)) else {
        throw Container.fault("a dimension is larger than any file")
      }
      shape.insert(dimension, at: 0)  // the file has the innermost first
    }
    let type = GGUFType(try cursor.number())
    guard let begin = Int64(exactly: try cursor.number(UInt64.self)) else {
      throw Container.fault("a tensor begins beyond the end")
    }
    return Info(name: name, type: type, shape: shape, begin: begin)
  }

  /// Reads over the metadata, and returns what the tensors are aligned to.
  private static func readMetadata(_ cursor: inout FileCursor) throws -> UInt32 {
    var alignment: UInt32 = 32
    let key = Array("general.alignment".utf8)
    for _ in 0..<(try cursor.number(UInt64.self)) {
      let length: UInt64 = try cursor.number()
      var isAlignment = false
      if length == key.count {
        isAlignment = try cursor.bytes(length) == key
      } else {
        try cursor.skip(length)
      }
      let type: UInt32 = try cursor.number()
      if isAlignment && type == 4 {
        alignment = try cursor.number()
      } else {
        try skipValues(1, of: type, &cursor)
      }
    }
    guard (1...alignmentMax).contains(alignment) else { throw Container.fault("odd alignment") }
    return alignment
  }

  private static func skipValues(
    _ count: UInt64, of type: UInt32, depth: Int = 0, _ cursor: inout FileCursor
  ) throws {
    switch type {
    case 8:
      for _ in 0..<count { try cursor.skip(try cursor.number(UInt64.self)) }
    case 9:
      guard depth < nestingMax else { throw Container.fault("arrays are nested too deep") }
      for _ in 0..<count {
        let inner: UInt32 = try cursor.number()
        try skipValues(try cursor.number(), of: inner, depth: depth + 1, &cursor)
      }
    default:
      guard let size = sizes[type] else { throw Container.fault("a value of unknown type") }
      let (bytes, overflows) = count.multipliedReportingOverflow(by: size)
      guard !overflows else { throw Container.fault("the file ends too early") }
      try cursor.skip(bytes)
    }
  }

  /// The sizes of values by their type: u8, i8, u16, i16, u32, i32, f32, bool, u64, i64, f64.
  private static let sizes: [UInt32: UInt64] = [
    0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8,
  ]
}

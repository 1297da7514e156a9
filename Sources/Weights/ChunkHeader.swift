import Storage

/// The first eight bytes of a record, checked; Format.md has the table.
struct ChunkHeader {
  /// How the content follows; the raw values are stored.
  enum Mode: UInt8 {
    case raw = 0
    case constant = 1
    case deflated = 2
    case planes = 3
  }

  static let version: UInt8 = 2
  static let sizeBytes = 8

  /// That of the record: 1 or 2.
  var version = Self.version
  let mode: Mode
  /// The size of a word in bytes.
  var width = 1
  var mapping = WordMapping.plain
  /// The length of the content in bytes.
  let length: Int

  var bytes: [UInt8] {
    let low = UInt32(truncatingIfNeeded: length)
    return [
      version, mode.rawValue, UInt8(truncatingIfNeeded: width), mapping.rawValue,
      UInt8(truncatingIfNeeded: low), UInt8(truncatingIfNeeded: low >> 8),
      UInt8(truncatingIfNeeded: low >> 16), UInt8(truncatingIfNeeded: low >> 24),
    ]
  }

  init(mode: Mode, width: Int = 1, mapping: WordMapping = .plain, length: Int) {
    self.mode = mode
    self.width = width
    self.mapping = mapping
    self.length = length
  }

  init(of record: UnsafeRawBufferPointer) throws(RegistryError) {
    guard record.count >= Self.sizeBytes else {
      throw RegistryError(.corrupt, "a chunk record of \(record.count) bytes has no header")
    }
    guard (1...Self.version).contains(record[0]) else {
      throw RegistryError(.corrupt, "a chunk record has the unknown version \(record[0])")
    }
    let length = record.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    guard let mode = Mode(rawValue: record[1]), let mapping = WordMapping(rawValue: record[3]),
      [1, 2, 4, 8].contains(record[2]), record[2] == 1 || mode == .constant || mode == .planes,
      mapping == .plain || mode == .planes, length <= ChunkCodec.contentBytesMax,
      mode == .raw || length > 0, mode != .planes || length >= record[2]
    else {
      let header = Array(record.prefix(Self.sizeBytes)).hex
      throw RegistryError(.corrupt, "a chunk record has the impossible header \(header)")
    }
    self.init(mode: mode, width: Int(record[2]), mapping: mapping, length: Int(length))
    version = record[0]
  }
}

/// How the words of a chunk are mapped before they are cut into planes; the raw values are stored.
enum WordMapping: UInt8 {
  case plain = 0
  case rotated = 1
  case integerDifference = 2
  case floatDifference = 3
  case xor = 4

  var usesBase: Bool { rawValue >= Self.integerDifference.rawValue }
}

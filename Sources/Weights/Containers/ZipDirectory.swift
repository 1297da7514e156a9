import Storage

/// The list of files at the end of a zip archive, with 64-bit sizes.
///
/// Source: APPNOTE.TXT 6.3.10 of PKWARE, 4.3.7 to 4.3.16.
struct ZipDirectory {
  /// A file in the archive.
  struct Entry {
    let name: [UInt8]
    /// Whether its bytes are in the archive as they are.
    let isStored: Bool
    let sizeBytes: Int64
    /// Where its own header is, which stands before its bytes.
    let headerOffset: Int64
  }

  static let magic: [UInt8] = [0x50, 0x4B, 3, 4]
  static let sizeBytesMax: Int64 = 16 << 20
  static let entryCountMax = 1 << 16

  private(set) var entries: [Entry] = []
  /// Where the list begins and all content ends.
  private let offset: Int64

  /// Reads the list.
  ///
  /// - Throws: `invalidInput` when it is not there or malformed.
  init(_ file: SourceFile) throws {
    let (part, entryCount) = try Self.place(in: file)
    offset = part.lowerBound
    guard entryCount <= Self.entryCountMax, part.upperBound - part.lowerBound <= Self.sizeBytesMax
    else { throw Container.fault("the zip archive has too many files") }
    var cursor = try FileCursor(file, from: part.lowerBound, to: part.upperBound)
    entries.reserveCapacity(Int(entryCount))
    for _ in 0..<entryCount { entries.append(try Self.entry(&cursor)) }
  }

  /// Where the bytes of a stored entry are; nil when they are compressed.
  ///
  /// - Throws: `invalidInput` when its header is not where the list says.
  func content(of entry: Entry, in file: SourceFile) throws -> Range<Int64>? {
    guard entry.isStored else { return nil }
    let headerBytes: Int64 = 30
    guard entry.headerOffset <= offset - headerBytes else { throw Self.fault }
    var cursor = try FileCursor(
      file, from: entry.headerOffset, to: entry.headerOffset + headerBytes)
    guard try cursor.bytes(4) == Self.magic else { throw Self.fault }
    try cursor.skip(22)
    let start =
      entry.headerOffset + headerBytes + Int64(try cursor.number(UInt16.self))
      + Int64(try cursor.number(UInt16.self))
    guard start <= offset, entry.sizeBytes <= offset - start else { throw Self.fault }
    return start..<start + entry.sizeBytes
  }

  private static let fault = Container.fault("the zip archive is damaged")

  /// Where the list is, and how many entries it has.
  private static func place(
    in file: SourceFile
  ) throws -> (part: Range<Int64>, entryCount: UInt64) {
    let length = min(file.sizeBytes, 22 + 65_535)  // the end record and the longest comment
    let tail = try file.read(at: file.sizeBytes - length, sizeBytes: Int(length))
    let found = stride(from: tail.count - 22, through: 0, by: -1).first { index in
      tail[index...].starts(with: [0x50, 0x4B, 5, 6])
        && index + 22 + Int(tail[index + 20]) + Int(tail[index + 21]) << 8 == tail.count
    }
    guard let found else { throw fault }
    let end = file.sizeBytes - length + Int64(found)
    var cursor = try FileCursor(file, from: end + 10, to: file.sizeBytes)
    var count = UInt64(try cursor.number(UInt16.self))
    var size = UInt64(try cursor.number(UInt32.self))
    var start = UInt64(try cursor.number(UInt32.self))
    if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
      (count, size, start) = try largePlace(in: file, before: end)
    }
    guard let first = Int64(exactly: start), let size = Int64(exactly: size), first <= end,
      size <= end - first
    else { throw fault }
    return (first..<first + size, count)
  }

  /// The same from the record of archives whose numbers need 64 bits.
  private static func largePlace(
    in file: SourceFile, before end: Int64
  ) throws -> (count: UInt64, size: UInt64, start: UInt64) {
    var locator = try FileCursor(file, from: end - 20, to: end)
    guard try locator.bytes(4) == [0x50, 0x4B, 6, 7] else { throw fault }
    try locator.skip(4)
    guard let start = Int64(exactly: try locator.number(UInt64.self)) else { throw fault }
    var cursor = try FileCursor(file, from: start, to: end)
    guard try cursor.bytes(4) == [0x50, 0x4B, 6, 6] else { throw fault }
    try cursor.skip(28)
    return (try cursor.number(), try cursor.number(), try cursor.number())
  }

  private static func entry(_ cursor: inout FileCursor) throws -> Entry {
    guard try cursor.bytes(4) == [0x50, 0x4B, 1, 2] else { throw fault }
    try cursor.skip(4)
    let flags: UInt16 = try cursor.number()
    let method: UInt16 = try cursor.number()
    try cursor.skip(8)
    let packed: UInt32 = try cursor.number()
    let size: UInt32 = try cursor.number()
    let nameLength: UInt16 = try cursor.number()
    let extraLength: UInt16 = try cursor.number()
    let commentLength: UInt16 = try cursor.number()
    try cursor.skip(8)
    let header: UInt32 = try cursor.number()
    let name = try cursor.bytes(nameLength)
    let large = try largeNumbers(
      instead: [size, packed, header], extraLength: Int64(extraLength), &cursor)
    try cursor.skip(commentLength)
    guard let sizeBytes = Int64(exactly: large[0]), let headerOffset = Int64(exactly: large[2])
    else { throw fault }
    return Entry(
      name: name, isStored: method == 0 && flags & 1 == 0 && large[0] == large[1],
      sizeBytes: sizeBytes, headerOffset: headerOffset)
  }

  /// Reads over the extra fields, one of which has the numbers that do not fit 32 bits.
  private static func largeNumbers(
    instead numbers: [UInt32], extraLength: Int64, _ cursor: inout FileCursor
  ) throws -> [UInt64] {
    var large = numbers.map(UInt64.init)
    let end = cursor.offset + extraLength
    while end - cursor.offset >= 4 {
      let id: UInt16 = try cursor.number()
      let fieldEnd = cursor.offset + 2 + Int64(try cursor.number(UInt16.self))
      guard fieldEnd <= end else { throw fault }
      if id == 1 {
        for index in numbers.indices
        where numbers[index] == .max && fieldEnd - cursor.offset >= 8 {
          large[index] = try cursor.number()
        }
      }
      try cursor.skip(fieldEnd - cursor.offset)
    }
    try cursor.skip(end - cursor.offset)
    return large
  }
}

import Foundation
import Storage
import Weights

/// The piece of a text file that is being read: from the start of a record to as far as was read.
struct TextWindow {
  let file: SourceFile
  /// What was read; only those from `start` to `end` count.
  private(set) var bytes: [UInt8]
  /// Where the next record starts.
  var start = 0
  /// One past the last byte that was read.
  private(set) var end = 0
  private var nextRead: Int64 = 0

  static let pieceBytes = 1 << 20
  static let pieceBytesMax = 16 << 20

  /// Opens a file and steps over a byte order mark.
  ///
  /// - Throws: `notFound`; `invalidInput` when it is no regular file, empty, or UTF-16.
  init(_ url: URL) throws {
    file = try SourceFile(url)
    bytes = [UInt8](repeating: 0, count: Int(min(Int64(Self.pieceBytes), file.sizeBytes)))
    _ = try extend()
    guard end > 0 else {
      throw RegistryError(.invalidInput, "\(file.name) is empty")
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw RegistryError(
        .invalidInput, "\(file.name) is UTF-16", hint: "save it as UTF-8")
    }
  }

  /// Whether the file has no byte after `end`.
  var isAtEnd: Bool { nextRead == file.sizeBytes }
  /// How far into the file the next record starts.
  var offset: Int64 { nextRead - Int64(end - start) }

  /// Moves the record to the front and reads on, about as much again as it is long; false at the end.
  mutating func extend() throws -> Bool {
    guard !isAtEnd else { return false }
    let kept = end - start
    let wanted = min(max(kept, Self.pieceBytes), Self.pieceBytesMax)
    let count = Int(min(Int64(wanted), file.sizeBytes - nextRead))
    if kept + count > bytes.count {
      bytes += repeatElement(0, count: kept + count - bytes.count)
    }
    let (record, file, place) = (start..<end, file, nextRead)
    try bytes.withUnsafeMutableBytes { buffer in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[record]))
      try file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[kept..<kept + count]), at: place)
    }
    nextRead += Int64(count)
    start = 0
    end = kept + count
    return true
  }

  /// Whether nothing but blanks and ends of lines follows; reads on to know.
  mutating func hasOnlyBlanksLeft() throws -> Bool {
    while true {
      while start < end {
        switch bytes[start] {
        case 9, 10, 13, 32: start += 1
        default: return false
        }
      }
      guard try extend() else { return true }
    }
  }
}

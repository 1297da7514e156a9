import Foundation
import Storage

/// Reads the header of a safetensors file strictly, from front to back, in memory that does not grow with
/// what a hostile header says: a general JSON value of a 100 MB text would take gigabytes.
///
/// Source: https://huggingface.co/docs/safetensors, "Format", and the checks of the reference reader.
struct SafetensorsHeader: ~Copyable {
  /// A tensor as the header names it; begin and end count from the end of the header.
  struct Entry {
    let tensor: Segment.TensorInfo
    let begin: Int64
    let end: Int64
  }

  static let sizeBytesMax: UInt64 = 100_000_000  // as in the reference reader
  static let entryCountMax = 1 << 17  // the largest single file known has under 100,000
  static let namesBytesMax = 16 << 20
  static let textBytesMax = 4 << 20  // of one metadata value; training tools write up to some 100 KB
  static let dimensionCountMax = 64

  private let name: String
  private let end: Int64
  private var nextRead: Int64 = 8
  private var window: [UInt8] = []
  private var position = 0
  private var text: [UInt8] = []
  private var keys: [[UInt8]] = []
  private var keysBytes = 0
  private(set) var entries: [Entry] = []

  /// Reads the header, whose length has been checked, of an open file.
  init(_ file: borrowing SourceFile, sizeBytes: Int64) throws(RegistryError) {
    name = file.name
    end = 8 + sizeBytes
    guard try peek(file) == UInt8(ascii: "{") else { throw fault("the header does not begin with {") }
    try readObject(file, level: .header)
    try skipBlanks(file)
    guard try peek(file) == nil else { throw fault("content after the header's last }") }
    try Self.refuseTwins(&keys, fault)
  }

  private enum Level { case header, metadata }

  private mutating func readObject(_ file: borrowing SourceFile, level: Level) throws(RegistryError) {
    try take("{", file)
    try skipBlanks(file)
    var seen: [[UInt8]] = []
    if try peek(file) == UInt8(ascii: "}") {
      position += 1
      return
    }
    repeat {
      let key = try string(file)
      keysBytes += key.utf8.count
      guard keysBytes <= Self.namesBytesMax, keys.count + seen.count < Self.entryCountMax else {
        throw fault("more names than any model has")
      }
      try take(":", file)
      switch level {
      case .metadata:
        seen.append(Array(key.utf8))
        _ = try string(file)
      case .header:
        keys.append(Array(key.utf8))
        try skipBlanks(file)
        if key.utf8.elementsEqual("__metadata__".utf8) {
          try readObject(file, level: .metadata)
        } else {
          entries.append(try entry(key, file))
        }
      }
    } while try goesOn(until: "}", file)
    try Self.refuseTwins(&seen, fault)
  }

  private static func refuseTwins(
    _ keys: inout [[UInt8]], _ fault: (String) -> RegistryError
  ) throws(RegistryError) {
    keys.sort { $0.lexicographicallyPrecedes($1) }
    for (left, right) in zip(keys, keys.dropFirst()) where left == right {
      throw fault("the key '\(String(decoding: left.prefix(80), as: UTF8.self))' stands twice")
    }
  }

  private mutating func entry(
    _ tensor: String, _ file: borrowing SourceFile
  ) throws(RegistryError) -> Entry {
    var dtype: String?
    var shape: [Int64]?
    var offsets: [Int64]?
    try take("{", file)
    repeat {
      let key = try string(file)
      try take(":", file)
      switch key {
      case "dtype" where dtype == nil: dtype = try string(file)
      case "shape" where shape == nil: shape = try numbers(file)
      case "data_offsets" where offsets == nil: offsets = try numbers(file)
      default: throw fault("the key '\(key.prefix(80))' of tensor '\(tensor.prefix(80))' is odd")
      }
    } while try goesOn(until: "}", file)
    guard let dtype, let shape, let offsets, offsets.count == 2 else {
      throw fault("tensor '\(tensor.prefix(80))' lacks dtype, shape or two data_offsets")
    }
    guard dtype.utf8.count <= 32 else {
      throw fault("tensor '\(tensor.prefix(80))' has a type of an overlong name")
    }
    let info = Segment.TensorInfo(
      name: tensor, dtypeName: dtype, shape: shape.compactMap(Int.init(exactly:)))
    return Entry(tensor: info, begin: offsets[0], end: offsets[1])
  }

  // MARK: tokens

  private func fault(_ what: String) -> RegistryError {
    RegistryError(
      .invalidInput, "'\(name)' is not a valid safetensors file: \(what)")
  }

  private mutating func peek(_ file: borrowing SourceFile) throws(RegistryError) -> UInt8? {
    if position < window.count { return window[position] }
    let count = Int(min(1 << 16, end - nextRead))
    guard count > 0 else { return nil }
    var fresh = [UInt8](repeating: 0, count: count)
    let result = fresh.withUnsafeMutableBytes { buffer in
      do throws(RegistryError) {
        return Result<Void, RegistryError>.success(try file.read(into: buffer, at: nextRead))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
    window = fresh
    nextRead += Int64(count)
    position = 0
    return window[0]
  }

  private mutating func skipBlanks(_ file: borrowing SourceFile) throws(RegistryError) {
    while let byte = try peek(file), byte == 32 || byte == 10 || byte == 13 || byte == 9 {
      position += 1
    }
  }

  private mutating func take(
    _ character: Unicode.Scalar, _ file: borrowing SourceFile
  ) throws(RegistryError) {
    try skipBlanks(file)
    guard try peek(file) == UInt8(ascii: character) else {
      throw fault("expected \(character) at byte \(nextRead - Int64(window.count - position))")
    }
    position += 1
  }

  private mutating func goesOn(
    until close: Unicode.Scalar, _ file: borrowing SourceFile
  ) throws(RegistryError) -> Bool {
    try skipBlanks(file)
    if try peek(file) == UInt8(ascii: ",") {
      position += 1
      return true
    }
    try take(close, file)
    return false
  }

  private mutating func string(_ file: borrowing SourceFile) throws(RegistryError) -> String {
    try take("\"", file)
    text.removeAll(keepingCapacity: true)
    text.append(UInt8(ascii: "\""))
    var isEscaped = false
    while true {
      guard let byte = try peek(file) else { throw fault("the header ends inside a string") }
      position += 1
      text.append(byte)
      if byte == UInt8(ascii: "\""), !isEscaped { break }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      guard text.count <= Self.textBytesMax else {
        throw fault("a string is longer than \(Self.textBytesMax) bytes")
      }
    }
    do throws(RegistryError) {
      return try JSON.parse(text).string ?? ""
    } catch {
      throw fault(error.message)
    }
  }

  private mutating func numbers(_ file: borrowing SourceFile) throws(RegistryError) -> [Int64] {
    try take("[", file)
    try skipBlanks(file)
    var numbers: [Int64] = []
    if try peek(file) == UInt8(ascii: "]") {
      position += 1
      return numbers
    }
    repeat {
      guard numbers.count < Self.dimensionCountMax else { throw fault("a list is too long") }
      numbers.append(try number(file))
    } while try goesOn(until: "]", file)
    return numbers
  }

  private mutating func number(_ file: borrowing SourceFile) throws(RegistryError) -> Int64 {
    try skipBlanks(file)
    var digits: [UInt8] = []
    while let byte = try peek(file), (48...57).contains(byte), digits.count < 20 {
      digits.append(byte)
      position += 1
    }
    guard digits.count == 1 || digits.first != 48,
      let number = Int64(String(decoding: digits, as: UTF8.self))
    else { throw fault("a shape or offset is not a whole number from 0 to 2^63 - 1") }
    return number
  }
}

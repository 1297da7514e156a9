import Foundation
import Storage

/// Reads the header of a safetensors file strictly, from front to back, in memory that does not
/// grow with what a hostile header says: a general JSON value of a 100 MB text would take
/// gigabytes.
///
/// Source: https://huggingface.co/docs/safetensors, "Format", and the checks of the reference
/// reader.
struct SafetensorsHeader {
  /// A tensor as the header names it; begin and end count from the end of the header.
  struct Entry {
    let tensor: Segment.TensorInfo
    let begin: Int64
    let end: Int64
  }

  static let sizeBytesMax: UInt64 = 100_000_000  // as in the reference reader
  static let entryCountMax = 1 << 17  // the largest single file known has under 100,000
  static let stringBytesMax = 4 << 20  // training tools write some 100 KB into a metadata value
  static let textBytesMax = 24 << 20  // of all strings; a name of 100 bytes for each entry is 17 MB
  static let dimensionCountMax = 64
  static let dimensionsOfAllMax = 4 * entryCountMax  // all tensors together; 1 to 4 each are usual

  private let file: SourceFile
  private let end: Int64
  private var nextRead: Int64 = 8
  private var window: [UInt8] = []
  private var position = 0
  private var text: [UInt8] = []
  private var textBytes = 0
  private var dimensionCount = 0
  private var hasMetadata = false
  private(set) var entries: [Entry] = []

  /// Reads the header, whose length has been checked, of an open file.
  init(_ file: SourceFile, sizeBytes: Int64) throws {
    self.file = file
    end = 8 + sizeBytes
    guard try peek() == UInt8(ascii: "{") else { throw fault("the header does not begin with {") }
    try readEntries()
    try skipBlanks()
    guard try peek() == nil else { throw fault("content after the header's last }") }
    try refuseTwins(entries) { $0.tensor.name }
  }

  private mutating func readEntries() throws {
    try forEachKey { header, key in
      if key.utf8.elementsEqual("__metadata__".utf8) {
        guard !header.hasMetadata else { throw header.fault("the key '__metadata__' stands twice") }
        header.hasMetadata = true
        try header.readMetadata()
      } else {
        header.entries.append(try header.entry(key))
        guard header.entries.count < Self.entryCountMax else {
          throw header.fault("it has more tensors than any model")
        }
      }
    }
  }

  private mutating func readMetadata() throws {
    try skipBlanks()
    if try peek() == UInt8(ascii: "n") {  // the reference reader takes null for none
      for scalar in "null".unicodeScalars { try takeNext(scalar) }
      return
    }
    var keys: [String] = []
    try forEachKey { header, key in
      keys.append(key)
      _ = try header.string()
      guard keys.count < Self.entryCountMax else {
        throw header.fault("it has more metadata than any model")
      }
    }
    try refuseTwins(keys) { $0 }
  }

  private mutating func forEachKey(
    _ body: (inout SafetensorsHeader, String) throws -> Void
  ) throws {
    try take("{")
    try skipBlanks()
    if try peek() == UInt8(ascii: "}") {
      position += 1
      return
    }
    repeat {
      let key = try string()
      try take(":")
      try body(&self, key)
    } while try goesOn(until: "}")
  }

  private func refuseTwins<Element>(_ elements: [Element], _ name: (Element) -> String) throws {
    let order = elements.indices.sorted {
      name(elements[$0]).utf8.lexicographicallyPrecedes(name(elements[$1]).utf8)
    }
    for (left, right) in zip(order, order.dropFirst()) {
      let key = name(elements[left])
      guard !key.utf8.elementsEqual(name(elements[right]).utf8) else {
        throw fault("the key '\(key.excerpt)' stands twice")
      }
    }
  }

  private mutating func entry(_ tensor: String) throws -> Entry {
    var dtype: String?
    var shape: [Int64]?
    var offsets: [Int64]?
    try take("{")
    repeat {
      let key = try string()
      try take(":")
      switch key {
      case "dtype" where dtype == nil: dtype = try string()
      case "shape" where shape == nil: shape = try dimensions()
      case "data_offsets" where offsets == nil: offsets = try numbers()
      default: throw fault("the key '\(key.excerpt)' of tensor '\(tensor.excerpt)' is odd")
      }
    } while try goesOn(until: "}")
    guard let dtype, let shape, let offsets, offsets.count == 2 else {
      throw fault("tensor '\(tensor.excerpt)' lacks dtype, shape or two data_offsets")
    }
    guard dtype.utf8.count <= 32 else {
      throw fault("tensor '\(tensor.excerpt)' has a type of an overlong name")
    }
    let info = Segment.TensorInfo(
      name: tensor, dtypeName: dtype, shape: shape.compactMap(Int.init(exactly:)))
    return Entry(tensor: info, begin: offsets[0], end: offsets[1])
  }

  private func fault(_ what: String) -> RegistryError {
    RegistryError(.invalidInput, "'\(file.name)' is not a valid safetensors file: \(what)")
  }

  private mutating func peek() throws -> UInt8? {
    if position < window.count { return window[position] }
    let count = Int(min(1 << 16, end - nextRead))
    guard count > 0 else { return nil }
    window = try file.read(at: nextRead, sizeBytes: count)
    nextRead += Int64(count)
    position = 0
    return window[0]
  }

  private mutating func skipBlanks() throws {
    while let byte = try peek(), byte == 32 || byte == 10 || byte == 13 || byte == 9 {
      position += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) throws {
    try skipBlanks()
    try takeNext(character)
  }

  private mutating func takeNext(_ character: Unicode.Scalar) throws {
    guard try peek() == UInt8(ascii: character) else {
      throw fault("expected \(character) at byte \(nextRead - Int64(window.count - position))")
    }
    position += 1
  }

  private mutating func goesOn(until close: Unicode.Scalar) throws -> Bool {
    try skipBlanks()
    if try peek() == UInt8(ascii: ",") {
      position += 1
      return true
    }
    try take(close)
    return false
  }

  private mutating func string() throws -> String {
    try take("\"")
    text.removeAll(keepingCapacity: true)
    text.append(UInt8(ascii: "\""))
    var isEscaped = false
    while true {
      guard let byte = try peek() else { throw fault("the header ends inside a string") }
      position += 1
      text.append(byte)
      if byte == UInt8(ascii: "\""), !isEscaped { break }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      guard text.count <= Self.stringBytesMax else {
        throw fault("a string is longer than \(Self.stringBytesMax) bytes")
      }
    }
    textBytes += text.count
    guard textBytes <= Self.textBytesMax else {
      throw fault("its strings are longer than \(Self.textBytesMax) bytes together")
    }
    do {
      return try JSON.parse(text).string ?? ""
    } catch {
      throw fault(error.message)
    }
  }

  private mutating func dimensions() throws -> [Int64] {
    let dimensions = try numbers()
    dimensionCount += dimensions.count
    guard dimensionCount <= Self.dimensionsOfAllMax else {
      throw fault("its tensors have more dimensions than those of any model")
    }
    return dimensions
  }

  private mutating func numbers() throws -> [Int64] {
    try take("[")
    try skipBlanks()
    var numbers: [Int64] = []
    if try peek() == UInt8(ascii: "]") {
      position += 1
      return numbers
    }
    repeat {
      guard numbers.count < Self.dimensionCountMax else { throw fault("a list is too long") }
      numbers.append(try number())
    } while try goesOn(until: "]")
    return numbers
  }

  private mutating func number() throws -> Int64 {
    try skipBlanks()
    var number: Int64 = 0
    var digitCount = 0
    var isTooLarge = false
    let startsWithZero = try peek() == UInt8(ascii: "0")
    while let byte = try peek(), (48...57).contains(byte) {
      let (product, overflows) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = product.addingReportingOverflow(Int64(byte - 48))
      isTooLarge = isTooLarge || overflows || overflowsToo
      number = sum
      digitCount += 1
      position += 1
    }
    guard digitCount > 0, !isTooLarge, digitCount == 1 || !startsWithZero else {
      throw fault("a shape or offset is not a whole number from 0 to 2^63 - 1")
    }
    return number
  }
}

import Storage

/// Takes the parts of a record one after another; none is taken that is not there.
struct RecordReader {
  /// What has not been taken.
  private(set) var rest: UnsafeRawBufferPointer

  init(_ record: UnsafeRawBufferPointer) { rest = record }

  mutating func bytes(_ count: Int) throws(RegistryError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= rest.count else { throw Self.damage("it is cut off") }
    let bytes = rest[part: 0..<count]
    rest = rest[part: count..<rest.count]
    return bytes
  }

  mutating func byte() throws(RegistryError) -> UInt8 {
    try bytes(1)[0]
  }

  /// An unsigned LEB128 number of at most four bytes.
  mutating func number() throws(RegistryError) -> Int {
    var number = 0
    for shift in [0, 7, 14, 21] {
      let byte = Int(try byte())
      number |= (byte & 127) << shift
      if byte < 128 { return number }
    }
    throw Self.damage("a number has no end")
  }

  /// The error of a record that is not as Format.md says.
  static func damage(_ clause: String) -> RegistryError {
    RegistryError(.corrupt, "a chunk record is damaged: \(clause)")
  }
}

extension [UInt8] {
  /// Appends a number below 2^28 as unsigned LEB128, as `RecordReader.number` takes it.
  mutating func append(number: Int) {
    var rest = number
    while rest >= 128 {
      append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
}

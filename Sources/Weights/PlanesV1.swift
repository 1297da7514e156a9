import CKernels
import Storage

/// Decodes the planes of records of version 1, which stores of before have: see Format.md's end.
enum PlanesV1 {
  private enum Coding: UInt8 {
    case zero = 0
    case stored = 1
    case deflated = 2
    case sparse = 3
    case sparseDeflated = 4
  }

  /// Decodes what follows a header; `base` has the content's length where it is needed.
  static func decode(
    _ record: UnsafeRawBufferPointer, _ header: ChunkHeader,
    into content: UnsafeMutableRawBufferPointer, base: UnsafeRawBufferPointer?
  ) throws(RegistryError) {
    let count = content.count / header.width
    let planes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count * header.width, alignment: 64)
    defer { planes.deallocate() }
    var reader = RecordReader(record[part: ChunkHeader.sizeBytes..<record.count])
    let table = try reader.bytes(4 * header.width)
    for index in 0..<header.width {
      let entry = table.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
      guard let coding = Coding(rawValue: UInt8(truncatingIfNeeded: entry)) else {
        throw RecordReader.damage("a plane's coding is unknown")
      }
      let plane = planes[index * count..<(index + 1) * count]
      try decode(
        try reader.bytes(Int(entry >> 8)), coding,
        into: UnsafeMutableRawBufferPointer(rebasing: plane))
    }
    let whole = count * header.width
    guard reader.rest.count == content.count - whole else {
      throw RecordReader.damage("its planes do not fill it")
    }
    let words = Planes.Words(length: content.count, width: header.width, base: base)
    let starts = (0..<header.width).map {
      UnsafeRawBufferPointer(planes)[part: $0 * count..<($0 + 1) * count].baseOfBytes
    }
    CodecKernels.best.functions.merge(
      words.kernelWords(header.mapping, shift: 0), starts, nil, content.baseOfBytes)
    UnsafeMutableRawBufferPointer(rebasing: content[whole...]).copyMemory(from: reader.rest)
  }

  /// Decodes a payload into a plane, which is not empty.
  private static func decode(
    _ payload: UnsafeRawBufferPointer, _ coding: Coding,
    into plane: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) {
    switch coding {
    case .zero:
      guard payload.isEmpty else { throw RecordReader.damage("a zero plane has a payload") }
      plane.initializeMemory(as: UInt8.self, repeating: 0)
    case .stored:
      guard payload.count == plane.count else {
        throw RecordReader.damage("a stored plane has a wrong length")
      }
      plane.copyMemory(from: payload)
    case .deflated:
      try Deflate.inflate(payload, into: plane)
    case .sparse, .sparseDeflated:
      try decodeSparse(payload, deflated: coding == .sparseDeflated, into: plane)
    }
  }

  private static func decodeSparse(
    _ payload: UnsafeRawBufferPointer, deflated: Bool, into plane: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) {
    var reader = RecordReader(payload)
    let size = Int(try reader.bytes(4).loadUnaligned(as: UInt32.self))
    let bitmap = try Deflate.inflate(
      try reader.bytes(size), sizeBytes: (plane.count + 7) / 8)
    guard bitmap.hasNoBits(from: plane.count) else {
      throw RecordReader.damage("a sparse plane has bits after its end")
    }
    let set = bitmap.reduce(0) { $0 + $1.nonzeroBitCount }
    guard set > 0 else { throw RecordReader.damage("a sparse plane is empty") }
    let nonzeros =
      deflated ? try Deflate.inflate(reader.rest, sizeBytes: set) : Array(reader.rest)
    guard nonzeros.count == set else {
      throw RecordReader.damage("a sparse plane has a wrong number of bytes")
    }
    var next = 0
    for index in 0..<plane.count {
      let isSet = bitmap[index / 8] >> (index % 8) & 1 == 1
      plane[index] = isSet ? nonzeros[next] : 0
      next += isSet ? 1 : 0
    }
  }
}

extension [UInt8] {
  /// Whether all bits from one on are clear.
  func hasNoBits(from first: Int) -> Bool {
    first % 8 == 0 || first / 8 >= count || self[first / 8] >> (first % 8) == 0
  }
}

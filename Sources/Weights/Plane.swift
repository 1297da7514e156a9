import CKernels
import Storage

/// One byte plane of a chunk: how it is coded, and back.
enum Plane {
  /// The codings of Format.md; the raw values are stored.
  enum Coding: UInt8 {
    case zero = 0
    case stored = 1
    case deflated = 2
    case sparse = 3
    case sparseDeflated = 4
  }

  /// The coding that looks smallest and about how much it takes; sparse stands for both sparse ones.
  struct Plan {
    let coding: Coding
    let bits: Double
  }

  /// Plans from histograms; a plane whose sample looks random is not looked at as a whole.
  static func plan(_ plane: UnsafeRawBufferPointer) -> Plan {
    let stored = Plan(coding: .stored, bits: Double(8 * plane.count))
    let sampleLooksCompressible = Sample(of: plane).bytes.withUnsafeBytes {
      ByteHistogram(of: $0).isCompressible
    }
    guard sampleLooksCompressible else { return stored }
    let histogram = ByteHistogram(of: plane)
    guard histogram.zeros < plane.count else { return Plan(coding: .zero, bits: 0) }
    let deflated = Plan(coding: .deflated, bits: histogram.huffmanBits)
    // With fewer zeros a bitmap never pays.
    guard histogram.zeros > plane.count / 5 else { return deflated }
    let nonzeros = histogram.withoutZeros
    let bitmapBits = bitmap(of: plane).withUnsafeBytes { ByteHistogram(of: $0).huffmanBits }
    let bits = bitmapBits + min(nonzeros.huffmanBits, Double(8 * nonzeros.total))
    return bits < deflated.bits ? Plan(coding: .sparse, bits: bits) : deflated
  }

  /// Appends the payload of a plane to a record and returns its coding.
  static func append(
    _ plane: UnsafeRawBufferPointer, matching: Bool, to record: inout [UInt8]
  ) -> Coding {
    switch plan(plane).coding {
    case .zero:
      return .zero
    case .deflated:
      if let stream = Deflate.smallest(of: plane, matching: matching, lengthMax: plane.count - 1) {
        record += stream
        return .deflated
      }
    case .sparse, .sparseDeflated:
      if let (coding, payload) = sparse(plane), payload.count < plane.count {
        record += payload
        return coding
      }
    case .stored:
      break
    }
    record += plane
    return .stored
  }

  /// Decodes a payload into a plane, which is not empty.
  static func decode(
    _ payload: UnsafeRawBufferPointer, _ coding: Coding,
    into plane: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) {
    switch coding {
    case .zero:
      guard payload.isEmpty else { throw damaged("a zero plane has a payload") }
      plane.initializeMemory(as: UInt8.self, repeating: 0)
    case .stored:
      guard payload.count == plane.count else { throw damaged("a stored plane has a wrong length") }
      plane.copyMemory(from: payload)
    case .deflated:
      try Deflate.inflate(payload, into: plane)
    case .sparse, .sparseDeflated:
      try decodeSparse(payload, deflated: coding == .sparseDeflated, into: plane)
    }
  }

  private static func bitmap(of plane: UnsafeRawBufferPointer) -> [UInt8] {
    let size = (plane.count + 7) / 8
    return [UInt8](unsafeUninitializedCapacity: size) { bitmap, count in
      ckernels_bitmap(plane.baseOfBytes, plane.count, bitmap.baseAddress)
      count = size
    }
  }

  /// The smaller of the sparse codings; nil where even the bitmap's stream is as long as the plane.
  private static func sparse(
    _ plane: UnsafeRawBufferPointer
  ) -> (coding: Coding, payload: [UInt8])? {
    let bitmapStream = bitmap(of: plane).withUnsafeBytes {
      Deflate.smallest(of: $0, matching: false, lengthMax: plane.count)
    }
    guard let bitmapStream else { return nil }
    let bitmapPart = UInt32(bitmapStream.count).littleEndianBytes + bitmapStream
    let nonzeros = [UInt8](unsafeUninitializedCapacity: plane.count) { bytes, count in
      count = ckernels_compact(plane.baseOfBytes, plane.count, bytes.baseAddress)
    }
    let stream = nonzeros.withUnsafeBytes { nonzeros in
      ByteHistogram(of: nonzeros).isCompressible
        ? Deflate.smallest(of: nonzeros, matching: false, lengthMax: nonzeros.count - 1) : nil
    }
    guard let stream else { return (.sparse, bitmapPart + nonzeros) }
    return (.sparseDeflated, bitmapPart + stream)
  }

  private static func decodeSparse(
    _ payload: UnsafeRawBufferPointer, deflated: Bool, into plane: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) {
    guard payload.count >= 4 else { throw damaged("a sparse plane has no bitmap") }
    let streamSize = payload.loadUnaligned(as: UInt32.self)
    let rest = UnsafeRawBufferPointer(rebasing: payload[4...])
    guard streamSize <= rest.count else { throw damaged("a sparse plane has a cut bitmap") }
    let split = Int(streamSize)

    let bitmap = UnsafeMutableRawBufferPointer.allocate(
      byteCount: (plane.count + 7) / 8, alignment: 8)
    defer { bitmap.deallocate() }
    try Deflate.inflate(UnsafeRawBufferPointer(rebasing: rest[..<split]), into: bitmap)
    let used = plane.count % 8
    guard used == 0 || bitmap[bitmap.count - 1] >> used == 0 else {
      throw damaged("a sparse plane has bits after its end")
    }
    let set = bitmap.reduce(0) { $0 + $1.nonzeroBitCount }
    let tail = UnsafeRawBufferPointer(rebasing: rest[split...])
    guard set > 0 else { throw damaged("a sparse plane is empty") }

    let nonzeros = UnsafeMutableRawBufferPointer.allocate(byteCount: set, alignment: 8)
    defer { nonzeros.deallocate() }
    if deflated {
      try Deflate.inflate(tail, into: nonzeros)
    } else {
      guard tail.count == set else { throw damaged("a sparse plane has a wrong number of bytes") }
      nonzeros.copyMemory(from: tail)
    }
    ckernels_expand(
      UnsafeRawBufferPointer(bitmap).baseOfBytes, UnsafeRawBufferPointer(nonzeros).baseOfBytes,
      plane.count, plane.assumingMemoryBound(to: UInt8.self).baseAddress)
  }

  private static func damaged(_ clause: String) -> RegistryError {
    RegistryError(.corrupt, "a chunk record is damaged: \(clause)")
  }
}

extension UnsafeRawBufferPointer {
  /// Where the bytes start, as C functions take them.
  var baseOfBytes: UnsafePointer<UInt8>? { assumingMemoryBound(to: UInt8.self).baseAddress }
}

extension UInt32 {
  /// The four bytes, lowest first.
  var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}

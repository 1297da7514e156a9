/// Memory for the work on one record, used again by the next: fresh pages take as much time as half
/// of the work.
package enum CodecMemory {
  private static let pool = Pool { [UInt8]() }

  /// Calls the body with parts of memory, each of which starts a vector and has slack after it.
  ///
  /// - Parameters:
  ///   - sizes: The bytes of each part; they are undefined.
  ///   - body: Gets the parts in order.
  /// - Returns: What the body returned.
  package static func with<Value>(
    parts sizes: [Int], _ body: ([UnsafeMutableRawBufferPointer]) -> Value
  ) -> Value {
    let sizeBytes = sizes.reduce(Planes.vectorBytes) { $0 + stride($1) }
    var memory = pool.take()
    if memory.count < sizeBytes { memory = [UInt8](repeating: 0, count: sizeBytes) }
    let value = memory.withUnsafeMutableBytes { bytes in
      var start = -Int(bitPattern: bytes.baseAddress) & (Planes.vectorBytes - 1)
      return body(
        sizes.map { size in
          defer { start += stride(size) }
          return bytes[part: start..<start + size]
        })
    }
    pool.give(memory)
    return value
  }

  /// How far the start of a part of so many bytes is from that of the next: whole vectors and the
  /// slack.
  package static func stride(_ sizeBytes: Int) -> Int {
    let vectors = (sizeBytes + Planes.vectorBytes - 1) / Planes.vectorBytes
    return vectors * Planes.vectorBytes + Planes.slack
  }
}

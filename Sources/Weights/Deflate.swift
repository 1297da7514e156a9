import CZlib
package import Storage

/// Calls of zlib: complete zlib streams (RFC 1950) in memory.
package enum Deflate {
  /// The stream of some bytes; nil when it would be longer than `lengthMax`.
  static func stream(
    of bytes: UnsafeRawBufferPointer, lengthMax: Int
  ) -> [UInt8]? {
    guard lengthMax > 0 else { return nil }
    var state = z_stream()
    // Memory level 9: blocks of 32 Ki symbols, each with its own table.
    let opened = deflateInit2_(
      &state, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard opened == Z_OK else { return nil }
    defer { deflateEnd(&state) }
    var finished = false
    let stream = [UInt8](unsafeUninitializedCapacity: lengthMax) { output, count in
      state.next_in = UnsafeMutablePointer(
        mutating: bytes.assumingMemoryBound(to: UInt8.self).baseAddress)
      state.avail_in = UInt32(bytes.count)
      state.next_out = output.baseAddress
      state.avail_out = UInt32(lengthMax)
      finished = deflate(&state, Z_FINISH) == Z_STREAM_END
      count = lengthMax - Int(state.avail_out)
    }
    return finished ? stream : nil
  }

  /// Inflates one whole stream, which must fill `output` exactly; `output` is not empty.
  package static func inflate(
    _ stream: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) {
    var state = z_stream()
    guard inflateInit_(&state, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw RegistryError(.unavailable, "there is no memory to inflate a chunk")
    }
    defer { inflateEnd(&state) }
    let input = stream.assumingMemoryBound(to: UInt8.self).baseAddress
    state.next_in = UnsafeMutablePointer(mutating: input)
    state.avail_in = UInt32(stream.count)
    state.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
    state.avail_out = UInt32(output.count)
    let status = CZlib.inflate(&state, Z_FINISH)
    guard status == Z_STREAM_END, state.avail_in == 0, state.avail_out == 0 else {
      throw RegistryError(.corrupt, "a zlib stream in a chunk record is damaged")
    }
  }

  /// Inflates one whole stream of so many bytes, at least one.
  static func inflate(
    _ stream: UnsafeRawBufferPointer, sizeBytes: Int
  ) throws(RegistryError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: sizeBytes)
    let result = output.withUnsafeMutableBytes { output in
      Result { () throws(RegistryError) in try inflate(stream, into: output) }
    }
    try result.get()
    return output
  }
}

import CZlib
import Storage

/// Calls of zlib: complete zlib streams (RFC 1950) in memory.
enum Deflate {
  /// What the compressor looks for; every result is read by the same inflate.
  enum Strategy: CaseIterable {
    case huffman, runs, matching

    var code: Int32 {
      switch self {
      case .huffman: Z_HUFFMAN_ONLY
      case .runs: Z_RLE
      case .matching: Z_DEFAULT_STRATEGY
      }
    }
  }

  /// The stream of some bytes; nil when it would be longer than `lengthMax`.
  static func stream(
    of bytes: UnsafeRawBufferPointer, _ strategy: Strategy, lengthMax: Int
  ) -> [UInt8]? {
    var state = z_stream()
    // Memory level 9: blocks of 32 Ki symbols, each with its own table.
    let opened = deflateInit2_(
      &state, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15, 9, strategy.code, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard opened == Z_OK, lengthMax > 0 else { return nil }
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

  /// The stream by the strategy that is best on a sample; nil when longer than `lengthMax`.
  static func smallest(
    of bytes: UnsafeRawBufferPointer, matching: Bool, lengthMax: Int
  ) -> [UInt8]? {
    var strategies: [Strategy] = [.huffman]
    let sample = Sample(of: bytes).bytes
    let commonest = sample.withUnsafeBytes { ByteHistogram(of: $0).commonest }
    if commonest > sample.count / 2 { strategies.append(.runs) }
    if matching { strategies.append(.matching) }
    guard strategies.count > 1 else { return stream(of: bytes, .huffman, lengthMax: lengthMax) }
    let sizes = sample.withUnsafeBytes { sample in
      strategies.map { stream(of: sample, $0, lengthMax: sample.count)?.count ?? .max }
    }
    let smallest = zip(strategies, sizes).min { $0.1 < $1.1 }
    return stream(of: bytes, smallest?.0 ?? .huffman, lengthMax: lengthMax)
  }

  /// Inflates one whole stream, which must fill `output` exactly; `output` is not empty.
  static func inflate(
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
}

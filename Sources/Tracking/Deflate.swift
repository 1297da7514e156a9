import CZlib
import Storage

/// A zlib compressor that is reused from stream to stream.
final class Deflate {
  private let stream: UnsafeMutablePointer<z_stream>

  /// Makes a compressor; `Z_RLE` and Huffman codes suit planes of numbers, matching suits text.
  init(strategy: Int32 = Z_DEFAULT_STRATEGY) throws {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, 6, Z_DEFLATED, 15, 8, strategy, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      stream.deallocate()
      throw RegistryError(.unavailable, "zlib does not start: status \(status)")
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// One whole zlib stream of the bytes.
  func bytes(_ bytes: UnsafeRawBufferPointer) throws -> [UInt8] {
    guard deflateReset(stream) == Z_OK, let size = UInt32(exactly: bytes.count),
      let room = Int(exactly: deflateBound(stream, UInt(size)))
    else {
      throw RegistryError(.invalidInput, "\(bytes.count) bytes are too many for one zlib stream")
    }
    return try [UInt8](unsafeUninitializedCapacity: room) { out, count in
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
      stream.pointee.avail_in = size
      stream.pointee.next_out = out.baseAddress
      stream.pointee.avail_out = UInt32(clamping: room)
      let status = deflate(stream, Z_FINISH)
      guard status == Z_STREAM_END else {
        throw RegistryError(.unavailable, "zlib stopped with status \(status)")
      }
      count = room - Int(stream.pointee.avail_out)
    }
  }

  /// One whole zlib stream of the bytes, by a compressor of its own.
  static func bytes(_ bytes: [UInt8]) throws -> [UInt8] {
    let deflate = try Deflate()
    return try bytes.withUnsafeBytes { try deflate.bytes($0) }
  }
}

/// Reads zlib streams whose size is bounded beforehand.
enum Inflate {
  /// The content of one whole zlib stream.
  ///
  /// - Parameters:
  ///   - bytes: The stream and nothing after it.
  ///   - sizeMax: The most bytes that the content may have.
  /// - Returns: The content.
  /// - Throws: `corrupt`.
  static func bytes(_ bytes: [UInt8], sizeMax: Int) throws -> [UInt8] {
    var room = min(sizeMax, max(1024, bytes.count * 8))
    while true {
      var size = uLongf(room)
      var used = uLong(bytes.count)
      var status = Z_OK
      let content = [UInt8](unsafeUninitializedCapacity: room) { out, count in
        status = uncompress2(out.baseAddress, &size, bytes, &used)
        count = status == Z_OK ? Int(size) : 0
      }
      if status == Z_OK && used == uLong(bytes.count) { return content }
      guard status == Z_BUF_ERROR, room < sizeMax else {
        throw RegistryError(.corrupt, "compressed content of a run is damaged")
      }
      room = min(sizeMax, room * 4)
    }
  }
}

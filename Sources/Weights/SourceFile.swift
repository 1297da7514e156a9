package import Foundation
package import Storage

/// A regular file that is read from front to back and must not change meanwhile.
package final class SourceFile {
  /// The last part of the path, for sentences.
  package let name: String
  /// The length when it was opened.
  package let sizeBytes: Int64
  private let descriptor: Int32
  private let identity: [Int64]

  /// Opens a file; symbolic links are followed, since caches of models are made of them.
  ///
  /// - Throws: `notFound` without a file; `invalidInput` when it is no regular file or larger than any disk; `denied`.
  package convenience init(_ url: URL) throws(RegistryError) {
    try self.init(Array(url.path.utf8))
  }

  /// Opens a file by its path, byte for byte: not every name is UTF-8.
  package init(_ bytes: [UInt8]) throws(RegistryError) {
    let path = String(decoding: bytes, as: UTF8.self)
    name = String(decoding: bytes.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
    descriptor = (bytes.map(CChar.init(bitPattern:)) + [0]).withUnsafeBufferPointer { path in
      // A pipe must not block the open.
      path.baseAddress.map { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) } ?? -1
    }
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      switch errno {
      case ENOENT, ENOTDIR: throw RegistryError(.notFound, "no file \(path)")
      case EACCES, EPERM: throw RegistryError(.denied, "\(path) cannot be read: \(reason)")
      default: throw RegistryError(.invalidInput, "\(path) cannot be read: \(reason)")
      }
    }
    guard let status = Self.status(descriptor), status.st_mode & S_IFMT == S_IFREG else {
      _ = close(descriptor)
      throw RegistryError(.invalidInput, "\(path) is not a regular file")
    }
    guard status.st_size <= Blob.sizeBytesMax else {
      _ = close(descriptor)
      throw RegistryError(
        .invalidInput, "\(path) has \(status.st_size) bytes, more than \(Blob.sizeBytesMax)")
    }
    sizeBytes = Int64(status.st_size)
    identity = Self.identity(status)
  }

  deinit { _ = close(descriptor) }

  /// Fills a buffer from a place in the file.
  ///
  /// - Parameters:
  ///   - buffer: Where to; filled completely.
  ///   - offset: Where from.
  /// - Throws: `invalidInput` when the file has become shorter; `unavailable` when the disk
  ///   refuses.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64)
    throws(RegistryError)
  {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw RegistryError(
          .unavailable, "\(name) cannot be read: \(String(cString: strerror(errno)))")
      }
      guard count > 0 else { throw changed }
      done += count
    }
  }

  /// Reads bytes from a place in the file; see the other method.
  package func read(at offset: Int64, sizeBytes: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: sizeBytes) { buffer, count in
      let bytes = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: sizeBytes)
      try read(into: bytes, at: offset)
      count = sizeBytes
    }
  }

  /// Throws `invalidInput` unless the file has the size and times that it was opened with.
  package func checkUnchanged() throws(RegistryError) {
    guard let status = Self.status(descriptor), Self.identity(status) == identity else {
      throw changed
    }
  }

  private var changed: RegistryError {
    RegistryError(.invalidInput, "\(name) changed while it was read", hint: "try again")
  }

  private static func status(_ descriptor: Int32) -> stat? {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? status : nil
  }

  private static func identity(_ status: stat) -> [Int64] {
    #if os(macOS)
      let modified = status.st_mtimespec
    #else
      let modified = status.st_mtim
    #endif
    return [Int64(status.st_size), Int64(modified.tv_sec), Int64(modified.tv_nsec)]
  }
}

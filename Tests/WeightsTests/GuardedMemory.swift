import Foundation

/// Memory that ends where a page begins that nobody may touch: a read or write behind it ends the
/// process at once.
final class GuardedMemory {
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int
  let bytes: UnsafeMutableRawBufferPointer

  /// Zeros, so many.
  init(count: Int) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let size = (count + page - 1) / page * page
    mappedBytes = size + page
    mapping = mmap(
      nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(mapping != MAP_FAILED && mprotect(mapping + size, page, PROT_NONE) == 0)
    bytes = UnsafeMutableRawBufferPointer(start: mapping + size - count, count: count)
  }

  /// A copy of some bytes.
  convenience init(_ content: [UInt8]) {
    self.init(count: content.count)
    bytes.copyBytes(from: content)
  }

  deinit { munmap(mapping, mappedBytes) }

  var start: UnsafeMutablePointer<UInt8> {
    bytes.assumingMemoryBound(to: UInt8.self).baseAddress
      ?? mapping.assumingMemoryBound(to: UInt8.self)
  }

  /// The first of the bytes.
  func prefix(_ count: Int) -> [UInt8] { Array(bytes.prefix(count)) }
}

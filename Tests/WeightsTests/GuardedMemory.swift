import Foundation
import Testing

/// Memory that ends where a page begins that nobody may touch: a read or write behind it ends the
/// process at once, and a write before it is told when it is freed.
final class GuardedMemory {
  private static let canary: UInt8 = 0xa5
  private static let gapBytesMin = 64

  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int
  private let gapBytes: Int
  let bytes: UnsafeMutableRawBufferPointer

  /// Zeros, so many.
  init(count: Int) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let size = (count + Self.gapBytesMin + page - 1) / page * page
    gapBytes = size - count
    mappedBytes = size + page
    mapping = mmap(
      nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(mapping != MAP_FAILED && mprotect(mapping + size, page, PROT_NONE) == 0)
    memset(mapping, Int32(Self.canary), gapBytes)
    bytes = UnsafeMutableRawBufferPointer(start: mapping + gapBytes, count: count)
  }

  /// A copy of some bytes.
  convenience init(_ content: [UInt8]) {
    self.init(count: content.count)
    bytes.copyBytes(from: content)
  }

  deinit {
    let gap = UnsafeRawBufferPointer(start: mapping, count: gapBytes)
    if gap.contains(where: { $0 != Self.canary }) {
      Issue.record("something was written before \(bytes.count) bytes of memory")
    }
    munmap(mapping, mappedBytes)
  }

  var start: UnsafeMutablePointer<UInt8> {
    bytes.assumingMemoryBound(to: UInt8.self).baseAddress
      ?? mapping.assumingMemoryBound(to: UInt8.self)
  }

  /// The first of the bytes.
  func prefix(_ count: Int) -> [UInt8] { Array(bytes.prefix(count)) }
}

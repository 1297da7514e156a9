/// Numbers at a fixed, aligned place, zero at first.
final class Buffer<Element: Scalar> {
  let start: UnsafeMutablePointer<Element>
  let count: Int

  init(count: Int) {
    self.count = count
    let room = paddedCount(max(count, 1))
    let bytes = UnsafeMutableRawPointer.allocate(
      byteCount: room * MemoryLayout<Element>.stride, alignment: 64)
    start = bytes.bindMemory(to: Element.self, capacity: room)
    start.initialize(repeating: 0, count: room)
  }

  deinit {
    start.deallocate()
  }

  func clear() {
    start.update(repeating: 0, count: count)
  }
}

/// Cuts bytes that arrive in pieces into lines, holding at most one line's start.
struct LineSplitter {
  /// Whether `\r` ends a line as `\n` does, as progress bars use it.
  let breaksAtReturn: Bool
  /// Bytes of the line that has not ended; what is consumed ends so far before what was pushed.
  var pendingCount: Int { pending.count }
  /// The number of the line that comes next, from 1.
  private(set) var lineNumber = 1

  private var pending: [UInt8] = []
  private var isSkipping = false

  /// Longer than any line that people read; what comes after so much of a line is left out.
  static let lineLengthMax = 1 << 20

  init(breaksAtReturn: Bool) {
    self.breaksAtReturn = breaksAtReturn
  }

  /// Leaves out the rest of a line that was cut, when the byte before the first is no end of one.
  mutating func startInside(after byte: UInt8) {
    isSkipping = !(byte == 10 || byte == 13 && breaksAtReturn)
  }

  /// Takes the next piece and gives out each line that it ends, without its end.
  mutating func push(
    _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, _ line: Int) -> Void
  ) {
    var start = 0
    while let end = lineEnd(bytes, from: start) {
      give(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), body)
      start = end + 1
    }
    keep(UnsafeRawBufferPointer(rebasing: bytes[start...]), body)
  }

  /// Gives out a last line that no end follows.
  mutating func finish(_ body: (UnsafeRawBufferPointer, _ line: Int) -> Void) {
    guard !pending.isEmpty else { return }
    give(UnsafeRawBufferPointer(start: nil, count: 0), body)
  }

  private func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var index = start
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 10 || byte == 13 && breaksAtReturn { return index }
      index += 1
    }
    return nil
  }

  private mutating func give(
    _ rest: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, _ line: Int) -> Void
  ) {
    if isSkipping {
      isSkipping = false
    } else if pending.isEmpty {
      body(rest, lineNumber)
    } else {
      pending.append(contentsOf: rest)
      pending.withUnsafeBytes { body($0, lineNumber) }
      pending.removeAll(keepingCapacity: true)
    }
    lineNumber += 1
  }

  private mutating func keep(
    _ rest: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, _ line: Int) -> Void
  ) {
    guard !isSkipping else { return }
    pending.append(contentsOf: rest)
    guard pending.count > Self.lineLengthMax else { return }
    isSkipping = true
    pending.withUnsafeBytes { body($0, lineNumber) }
    pending = []
  }
}

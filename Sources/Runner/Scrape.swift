import Foundation
package import Storage
import Tracking

/// Finds metrics in the lines that a program prints.
package struct Scrape {
  /// The rule in words, printed at the start of a run and stored with it.
  package static let rule = """
    every key:number or key=number in a line, blanks allowed after the sign, is a point; the key \
    starts with a letter or _ and follows the start of the line, a blank or one of ,{[(|; key and \
    value may be quoted; the value ends at a blank, one of ,}])% or the end, but not at the %| of \
    a progress bar; :// never matches, nor does a port after localhost or a name with a dot; step, \
    iteration or epoch, in any case, with a whole number sets the line's step, epoch only until it \
    is written with a point; else each key counts from 0; a carriage return ends a line, colours \
    are passed over and other control characters are blanks
    """

  private var pairs: [Pair] = []
  /// A line without its control characters, reused.
  private var cleaned: [UInt8] = []
  /// Whether an epoch with a point was seen: epochs then are shares of a run and no steps.
  private var hasFractionalEpoch = false

  private struct Pair {
    let key: Range<Int>
    let value: Double
    /// Whether the value is written with digits only.
    let isInteger: Bool
  }

  /// Starts without a line.
  package init() {}

  /// Reads one line and gives out its points; nil as step leaves it to the key's counter.
  ///
  /// - Parameters:
  ///   - line: The bytes of the line, without its end.
  ///   - body: Takes the key's bytes, the value and the step.
  /// - Complexity: O(n); nothing is allocated once the largest line was seen.
  package mutating func points(
    in line: UnsafeRawBufferPointer,
    _ body: (_ key: UnsafeRawBufferPointer, _ value: Double, _ step: Int64?) -> Void
  ) {
    guard Self.hasSign(line) else { return }
    guard line.contains(where: Self.isControl) else { return givePoints(in: line, body) }
    var text = cleaned
    cleaned = []
    Self.clean(line, into: &text)
    text.withUnsafeBytes { givePoints(in: $0, body) }
    cleaned = text
  }

  private mutating func givePoints(
    in line: UnsafeRawBufferPointer,
    _ body: (_ key: UnsafeRawBufferPointer, _ value: Double, _ step: Int64?) -> Void
  ) {
    find(in: line)
    guard !pairs.isEmpty else { return }
    let stepIndex = stepIndex(in: line)
    let step = stepIndex.flatMap { Int64(exactly: pairs[$0].value) }
    for (index, pair) in pairs.enumerated() where index != stepIndex {
      body(UnsafeRawBufferPointer(rebasing: line[pair.key]), pair.value, step)
    }
  }

  /// The pair that sets the step: the finest of step, iteration, epoch that is a whole number.
  private mutating func stepIndex(in line: UnsafeRawBufferPointer) -> Int? {
    func isNamed(_ pair: Pair, _ name: StaticString) -> Bool {
      pair.key.count == name.utf8CodeUnitCount
        && zip(line[pair.key], UnsafeBufferPointer(start: name.utf8Start, count: pair.key.count))
          .allSatisfy { $0 | 32 == $1 }
    }
    func isStep(_ pair: Pair) -> Bool {
      Int64(exactly: pair.value) != nil && pair.value >= 0 && pair.value < 0x1p53
    }
    let epochs = pairs.indices.filter { isNamed(pairs[$0], "epoch") }
    if epochs.contains(where: { !pairs[$0].isInteger }) { hasFractionalEpoch = true }
    return pairs.firstIndex { isNamed($0, "step") && isStep($0) }
      ?? pairs.firstIndex { isNamed($0, "iteration") && isStep($0) }
      ?? (hasFractionalEpoch ? nil : epochs.first { isStep(pairs[$0]) })
  }

  /// Most lines of a log have neither sign, so that nothing else is looked for in them.
  private static func hasSign(_ line: UnsafeRawBufferPointer) -> Bool {
    guard let start = line.baseAddress else { return false }
    return memchr(start, 61, line.count) != nil || memchr(start, 58, line.count) != nil
  }

  private static func isControl(_ byte: UInt8) -> Bool { byte < 32 && byte != 9 || byte == 127 }

  /// Leaves out `ESC [ … letter` and makes blanks of other control characters.
  private static func clean(_ line: UnsafeRawBufferPointer, into text: inout [UInt8]) {
    text.removeAll(keepingCapacity: true)
    var index = 0
    while index < line.count {
      let byte = line[index]
      index += 1
      if byte == 27, index < line.count, line[index] == 91 {
        index += 1
        while index < line.count, line[index] >= 32, line[index] < 64 { index += 1 }
        if index < line.count, line[index] >= 64, line[index] < 127 { index += 1 }
      } else {
        text.append(isControl(byte) ? 32 : byte)
      }
    }
  }

  private mutating func find(in line: UnsafeRawBufferPointer) {
    pairs.removeAll(keepingCapacity: true)
    var index = 0
    var previous: UInt8 = 32
    while index < line.count {
      let byte = line[index]
      if Self.opensKey(previous), let pair = Self.pair(in: line, at: index) {
        pairs.append(Pair(key: pair.key, value: pair.value, isInteger: pair.isInteger))
        index = pair.end
        previous = line[index - 1]
      } else {
        previous = byte
        index += 1
      }
    }
  }

  /// The pair that starts at an index, with the index after its value.
  private static func pair(
    in line: UnsafeRawBufferPointer, at start: Int
  ) -> (key: Range<Int>, value: Double, isInteger: Bool, end: Int)? {
    func byte(_ index: Int) -> UInt8? { index < line.count ? line[index] : nil }
    func isQuote(_ byte: UInt8?) -> Bool { byte == 34 || byte == 39 }
    var index = start
    let keyQuote = isQuote(byte(index)) ? byte(index) : nil
    if keyQuote != nil { index += 1 }
    guard let first = byte(index), isLetter(first) else { return nil }
    let keyStart = index
    while let next = byte(index), isKeyByte(next) { index += 1 }
    let key = keyStart..<index
    if let keyQuote {
      guard byte(index) == keyQuote else { return nil }
      index += 1
    }
    guard let sign = byte(index), sign == 58 || sign == 61 else { return nil }
    index += 1
    let valueStart = index
    while let next = byte(index), isBlank(next) { index += 1 }
    let valueQuote = isQuote(byte(index)) ? byte(index) : nil
    if valueQuote != nil { index += 1 }
    guard let number = number(in: line, at: index) else { return nil }
    var end = number.end
    if let valueQuote {
      guard byte(end) == valueQuote else { return nil }
      end += 1
    }
    if let next = byte(end), !endsValue(next) || next == 37 && byte(end + 1) == 124 { return nil }
    if sign == 58, index == valueStart, keyQuote == nil,
      isPort(line[index..<number.end]), isHost(line[key])
    {
      return nil
    }
    let isInteger = line[index..<number.end].allSatisfy { $0 &- 48 < 10 }
    return (key, number.value, isInteger, end)
  }

  /// A decimal number, `nan`, `inf` or `infinity` in any case.
  private static func number(
    in line: UnsafeRawBufferPointer, at start: Int
  ) -> (value: Double, end: Int)? {
    if let number = DecimalNumber(line, at: start) { return (number.value, number.end) }
    guard start < line.count else { return nil }
    let isSigned = line[start] == 45 || line[start] == 43
    let wordStart = isSigned ? start + 1 : start
    var end = wordStart
    while end < line.count, line[end] | 32 >= 97, line[end] | 32 <= 122, end - wordStart < 9 {
      end += 1
    }
    let word = line[wordStart..<end].lazy.map { $0 | 32 }
    if word.elementsEqual("nan".utf8) { return (.nan, end) }
    guard word.elementsEqual("inf".utf8) || word.elementsEqual("infinity".utf8) else { return nil }
    return (line[start] == 45 ? -.infinity : .infinity, end)
  }

  /// `example.org:443` and `localhost:8080` are addresses.
  private static func isHost(_ key: Slice<UnsafeRawBufferPointer>) -> Bool {
    key.contains(46) || key.elementsEqual("localhost".utf8)
  }

  private static func isPort(_ value: Slice<UnsafeRawBufferPointer>) -> Bool {
    value.count <= 5 && value.allSatisfy { $0 &- 48 < 10 }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte | 32) &- 97 < 26 || byte == 95
  }

  /// Letters, digits, `_ - . / @` and everything beyond ASCII.
  private static func isKeyByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || byte &- 48 < 10 || byte >= 45 && byte <= 47 || byte == 64 || byte >= 128
  }

  /// A blank or one of `,{[(|`.
  private static func opensKey(_ byte: UInt8) -> Bool {
    isBlank(byte) || byte == 44 || byte == 123 || byte == 91 || byte == 40 || byte == 124
  }

  /// A blank or one of `,}])%`.
  private static func endsValue(_ byte: UInt8) -> Bool {
    isBlank(byte) || byte == 44 || byte == 125 || byte == 93 || byte == 41 || byte == 37
  }
}

extension Scrape {
  /// One point that the rule finds in a file of output.
  package struct Finding: Sendable, Equatable {
    /// The number of the line, from 1.
    package let line: Int
    /// The metric's key.
    package let key: String
    /// The value.
    package let value: Double
    /// The step that the line sets, else the key's counter.
    package let step: Int64
  }

  /// Reads a file and gives out what the rule finds in it, as a run would store it.
  ///
  /// - Parameters:
  ///   - path: A file of output; `-` is the standard input.
  ///   - found: Takes each point, in the order of the lines.
  /// - Returns: How many lines there are.
  /// - Throws: `notFound` when the file is not there, `invalidInput` when it cannot be read.
  @discardableResult
  package static func test(path: String, found: (Finding) -> Void) throws(RegistryError) -> Int {
    let descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw RegistryError(
        .notFound, "\(path) cannot be read: \(String(cString: strerror(errno)))",
        hint: "registry run scrape --test FILE")
    }
    defer { _ = close(descriptor) }
    var scrape = Scrape()
    var keys = PointBatch()
    var counters: [String: Int64] = [:]
    var splitter = LineSplitter(breaksAtReturn: true)
    func take(_ line: UnsafeRawBufferPointer, _ number: Int) {
      scrape.points(in: line) { key, value, step in
        guard (try? keys.key(key)) != nil else { return }
        let key = String(decoding: key, as: UTF8.self)
        let counted = counters[key, default: 0]
        counters[key] = max(counted, (step ?? counted) &+ 1)
        found(Finding(line: number, key: key, value: value, step: step ?? counted))
      }
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { break }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw RegistryError(
          .invalidInput, "\(path) cannot be read: \(String(cString: strerror(errno)))")
      }
      buffer.withUnsafeBytes { splitter.push(UnsafeRawBufferPointer(rebasing: $0[..<count]), take) }
    }
    splitter.finish(take)
    return splitter.lineNumber - 1
  }
}

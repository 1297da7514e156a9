import Foundation
import Storage

/// Reads lines of `REGISTRY_METRICS`: one flat JSON object each, `step` and `time` reserved.
package struct MetricsLine {
  /// What one line holds besides its points.
  package struct Result: Sendable, Equatable {
    /// The step, where the line gives one.
    package var step: Int64?
    /// Milliseconds since 1970.
    package var timeMilliseconds: Int64?
    /// Members whose value is no number.
    package var otherCount = 0
    /// Why the line is malformed; then it has no points.
    package var fault: String?
  }

  private struct Point {
    let key: Range<Int>
    /// Whether the range is one of `unescaped`, not of the line.
    let isEscaped: Bool
    let value: Double
  }

  private var points: [Point] = []
  /// Keys with escapes, one after the other.
  private var unescaped: [UInt8] = []

  /// Starts without a line.
  package init() {}

  /// Reads one line and gives out its points; blank lines and malformed ones have none.
  ///
  /// - Parameters:
  ///   - line: The bytes of the line, without its end.
  ///   - body: Takes the key's bytes and the value of each point; step and time are the line's.
  /// - Returns: What the line holds besides.
  /// - Complexity: O(n); a line without escapes allocates nothing once the largest line was seen.
  package mutating func points(
    in line: UnsafeRawBufferPointer,
    _ body: (_ key: UnsafeRawBufferPointer, _ value: Double, Result) -> Void
  ) -> Result {
    points.removeAll(keepingCapacity: true)
    unescaped.removeAll(keepingCapacity: true)
    var result = Result()
    do throws(Fault) {
      var cursor = Cursor(bytes: line)
      cursor.skipBlanks()
      if cursor.next == nil { return result }
      try readObject(&cursor, &result)
      cursor.skipBlanks()
      guard cursor.next == nil else { throw Fault("content after the object") }
    } catch {
      return Result(fault: error.reason)
    }
    unescaped.withUnsafeBytes { unescaped in
      for point in points {
        let bytes = point.isEscaped ? unescaped : line
        body(UnsafeRawBufferPointer(rebasing: bytes[point.key]), point.value, result)
      }
    }
    return result
  }

  private struct Fault: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  private mutating func readObject(_ cursor: inout Cursor, _ result: inout Result) throws(Fault) {
    guard cursor.take(123) else { throw Fault("not a JSON object") }
    cursor.skipBlanks()
    if cursor.take(125) { return }
    while true {
      cursor.skipBlanks()
      let key = try cursor.string()
      cursor.skipBlanks()
      guard cursor.take(58) else { throw Fault("no colon after a key") }
      cursor.skipBlanks()
      try readMember(key, &cursor, &result)
      cursor.skipBlanks()
      if cursor.take(125) { return }
      guard cursor.take(44) else { throw Fault("no comma between two members") }
    }
  }

  private mutating func readMember(
    _ key: Text, _ cursor: inout Cursor, _ result: inout Result
  ) throws(Fault) {
    let value = try cursor.value()
    if key.equals("step") {
      guard let value, let step = Int64(exactly: value), abs(value) < 0x1p53 else {
        throw Fault("step is not a whole number below 2^53")
      }
      result.step = step
    } else if key.equals("time") {
      guard let value, let time = Int64(exactly: (value * 1000).rounded()) else {
        throw Fault("time is not a number of seconds")
      }
      result.timeMilliseconds = time
    } else if let value {
      try add(key, value)
    } else {
      result.otherCount += 1
    }
  }

  private mutating func add(_ key: Text, _ value: Double) throws(Fault) {
    guard !key.range.isEmpty else { throw Fault("a key is empty") }
    guard key.isEscaped else {
      points.append(Point(key: key.range, isEscaped: false, value: value))
      return
    }
    let quoted = [34] + Array(key.bytes) + [34]
    guard let text = (try? JSON.parse(quoted))?.string else { throw Fault("a key is malformed") }
    let start = unescaped.count
    unescaped += text.utf8
    points.append(Point(key: start..<unescaped.count, isEscaped: true, value: value))
  }

  /// A JSON string between its quotes.
  private struct Text {
    let line: UnsafeRawBufferPointer
    let range: Range<Int>
    let isEscaped: Bool

    var bytes: Slice<UnsafeRawBufferPointer> { line[range] }

    func equals(_ text: StaticString) -> Bool {
      !isEscaped && range.count == text.utf8CodeUnitCount
        && bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: range.count))
    }
  }

  private struct Cursor {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
      guard next == byte else { return false }
      index += 1
      return true
    }

    mutating func take(_ word: StaticString) -> Bool {
      let count = word.utf8CodeUnitCount
      guard bytes.count - index >= count,
        bytes[index..<index + count].elementsEqual(
          UnsafeBufferPointer(start: word.utf8Start, count: count))
      else { return false }
      index += count
      return true
    }

    mutating func skipBlanks() {
      while let byte = next, byte == 32 || byte == 9 || byte == 13 { index += 1 }
    }

    mutating func string() throws(Fault) -> Text {
      guard take(34) else { throw Fault("a key is not a string") }
      let start = index
      var isEscaped = false
      while let byte = next, byte != 34 {
        guard byte >= 32 else { throw Fault("a control character in a string") }
        if byte == 92 {
          isEscaped = true
          index += 1
        }
        index += 1
      }
      guard index < bytes.count else { throw Fault("a string does not end") }
      index += 1
      return Text(line: bytes, range: start..<index - 1, isEscaped: isEscaped)
    }

    /// The number that comes next, or nil after passing a value that is none.
    mutating func value() throws(Fault) -> Double? {
      guard let byte = next else { throw Fault("the object does not end") }
      switch byte {
      case 34: return Self.nonFinite(try string())
      case 91, 123:
        try skipNested()
        return nil
      default:
        if take("true") || take("false") || take("null") { return nil }
        if take("NaN") { return .nan }
        if take("Infinity") { return .infinity }
        if take("-Infinity") { return -.infinity }
        guard let number = DecimalNumber(bytes, at: index), number.isJSON else {
          throw Fault("a value is not JSON")
        }
        index = number.end
        return number.value
      }
    }

    /// Passes an array or object, whose members are not points; its inside is not judged.
    private mutating func skipNested() throws(Fault) {
      var depth = 0
      repeat {
        switch next {
        case nil: throw Fault("an array or object does not end")
        case 34: _ = try string()
        case 91, 123:
          depth += 1
          index += 1
        case 93, 125:
          depth -= 1
          index += 1
        default: index += 1
        }
      } while depth > 0
    }

    private static func nonFinite(_ text: Text) -> Double? {
      if text.equals("NaN") || text.equals("nan") { return .nan }
      if text.equals("Infinity") || text.equals("inf") { return .infinity }
      if text.equals("-Infinity") || text.equals("-inf") { return -.infinity }
      return nil
    }
  }
}

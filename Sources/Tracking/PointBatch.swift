import Foundation
package import Storage

/// Points of one run on their way to the store, by key; reused from batch to batch without allocation.
package struct PointBatch: Sendable {
  /// A metric's key within this batch.
  package struct Key: Hashable, Sendable {
    fileprivate let index: Int
  }

  struct Entry {
    var step: Int64
    var time: Int64
    var value: Double
    var hasStep: Bool
    var hasTime: Bool
  }

  struct Column {
    let name: String
    let bytes: [UInt8]
    var entries: [Entry] = []
    /// The key that followed this one last time; senders repeat their order.
    var successor = 0
  }

  /// Points of one key that a series cannot take.
  package struct Refusal: Sendable, Equatable {
    /// The key.
    package let key: String
    /// Why, a clause.
    package let reason: String
    /// How many there are.
    package var count = 0

    /// Names a key and a reason.
    package init(key: String, reason: String) {
      self.key = key
      self.reason = reason
    }
  }

  private(set) var columns: [Column] = []
  private var indices: [[UInt8]: Int] = [:]
  private var lastIndex = 0

  /// How many points wait.
  package private(set) var count = 0

  /// Starts with no keys.
  package init() {}

  /// Whether no point waits.
  package var isEmpty: Bool { count == 0 }

  /// The key with this name; stays valid for the life of the batch.
  ///
  /// - Parameter name: UTF-8, 1–255 bytes without control characters.
  /// - Returns: The key.
  /// - Throws: `invalidInput` for a name that is no key.
  /// - Complexity: O(1); one comparison where keys repeat their order.
  package mutating func key(_ name: UnsafeRawBufferPointer) throws(RegistryError) -> Key {
    if lastIndex < columns.count {
      let guess = columns[lastIndex].successor
      if Self.equal(columns[guess].bytes, name) {
        lastIndex = guess
        return Key(index: guess)
      }
    }
    let bytes = Array(name)
    let index = try index(bytes)
    if lastIndex < columns.count { columns[lastIndex].successor = index }
    lastIndex = index
    return Key(index: index)
  }

  /// The key with this name that the batch has already; nil if it has none.
  package mutating func find(_ name: UnsafeRawBufferPointer) -> Key? {
    if lastIndex < columns.count, Self.equal(columns[columns[lastIndex].successor].bytes, name) {
      lastIndex = columns[lastIndex].successor
      return Key(index: lastIndex)
    }
    guard let index = indices[Array(name)] else { return nil }
    columns[lastIndex].successor = index
    lastIndex = index
    return Key(index: index)
  }

  /// The key with this name; see the other overload.
  package mutating func key(_ name: String) throws(RegistryError) -> Key {
    Key(index: try index(Array(name.utf8)))
  }

  /// Adds a point in the order of arrival.
  ///
  /// - Parameters:
  ///   - key: A key of this batch.
  ///   - step: Nil takes the series' greatest step + 1 when the batch is stored.
  ///   - time: Milliseconds since 1970; nil takes the time at which the batch is stored.
  ///   - value: Any Double.
  package mutating func add(_ key: Key, step: Int64?, time: Int64?, value: Double) {
    columns[key.index].entries.append(
      Entry(
        step: step ?? 0, time: time ?? 0, value: value, hasStep: step != nil, hasTime: time != nil))
    count += 1
  }

  /// Forgets the points and keeps keys and memory.
  package mutating func removeAll() {
    for index in columns.indices { columns[index].entries.removeAll(keepingCapacity: true) }
    count = 0
  }

  private mutating func index(_ bytes: [UInt8]) throws(RegistryError) -> Int {
    if let index = indices[bytes] { return index }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw RegistryError(.invalidInput, "a metric key is not UTF-8")
    }
    try KeyName.check(name, noun: "metric")
    columns.append(Column(name: name, bytes: bytes))
    indices[bytes] = columns.count - 1
    return columns.count - 1
  }

  private static func equal(_ bytes: [UInt8], _ name: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == name.count, let start = name.baseAddress else { return false }
    return bytes.withUnsafeBytes { own in
      own.baseAddress.map { memcmp($0, start, name.count) == 0 } ?? false
    }
  }
}

extension PointBatch.Column {
  /// The points in order without equals, with the steps and times that their senders left out.
  ///
  /// - Parameters:
  ///   - stepMax: The series' greatest step so far; nil for a new series.
  ///   - now: The time of those without one.
  /// - Returns: The points, and what is left out since there is no step after the greatest.
  func points(
    after stepMax: Int64?, now: Int64
  ) -> (points: [Point], refusal: PointBatch.Refusal?) {
    var greatest = stepMax
    var points: [Point] = []
    var refusal: PointBatch.Refusal?
    points.reserveCapacity(entries.count)
    for entry in entries {
      var step = entry.step
      if !entry.hasStep {
        let (next, isOver) = (greatest ?? -1).addingReportingOverflow(1)
        guard !isOver else {
          let reason = "metric '\(name)' has no step after \(Int64.max)"
          refusal = refusal ?? PointBatch.Refusal(key: name, reason: reason)
          refusal?.count += 1
          continue
        }
        step = greatest == nil ? 0 : next
      }
      greatest = max(greatest ?? step, step)
      points.append(Point(step: step, time: entry.hasTime ? entry.time : now, value: entry.value))
    }
    points.normalize()
    return (points, refusal)
  }
}

/// What a person may have meant by a name that is not there.
package enum Nearest {
  /// The names nearest to a text by edits of bytes, the nearest first.
  ///
  /// - Parameters:
  ///   - text: What was typed.
  ///   - names: What there is; the first 10,000 are looked at.
  ///   - limit: At most so many.
  /// - Returns: Names within a third of the text's length in edits, or that contain it.
  /// - Complexity: O(text · name) for each name; texts and names are cut to 255 bytes.
  package static func names(to text: String, in names: [String], limit: Int = 3) -> [String] {
    let wanted = Array(text.lowercased().utf8.prefix(255))
    guard !wanted.isEmpty else { return [] }
    let allowed = max(1, wanted.count / 3)
    var found: [(name: String, distance: Int)] = []
    for name in names.prefix(10_000) {
      let bytes = Array(name.lowercased().utf8.prefix(255))
      let distance = distance(wanted, bytes)
      if distance <= allowed {
        found.append((name, distance))
      } else if wanted.count >= 3, contains(bytes, wanted) {
        found.append((name, allowed + distance))
      }
    }
    return found.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
      .prefix(limit).map(\.name)
  }

  /// The hint of an error: what may have been meant, or else where to look.
  package static func hint(to text: String, in names: [String], else command: String) -> String {
    let near = Self.names(to: text, in: names)
    return near.isEmpty ? command : "did you mean \(near.joined(separator: ", "))?"
  }

  /// Edits (insert, delete, replace, swap of neighbours) that make one text the other.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      current.reserveCapacity(right.count + 1)
      for (column, other) in right.enumerated() {
        var best = min(last[column + 1] + 1, current[column] + 1)
        best = min(best, last[column] + (byte == other ? 0 : 1))
        if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
          best = min(best, beforeLast[column - 1] + 1)
        }
        current.append(best)
      }
      beforeLast = last
      last = current
    }
    return last[right.count]
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0...].starts(with: part) }
  }
}

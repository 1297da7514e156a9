/// A pattern for tensors' names: `*` any bytes, `?` one byte, `[a-z]` and `[!0-3]` one of a set.
package struct TensorGlob: Sendable {
  /// The pattern as it was given.
  package let text: String
  /// Takes a pattern; a `[` without its `]` stands for itself, so every text is one.
  package init(_ text: String) {
    self.text = text
  }

  /// Finds the names that the pattern means, whatever libraries put before them or before it.
  ///
  /// A script says `bert.encoder.*` where a base's file says `encoder.*`, or the other way round. So a
  /// name counts with and without its prefixes; the pattern loses its own, one after the other, only
  /// where it matches nothing: `bert.*` beside a head outside of `bert.` must not become `*`.
  ///
  /// - Parameter names: All names of a model; what the pattern means depends on them.
  /// - Returns: The indices of the names.
  /// - Complexity: O(names · their length · the pattern's length).
  package func matches(in names: [String]) -> Set<Int> {
    let names = names.map(TensorName.forms)
    for pattern in TensorName.forms(text) {
      let found = names.indices.filter { names[$0].contains { Self.matches(pattern, $0) } }
      if !found.isEmpty { return Set(found) }
    }
    return []
  }

  /// Matches without recursion: after a mismatch, only the last `*` takes one byte more.
  private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
    var place = 0
    var index = 0
    var retry: (place: Int, index: Int)?
    while index < name.count {
      if place < pattern.count, pattern[place] == 42 {
        place += 1
        retry = (place, index)
      } else if let next = step(pattern, place, name[index]) {
        place = next
        index += 1
      } else if let star = retry {
        place = star.place
        index = star.index + 1
        retry = (place, index)
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == 42 }
  }

  /// The place after the part of the pattern that matches one byte; nil if it does not.
  private static func step(_ pattern: [UInt8], _ place: Int, _ byte: UInt8) -> Int? {
    guard place < pattern.count else { return nil }
    if pattern[place] == 91, let set = ByteSet(pattern, place) {
      return set.contains(byte) ? set.end : nil
    }
    return pattern[place] == 63 || pattern[place] == byte ? place + 1 : nil
  }

  /// A set in brackets; a `]` that comes first belongs to it.
  private struct ByteSet {
    let end: Int
    private let isNegated: Bool
    private let members: ArraySlice<UInt8>

    /// Nil without a closing bracket.
    init?(_ pattern: [UInt8], _ open: Int) {
      var start = open + 1
      isNegated = start < pattern.count && (pattern[start] == 33 || pattern[start] == 94)
      if isNegated { start += 1 }
      guard start < pattern.count,
        let close = pattern[(start + 1)...].firstIndex(of: 93)
      else { return nil }
      members = pattern[start..<close]
      end = close + 1
    }

    func contains(_ byte: UInt8) -> Bool {
      var index = members.startIndex
      var isMember = false
      while index < members.endIndex {
        if index + 2 < members.endIndex, members[index + 1] == 45 {
          isMember = isMember || (members[index] <= byte && byte <= members[index + 2])
          index += 3
        } else {
          isMember = isMember || members[index] == byte
          index += 1
        }
      }
      return isMember != isNegated
    }
  }
}

package import Storage

/// A part of a file as HTTP's `Range` names it: `0-499`, `500-` or `-500`, both ends included.
///
/// Source: RFC 9110, 14.1.2.
package enum ByteRange: Sendable, Equatable {
  /// From a byte to another, or to the end of the file.
  case from(Int64, through: Int64?)
  /// The last so many bytes.
  case last(Int64)

  /// Reads `FIRST-LAST`, `FIRST-` or `-N`; nil for any other text.
  package init?(_ text: String) {
    guard let sign = text.utf8.firstIndex(of: 45) else { return nil }
    let (before, after) = (text[..<sign], text[text.index(after: sign)...])
    switch (Self.number(before), Self.number(after)) {
    case (let first?, let last?) where first <= last: self = .from(first, through: last)
    case (let first?, nil) where after.isEmpty: self = .from(first, through: nil)
    case (nil, let count?) where before.isEmpty: self = .last(count)
    default: return nil
    }
  }

  /// A whole number in digits only.
  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (48...57).contains($0) } ? Int64(text) : nil
  }

  /// The bytes of a file that are meant, which never go beyond its end.
  ///
  /// - Parameter sizeBytes: The size of the file.
  /// - Returns: At least one byte.
  /// - Throws: `invalidInput` when no byte of the file is meant.
  package func bytes(of sizeBytes: Int64) throws(RegistryError) -> Range<Int64> {
    switch self {
    case .from(let first, let last) where first < sizeBytes:
      return first..<min(last ?? .max, sizeBytes - 1) + 1
    case .last(let count) where count > 0 && sizeBytes > 0:
      return max(0, sizeBytes - count)..<sizeBytes
    default:
      throw RegistryError(
        .invalidInput, "the range has no byte of a file of \(sizeBytes) bytes",
        hint: "FIRST-LAST counts from 0, -N are the last N")
    }
  }
}

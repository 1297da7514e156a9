import Crypto
import Foundation
package import GRDB

/// A SHA-256: the identity of a blob and of a chunk.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// The 32 bytes.
  package let bytes: [UInt8]

  /// Takes 32 bytes as they are; nil for any other number.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  /// Takes the eight words of the last state of SHA-256.
  package init(words: SIMD8<UInt32>) {
    bytes = (0..<8).flatMap { index in withUnsafeBytes(of: words[index].bigEndian, Array.init) }
  }

  /// Reads 64 lower-case hex digits; nil for anything else.
  package init?(hex: some StringProtocol) {
    guard let bytes = [UInt8](hex: hex) else { return nil }
    self.init(bytes: bytes)
  }

  /// Hashes bytes.
  package init(of bytes: UnsafeRawBufferPointer) {
    self.bytes = Array(SHA256.hash(data: bytes))
  }

  /// Hashes bytes.
  package init(of bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { Digest(of: $0) }
  }

  /// The 64 lower-case hex digits.
  package var hex: String { bytes.hex }
  package var description: String { hex }
  /// The first 12 hex digits, for people.
  package var short: String { String(hex.prefix(12)) }

  /// The least and the greatest digest that start with some hex digits.
  ///
  /// - Parameter digits: 1 to 64 lower-case hex digits.
  /// - Returns: Both ends of the range; nil for any other text.
  package static func range(startingWith digits: String) -> (low: Digest, high: Digest)? {
    let rest = 64 - digits.utf8.count
    guard (0..<64).contains(rest),
      let low = Digest(hex: digits + String(repeating: "0", count: rest)),
      let high = Digest(hex: digits + String(repeating: "f", count: rest))
    else { return nil }
    return (low, high)
  }

  /// Hashes content that arrives in pieces.
  package struct Hasher: Sendable {
    private var state = SHA256()

    /// Starts with no content.
    package init() {}

    /// Adds a piece.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
      state.update(bufferPointer: bytes)
    }

    /// The digest of everything added so far.
    package func finalize() -> Digest {
      Digest(unchecked: Array(state.finalize()))
    }
  }

  private init(unchecked bytes: [UInt8]) {
    self.bytes = bytes
  }
}

extension Digest: DatabaseValueConvertible {
  package var databaseValue: DatabaseValue { Data(bytes).databaseValue }

  package static func fromDatabaseValue(_ value: DatabaseValue) -> Digest? {
    Data.fromDatabaseValue(value).flatMap { Digest(bytes: Array($0)) }
  }
}

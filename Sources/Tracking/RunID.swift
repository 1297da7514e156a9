import Foundation
package import GRDB
import Storage

/// A run's identity outside the store: 32 hex digits, as MLflow's.
package struct RunID: Hashable, Sendable, CustomStringConvertible {
  /// The 16 bytes.
  package let bytes: [UInt8]

  /// Takes 16 bytes as they are; nil for any other number.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// Reads 32 lower-case hex digits; nil for anything else.
  package init?(hex: some StringProtocol) {
    guard let bytes = [UInt8](hex: hex) else { return nil }
    self.init(bytes: bytes)
  }

  /// A new id that no other run has.
  package static func random() -> RunID { RunID(unchecked: .random(count: 16)) }

  /// The 32 lower-case hex digits.
  package var hex: String { bytes.hex }
  package var description: String { hex }
  /// The first 6 hex digits, for people.
  package var short: String { String(hex.prefix(6)) }

  private init(unchecked bytes: [UInt8]) {
    self.bytes = bytes
  }
}

extension RunID: DatabaseValueConvertible {
  package var databaseValue: DatabaseValue { Data(bytes).databaseValue }

  package static func fromDatabaseValue(_ value: DatabaseValue) -> RunID? {
    Data.fromDatabaseValue(value).flatMap { RunID(bytes: Array($0)) }
  }
}

import Foundation
package import GRDB

/// A point in time in whole milliseconds since 1970, as MLflow keeps it; for people, never for order.
package struct Timestamp: Hashable, Comparable, Sendable {
  /// Milliseconds since 1970.
  package let milliseconds: Int64

  /// Takes milliseconds since 1970.
  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  /// The time now.
  package static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  /// ISO 8601 in UTC with milliseconds: `2026-11-23T18:53:00.125Z`.
  package var iso8601: String {
    var seconds = time_t(milliseconds / 1000)
    var rest = milliseconds % 1000
    if rest < 0 {
      seconds -= 1
      rest += 1000
    }
    var parts = tm()
    guard gmtime_r(&seconds, &parts) != nil else { return "\(milliseconds) ms" }
    let fields = [
      Self.padded(Int(parts.tm_year) + 1900, 4), "-", Self.padded(Int(parts.tm_mon) + 1, 2), "-",
      Self.padded(Int(parts.tm_mday), 2), "T", Self.padded(Int(parts.tm_hour), 2), ":",
      Self.padded(Int(parts.tm_min), 2), ":", Self.padded(Int(parts.tm_sec), 2), ".",
      Self.padded(Int(rest), 3), "Z",
    ]
    return fields.joined()
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.milliseconds < right.milliseconds
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension Timestamp: DatabaseValueConvertible {
  package var databaseValue: DatabaseValue { milliseconds.databaseValue }

  package static func fromDatabaseValue(_ value: DatabaseValue) -> Timestamp? {
    Int64.fromDatabaseValue(value).map(Timestamp.init(milliseconds:))
  }
}

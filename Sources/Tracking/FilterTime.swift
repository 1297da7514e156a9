import Foundation

/// Times as people write them in filters.
enum FilterTime {
  /// Milliseconds since 1970 of `2026-11-23`, `2026-11-23T18:30`, `2026-11-23 18:30:05Z`, in UTC.
  static func milliseconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    let pattern = Array("0000-00-00T00:00:00".utf8)
    let body = bytes.last == 90 && bytes.count > 10 ? bytes.dropLast() : bytes[...]
    guard [10, 16, 19].contains(body.count) else { return nil }
    var fields: [Int32] = [0]
    for (byte, wanted) in zip(body, pattern) {
      if wanted == 48 {
        guard (48...57).contains(byte), let last = fields.popLast() else { return nil }
        fields.append(last * 10 + Int32(byte - 48))
      } else {
        guard byte == wanted || wanted == 84 && byte == 32 else { return nil }
        fields.append(0)
      }
    }
    fields += repeatElement(0, count: 6 - fields.count)
    var parts = tm()
    parts.tm_year = fields[0] - 1900
    parts.tm_mon = fields[1] - 1
    parts.tm_mday = fields[2]
    parts.tm_hour = fields[3]
    parts.tm_min = fields[4]
    parts.tm_sec = fields[5]
    guard (1...12).contains(fields[1]), (1...31).contains(fields[2]), fields[3] < 24,
      fields[4] < 60, fields[5] < 60
    else { return nil }
    return Int64(timegm(&parts)) * 1000
  }
}

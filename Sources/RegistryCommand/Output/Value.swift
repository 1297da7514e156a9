import Foundation
import Storage

/// One value of an answer: exact for machines, short for people.
enum Value {
  case none
  case text(String)
  case integer(Int64)
  case number(Double)
  /// A difference; people see its sign.
  case difference(Double)
  case bytes(Int64)
  case seconds(Double)
  /// A time that people see as a date.
  case time(Timestamp)
  /// A time that people see as an age.
  case age(Timestamp)
  case outcome(Outcome)
  /// An outcome with the word that people read; machines get the exact one.
  case state(Outcome, word: String, exact: String)
  /// Names of one kind; people see the text, where there is one.
  case list([String], text: String? = nil)
  /// Something that only JSON shows in full; people see the text, where it is not empty.
  case structure(JSON, text: String)

  /// How a check, a gate or a run came out; a sign says it beside the colour.
  enum Outcome: String {
    case ok, warn, fail, running, none

    var sign: String {
      switch self {
      case .ok: "✓"
      case .warn: "!"
      case .fail: "✗"
      case .running: "▸"
      case .none: "·"
      }
    }

    var style: Style {
      switch self {
      case .ok: .good
      case .warn: .warning
      case .fail: .bad
      case .running: .accent
      case .none: .dim
      }
    }
  }
}

extension Value {
  /// Takes a whole number, or nothing for nil.
  init(_ number: Int?) { self = number.map { .integer(Int64($0)) } ?? .none }
  /// Takes a whole number, or nothing for nil.
  init(_ number: Int64?) { self = number.map { .integer($0) } ?? .none }
  /// Takes a number, or nothing for nil.
  init(_ number: Double?) { self = number.map { .number($0) } ?? .none }
  /// Takes a text, or nothing for nil.
  init(_ text: String?) { self = text.map { .text($0) } ?? .none }

  var isNone: Bool {
    if case .none = self { true } else { false }
  }

  /// Whether people see it in another place or not at all.
  var isForMachines: Bool {
    if case .structure(_, text: "") = self { true } else { false }
  }

  var isNumeric: Bool {
    switch self {
    case .integer, .number, .difference, .bytes, .seconds: true
    case .none, .text, .time, .age, .outcome, .state, .list, .structure: false
    }
  }

  /// The exact value for JSON: numbers in full, bytes and seconds as numbers, times in ISO 8601.
  var json: JSON {
    switch self {
    case .none: .null
    case .text(let text): .string(text)
    case .integer(let number), .bytes(let number): .integer(number)
    case .number(let number), .difference(let number), .seconds(let number): .number(number)
    case .time(let time), .age(let time): JSON(time)
    case .outcome(let outcome): outcome == .none ? .null : .string(outcome.rawValue)
    case .state(_, _, let exact): .string(exact)
    case .list(let texts, _): .array(texts.map(JSON.string))
    case .structure(let json, _): json
    }
  }

  /// The exact value for CSV: as in JSON, without quotes; lists joined by blanks.
  var exactText: String {
    if case .list(let texts, _) = self { texts.joined(separator: " ") } else { json.exactText }
  }

  /// What people read: four significant digits, binary sizes, ages; without control characters.
  func text(now: Timestamp, ascii: Bool) -> String {
    switch self {
    case .none: ascii ? "-" : "–"
    case .text(let text): text.isEmpty ? "\"\"" : text.printable
    case .integer(let number): String(number)
    case .number(let number): number.fourDigits
    case .difference(let number):
      number.isNaN
        ? "nan"
        : number == 0 ? "0" : (number < 0 ? (ascii ? "-" : "−") : "+") + abs(number).fourDigits
    case .bytes(let count): Self.size(count)
    case .seconds(let seconds): Self.duration(seconds)
    case .time(let time): time.localText
    case .age(let time): Self.age(time, now: now)
    case .outcome(let outcome): ascii ? (outcome == .none ? "-" : outcome.rawValue) : outcome.sign
    case .state(let outcome, let word, _): ascii ? word : outcome.sign + " " + word
    case .list(let texts, let text):
      texts.isEmpty
        ? (ascii ? "-" : "–") : (text ?? texts.joined(separator: " ")).printable
    case .structure(_, let text): ascii ? text.inASCII.printable : text.printable
    }
  }

  /// A number of bytes as `1.4 MB`, in powers of 1000 as `df -H` and file managers write them.
  static func size(_ count: Int64) -> String {
    var amount = Double(count.magnitude)
    let sign = count < 0 ? "-" : ""
    guard amount >= 1000 else { return "\(count) B" }
    for unit in ["kB", "MB", "GB"] {
      amount /= 1000
      if amount < 999.5 { return sign + "\(amount.threeDigits) \(unit)" }
    }
    return sign + "\((amount / 1000).threeDigits) TB"
  }

  /// A number of seconds as `0.42s`, `2m04s`, `3h05m` or `4d02h`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, let whole = Int(exactly: seconds.rounded()) else { return "?" }
    if seconds < 0 { return "-" + duration(-seconds) }
    if seconds < 0.001 { return "0s" }
    if seconds < 10 { return seconds.threeDigits + "s" }
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return switch whole {
    case ..<60: "\(whole)s"
    case ..<3600: "\(whole / 60)m\(padded(whole % 60))s"
    case ..<86400: "\(whole / 3600)h\(padded(whole / 60 % 60))m"
    default: "\(whole / 86400)d\(padded(whole / 3600 % 24))h"
    }
  }

  private static func age(_ time: Timestamp, now: Timestamp) -> String {
    let seconds = (now.milliseconds - time.milliseconds) / 1000
    return switch seconds {
    case ..<(-60): time.localText  // from a machine whose clock is ahead
    case ..<10: "just now"
    case ..<60: "\(seconds) s ago"
    case ..<3600: "\(seconds / 60) min ago"
    case ..<86400: "\(seconds / 3600) h ago"
    case ..<(14 * 86400): "\(seconds / 86400) d ago"
    default: String(time.localText.prefix(10))
    }
  }
}

extension Double {
  /// Four significant digits, as `0.8612`, `3.1e-05` or `12345`.
  var fourDigits: String {
    guard isFinite else { return isNaN ? "nan" : (self < 0 ? "-inf" : "inf") }
    if self == rounded(), abs(self) < 1e6 { return String(Int(self)) }
    return switch abs(self) {
    case ..<1e-4: String(format: "%.4g", self)
    case ..<9999.5: String(format: "%#.4g", self).withoutFinalPoint
    case ..<1e6: String(format: "%.0f", self)
    default: String(format: "%.4g", self)
    }
  }

  fileprivate var threeDigits: String {
    String(format: self >= 99.95 ? "%.0f" : self >= 9.995 ? "%.1f" : "%.2f", self)
  }
}

extension String {
  fileprivate var withoutFinalPoint: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension Timestamp {
  /// Date and time in this machine's zone, to the minute.
  var localText: String {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else { return iso8601 }
    return String(
      format: "%04d-%02d-%02d %02d:%02d", Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1,
      Int(parts.tm_mday), Int(parts.tm_hour), Int(parts.tm_min))
  }
}

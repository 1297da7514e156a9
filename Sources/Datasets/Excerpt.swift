import Foundation

/// A piece of a file as a sentence shows it: in quotes, short, on one line.
package struct Excerpt: CustomStringConvertible {
  /// The piece in its quotes.
  package let description: String

  static let lengthMax = 40  // characters; a cell of a megabyte must not fill the terminal

  /// Shows the first characters, and that there are more.
  package init(_ text: String) {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(Self.lengthMax) {
      switch scalar {
      case "\n": shown += "\\n"
      case "\r": shown += "\\r"
      case "\t": shown += "\\t"
      case _ where Self.isHidden(scalar): shown += "\\u{\(String(scalar.value, radix: 16))}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    let isCut = text.unicodeScalars.dropFirst(Self.lengthMax).first != nil
    description = "'\(shown)\(isCut ? "…" : "")'"
  }

  /// Bytes that may be no UTF-8; what is none is shown as U+FFFD.
  init(_ bytes: some Collection<UInt8>) {
    self.init(String(decoding: bytes.prefix(4 * Self.lengthMax + 4), as: UTF8.self))
  }

  /// A number, whole where it is.
  init(number: Float) {
    let text = String(number)
    description = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator:
      true
    default: false
    }
  }
}

/// A number of things with its noun: `1 row`, `2 rows`.
struct Count: CustomStringConvertible {
  let description: String

  init(_ count: Int, _ noun: String) {
    description = "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}

extension String {
  /// This text with every character that could steer a terminal or hide others written as an escape.
  var printable: String {
    guard unicodeScalars.contains(where: \.isHarmful) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case _ where !scalar.isHarmful: text.unicodeScalars.append(scalar)
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      default:
        let hex = String(scalar.value, radix: 16)
        text += scalar.value < 256 ? "\\x" + (hex.count < 2 ? "0" : "") + hex : "\\u{\(hex)}"
      }
    }
  }

  /// Our own signs in words and ASCII; letters of others stay.
  var inASCII: String {
    let signs = [
      ("✓", "ok"), ("✗", "FAIL"), ("→", "->"), ("←", "<-"), ("–", "-"), ("−", "-"), ("…", "..."),
      ("·", "-"), ("★", "*"), ("Δ", "delta"), ("×", "x"), ("├─", "|-"), ("└─", "`-"), ("│", "|"),
    ]
    return signs.reduce(self) { $0.replacing($1.0, with: $1.1) }
  }

  /// The number of columns that a terminal needs for this text.
  var width: Int {
    if utf8.allSatisfy({ $0 < 128 }) { return utf8.count }
    return reduce(0) { $0 + $1.width }
  }

  /// This text with blanks up to a width.
  func padded(to width: Int, right: Bool = false) -> String {
    let blanks = String(repeating: " ", count: max(0, width - self.width))
    return right ? blanks + self : self + blanks
  }

  /// This text cut to a width, its end replaced by a mark when something is missing.
  func cut(to width: Int, ascii: Bool) -> String {
    guard self.width > width else { return self }
    let mark = ascii ? "~" : "…"
    var taken = ""
    var used = mark.width
    for character in self {
      used += character.width
      if used > width { break }
      taken.append(character)
    }
    return width < 1 ? "" : taken + mark
  }

  /// This text up to its last character that is no blank.
  var withoutTrailingBlanks: String {
    lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
  }

  /// This text in lines of at most a width, broken at blanks where there are some.
  func wrapped(to width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in split(separator: " ", omittingEmptySubsequences: false).map(String.init) {
      if !line.isEmpty, line.width + 1 + word.width > width {
        lines.append(line)
        line = word
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    return lines + [line]
  }
}

extension Character {
  /// 0 for marks that combine with what is before them, 2 for East Asian wide ones and emoji, else 1.
  fileprivate var width: Int {
    if isASCII { return 1 }
    return unicodeScalars.reduce(0) { max($0, $1.width) }
  }
}

extension Unicode.Scalar {
  /// Control characters and those that reorder or break lines (Unicode's bidirectional controls).
  fileprivate var isHarmful: Bool {
    switch value {
    case ..<0x20, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }

  /// Source: Unicode Standard Annex 11, its wide and full-width blocks.
  fileprivate var width: Int {
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    switch value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default:
      return properties.isEmojiPresentation ? 2 : 1
    }
  }
}

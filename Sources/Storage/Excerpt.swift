extension StringProtocol {
  /// The start of text from outside as a message shows it: at most 100 bytes, no control characters.
  ///
  /// Cut between scalars: one grapheme cluster may be as long as the whole text.
  package var excerpt: String {
    var shown = ""
    var sizeBytes = 0
    for scalar in unicodeScalars {
      sizeBytes += UTF8.width(scalar)
      guard sizeBytes <= 100 else { return shown + "…" }
      let isControl = scalar.properties.generalCategory == .control
      shown.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return shown
  }
}

package import Storage
package import Tracking

/// The metric by which a task's runs are ranked, as typed: `val/f1:max`.
package struct PrimaryMetric: Sendable, Equatable {
  /// The key: `val/f1`.
  package let key: String
  /// Which end is better.
  package let direction: Experiment.Direction

  /// Reads a key and, after its last colon, `max` or `min`.
  ///
  /// - Parameter text: `val/f1:max`.
  /// - Throws: `invalidInput` without a direction or without a key.
  package init(_ text: String) throws(RegistryError) {
    let parts = text.utf8.split(separator: 58, omittingEmptySubsequences: false)
    guard parts.count > 1, let last = parts.last,
      let direction = Experiment.Direction(rawValue: String(decoding: last, as: UTF8.self))
    else {
      throw RegistryError(
        .invalidInput, "the metric '\(text)' does not say which end is better",
        hint: "--metric \(text.isEmpty ? "val/f1" : text):max, or :min")
    }
    let key = String(decoding: text.utf8.dropLast(last.count + 1), as: UTF8.self)
    guard (1...255).contains(key.utf8.count),
      !key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { throw RegistryError(.invalidInput, "a metric's key has 1 to 255 printable bytes") }
    self.key = key
    self.direction = direction
  }
}

import Foundation
import Testing

/// Texts that a person has looked at, in `Tests/Golden`.
///
/// `REGISTRY_RECORD=1 Tests/run` writes them anew; that run fails, and the change is read as a diff.
enum Golden {
  static func expect(
    _ text: String, is name: String, runs ids: [String] = [],
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let url = Binary.root.appending(path: "Tests/Golden/\(name).txt")
    let text = normalised(text, ids)
    if ProcessInfo.processInfo.environment["REGISTRY_RECORD"] == "1" {
      try Data(text.utf8).write(to: url)
      Issue.record("\(name).txt was recorded", sourceLocation: place)
      return
    }
    let expected = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    #expect(
      text == expected, "\(name).txt differs; now it is\n\(text)", sourceLocation: place)
  }

  /// The text with ids, times, durations and sizes in one form of the same width.
  private static func normalised(_ text: String, _ ids: [String]) -> String {
    var text = text
    for (index, id) in ids.enumerated() {
      let digit = "\(index % 10)"
      text = text.replacing(id, with: String(repeating: digit, count: 32))
        .replacing(id.prefix(6), with: String(repeating: digit, count: 6))
    }
    return
      text
      .replacing(#/\d{4}-\d\d-\d\d \d\d:\d\d\b/#, with: "2026-01-01 00:00")
      .replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#, with: "2026-01-01T00:00:00.000Z")
      .replacing(#/just now|\d+ s ago|\d+ min ago/#, with: "just now")
      .replacing(#/\b\d\.\d\ds/#, with: "0.00s")
      .replacing(#/ {3}\ds\b/#, with: "0.00s")
      .replacing(#/[+−]\d(\.\d\d)?s\b/#, with: "+0.00s")
      .replacing(#/"durationSeconds": [\d.]+/#, with: "\"durationSeconds\": 0.5")
      .replacing(#/,\d+\.\d+,2026-01-01T/#, with: ",0.5,2026-01-01T")
      .replacing(#/cpu \d\S*/#, with: "cpu 0.00s")
      .replacing(#/(memory|stored) .*/#) { "\($0.1) …" }
  }
}

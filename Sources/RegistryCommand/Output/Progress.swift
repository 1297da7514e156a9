import Foundation
import Synchronization

/// Tells how far a long piece of work is: a bar on a terminal, else a line every ten seconds with `-v`.
///
/// Work of less than a second shows nothing. May be told from any thread.
final class Progress: Sendable {
  /// What is counted.
  enum Unit: Sendable {
    case bytes
    case items(String)
  }

  private struct State {
    /// When the work was first heard of: a Progress may be made long before.
    var start: ContinuousClock.Instant?
    var shownAt: ContinuousClock.Instant?
    var hasBar = false
  }

  private let what: String
  private let unit: Unit
  private let terminal: Terminal
  private let isSilent: Bool
  private let hasLines: Bool
  private let state = Mutex(State())

  private static let delay = Duration.seconds(1)
  private static let barPause = Duration.milliseconds(100)
  private static let linePause = Duration.seconds(10)
  private static let barWidths = 6...24

  /// Begins to watch a piece of work.
  ///
  /// - Parameters:
  ///   - what: The work in one or two words: `importing`.
  ///   - unit: What is counted.
  ///   - globals: `-q` silences, `-v` gives lines where there is no terminal.
  init(_ what: String, _ unit: Unit = .bytes, _ globals: Globals) {
    self.what = what
    self.unit = unit
    terminal = globals.errorOutput
    isSilent = globals.quiet || !(globals.errorOutput.isTerminal || globals.verbose)
    hasLines = !globals.errorOutput.isTerminal
  }

  /// Says how much is done of how much; a total of 0 means that it is not known.
  ///
  /// - Parameters:
  ///   - done: What is done.
  ///   - total: Of what.
  ///   - what: The work at this moment; nil is what it began with.
  ///   - detail: What is shown in place of the two numbers, beside a shorter bar.
  func update(done: Int64, total: Int64, as what: String? = nil, detail: String? = nil) {
    guard !isSilent else { return }
    let now = ContinuousClock.now
    state.withLock { state in
      let start = state.start ?? now
      state.start = start
      guard now - start >= (hasLines ? Self.linePause : Self.delay) else { return }
      let pause = hasLines ? Self.linePause : Self.barPause
      if let shownAt = state.shownAt, now - shownAt < pause { return }
      state.shownAt = now
      state.hasBar = !hasLines
      let elapsed = start.duration(to: now).seconds
      let width = hasLines ? nil : max(20, (terminal.width ?? 80) - 1)
      let line = text(
        what ?? self.what, done: done, total: total, detail, seconds: elapsed, width: width)
      terminal.write(hasLines ? line + "\n" : "\r" + line + "\u{1B}[K")
    }
  }

  /// Removes the bar.
  func end() {
    state.withLock { state in
      if state.hasBar { terminal.write("\r\u{1B}[K") }
      state.hasBar = false
    }
  }

  deinit { end() }

  /// The line, its bar as long as there is room; what comes last is left out where there is none.
  private func text(
    _ what: String, done: Int64, total: Int64, _ detail: String?, seconds: Double, width: Int?
  ) -> String {
    func text(_ count: Int64) -> String {
      switch unit {
      case .bytes: Value.size(count)
      case .items(let name): "\(ImportReport.count(count)) \(name)"
      }
    }
    let rate = seconds > 0 ? Double(done) / seconds : 0
    let speed = text(Int64(exactly: rate.rounded()) ?? 0) + "/s"
    func cut(_ line: String) -> String {
      width.map { line.cut(to: $0, ascii: terminal.isASCII) } ?? line
    }
    guard total > 0 else { return cut("\(what)  \(text(done))  \(speed)") }
    let share = min(1, Double(done) / Double(total))
    let percent = String(Int(share * 100)).padded(to: 3, right: true) + " %"
    let left = rate > 0 ? Self.left(Double(max(0, total - done)) / rate) + " left" : ""
    let facts = [percent, detail ?? "\(text(done)) of \(text(total))", left, speed]
      .filter { !$0.isEmpty }.joined(separator: "  ")
    let room = (width ?? .max) - what.width - facts.width - 2
    guard room >= Self.barWidths.lowerBound else { return cut("\(what)  \(facts)") }
    let length = min(room, Self.barWidths.upperBound)
    let filled = Int(share * Double(length))
    let bar =
      String(repeating: terminal.isASCII ? "#" : "━", count: filled)
      + String(repeating: terminal.isASCII ? "." : "─", count: length - filled)
    return "\(what) \(bar) \(facts)"
  }

  /// Seconds to go, of which nobody wants to read hundredths.
  private static func left(_ seconds: Double) -> String {
    seconds < 59.5 ? String(format: "%.0fs", seconds) : Value.duration(seconds)
  }
}

extension Duration {
  /// This duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

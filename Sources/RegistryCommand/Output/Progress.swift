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
    var shownAt: ContinuousClock.Instant?
    var hasBar = false
  }

  private let what: String
  private let unit: Unit
  private let terminal: Terminal
  private let isSilent: Bool
  private let hasLines: Bool
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  private static let delay = Duration.seconds(1)
  private static let barPause = Duration.milliseconds(100)
  private static let linePause = Duration.seconds(10)
  private static let barWidth = 24
  private static let shortBarWidth = 10

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
    guard now - start >= (hasLines ? Self.linePause : Self.delay) else { return }
    state.withLock { state in
      let pause = hasLines ? Self.linePause : Self.barPause
      if let shownAt = state.shownAt, now - shownAt < pause { return }
      state.shownAt = now
      state.hasBar = !hasLines
      let elapsed = start.duration(to: now).seconds
      let line = Self.line(
        what ?? self.what, unit, done: done, total: total, detail, elapsedSeconds: elapsed,
        isASCII: terminal.isASCII)
      terminal.write(hasLines ? line + "\n" : "\r" + clipped(line) + "\u{1B}[K")
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

  private func clipped(_ line: String) -> String {
    line.cut(to: max(20, (terminal.width ?? 80) - 1), ascii: terminal.isASCII)
  }

  private static func line(
    _ what: String, _ unit: Unit, done: Int64, total: Int64, _ detail: String?,
    elapsedSeconds: Double, isASCII: Bool
  ) -> String {
    func text(_ count: Int64) -> String {
      switch unit {
      case .bytes: Value.size(count)
      case .items(let name): "\(ImportReport.count(count)) \(name)"
      }
    }
    let rate = elapsedSeconds > 0 ? Double(done) / elapsedSeconds : 0
    let speed = text(Int64(exactly: rate.rounded()) ?? 0) + "/s"
    guard total > 0 else { return "\(what)  \(text(done))  \(speed)" }
    let barWidth = detail == nil ? Self.barWidth : Self.shortBarWidth
    let part = min(1, Double(done) / Double(total))
    let filled = Int(part * Double(barWidth))
    let bar =
      String(repeating: isASCII ? "#" : "━", count: filled)
      + String(repeating: isASCII ? "." : "─", count: barWidth - filled)
    let left = rate > 0 ? Value.duration((Double(total - done) / rate).rounded()) : "?"
    let percent = String(Int(part * 100)).padded(to: 3, right: true)
    guard let detail else {
      let share = "\(text(done)) of \(text(total))"
      return "\(what) \(bar) \(percent) %  \(share)  \(speed)  \(left) left"
    }
    return "\(what) \(bar) \(percent) %  \(detail)  \(left) left  \(speed)"
  }
}

extension Duration {
  /// This duration in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

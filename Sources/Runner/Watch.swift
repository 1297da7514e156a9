import Foundation
import Storage

/// Watches a child until every process of its run has ended: shows its output, stores its points.
struct Watch: ~Copyable {
  private let guardian: GuardProcess
  private let signals: Interrupts
  private let store: Store
  private var ingest: Ingest
  private var echo: Echo
  private var obeyed = 0

  private static let pauses: ClosedRange<Int32> = 10...100  // milliseconds; a signal ends one early

  init(
    _ guardian: GuardProcess, _ ingest: consuming Ingest, _ echo: consuming Echo,
    _ signals: Interrupts, _ store: Store
  ) {
    self.guardian = guardian
    self.ingest = ingest
    self.echo = echo
    self.signals = signals
    self.store = store
  }

  /// What was wrong with lines of metrics.
  var faults: LineFaults { ingest.faults }

  /// Watches to the end; every point is stored when it returns.
  ///
  /// - Throws: The store's error when the last points cannot be stored; they stay in the spool.
  mutating func run() throws {
    var pause = Self.pauses.lowerBound
    while true {
      let isGone = guardian.hasEnded()  // asked first, so that what is read next is all there is
      let progress = ingest.read()
      _ = echo.pump()
      obeySignals()
      if isGone, progress == .none { break }
      ingest.commitIfDue(store)
      if progress == .more && !ingest.isFull || isGone && !ingest.isFull { continue }
      if isGone, ingest.isFull { try ingest.commit(store) }
      pause = progress == .none ? min(pause * 2, Self.pauses.upperBound) : Self.pauses.lowerBound
      if !isGone { signals.sleep(milliseconds: pause) }
    }
    ingest.finish()
    if ingest.isDirty { try ingest.commit(store) }
  }

  /// Shows what is left of the output, waiting for its reader until the next interrupt.
  mutating func showRest() {
    let before = signals.count
    while !echo.pump(), signals.count == before {
      signals.sleep(milliseconds: Self.pauses.lowerBound)
    }
  }

  /// The first interrupt asks the child to end, the second leaves it no choice.
  private mutating func obeySignals() {
    let count = signals.count
    guard count > obeyed else { return }
    guardian.send(count > 1 ? .kill : .terminate)
    obeyed = count
  }
}

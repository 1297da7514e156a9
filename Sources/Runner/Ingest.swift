import Foundation
import Storage
import Tracking

/// Brings what a run's child writes into the store: points of metrics lines and of scraped output.
///
/// The consumed offsets are committed with the points, so that whoever goes on after a crash
/// neither loses a point nor stores one twice.
struct Ingest: ~Copyable {
  var faults: LineFaults { intake.faults }

  private let run: Run
  private let scrapes: Bool
  private var metrics: Tail
  private var output: Tail
  private var intake = Intake()
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var metricsFile: MetricsFile
  private var committed: (metrics: Int64, output: Int64, metricsFile: MetricsFile)
  private var nextCommit = ContinuousClock.now + commitInterval

  private static let commitInterval = Duration.milliseconds(150)
  private static let retryInterval = Duration.seconds(2)
  private static let batchCountMax = 50_000
  private static let piecesMax = 32  // of 256 KiB: tens of milliseconds
  private static let outputLookBack: Int64 = 4 << 20

  /// Goes on where the run's offsets say, after judging anew what came before.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - spool: Its spool.
  ///   - scrapes: Whether output is read for metrics.
  ///   - metricsCheck: What a reader before noted under the rule of `MetricsFile`.
  init(_ run: Run, _ spool: Spool, scrapes: Bool, metricsCheck: RunCheck? = nil) {
    self.run = run
    self.scrapes = scrapes
    metricsFile = MetricsFile(metricsCheck, plan: spool.plan)
    committed = (run.metricsOffset, run.outputOffset, metricsFile)
    metrics = Tail(path: spool.metrics)
    let outputStart = max(0, run.outputOffset - Self.outputLookBack)
    output = Tail(path: spool.output, breaksAtReturn: true, offset: outputStart)
    while readMetrics(until: run.metricsOffset) { intake.batch.removeAll() }
    if run.metricsOffset > 0 { checkMetricsFile() }
    while scrapes, readOutput(until: run.outputOffset) { intake.batch.removeAll() }
    intake.batch.removeAll()
  }

  /// Starts anew where the offset was counted in another file than the one that is there.
  private mutating func checkMetricsFile() {
    let file = metrics.identity?.text
    let isOther = file != nil && file != metricsFile.file
    guard isOther || metrics.consumed != run.metricsOffset else { return }
    metricsFile.note(isOther ? .replaced : .truncated, file: file)
    intake = Intake()
    metrics.restart()
  }

  /// Whether something waits for a commit.
  var isDirty: Bool { committed != (metrics.consumed, output.consumed, metricsFile) }
  /// Whether a commit should not wait any longer.
  var isFull: Bool { intake.batch.count >= Self.batchCountMax }

  /// What a read found.
  enum Progress {
    /// Nothing.
    case none
    /// All that there was.
    case some
    /// A full share or batch; there may be more.
    case more
  }

  /// Reads what is new, up to a full batch and a fair share of the time.
  mutating func read() -> Progress {
    var pieces = 0
    while !isFull, pieces < Self.piecesMax, readMetrics(until: .max) || followChange() {
      pieces += 1
    }
    while scrapes, !isFull, pieces < Self.piecesMax, readOutput(until: .max) { pieces += 1 }
    return isFull || pieces == Self.piecesMax ? .more : pieces == 0 ? .none : .some
  }

  /// Takes last lines without an end; only once nobody writes any more and all is read.
  mutating func finish() {
    metrics.finish { intake.readMetrics($0, $1) }
    output.finish { line, _ in intake.readOutput(line) }
  }

  /// Stores the points that wait, with the offsets behind them.
  ///
  /// - Throws: The store's errors; then nothing is lost and the next commit tries again.
  mutating func commit(_ store: Store) throws {
    let next = (metrics: metrics.consumed, output: output.consumed, metricsFile: metricsFile)
    let hasChanged = next.metricsFile != committed.metricsFile
    let batch = intake.batch
    let refused = try store.write { [run] db in
      if hasChanged { try run.putCheck(next.metricsFile.check, db) }
      let refused = try run.appendWhatFits(batch, db)
      try run.setOffsets(metrics: next.metrics, output: next.output, db)
      return refused
    }
    committed = next
    intake.noteCommit(refused)
  }

  private mutating func followChange() -> Bool {
    guard let change = metrics.followChange({ intake.readMetrics($0, $1) }) else { return false }
    metricsFile.note(change, file: metrics.identity?.text)
    return true
  }

  /// Commits what waits, now and then; a full batch at once.
  ///
  /// A store that refuses now may take the points later; until then they wait in the spool.
  mutating func commitIfDue(_ store: Store) {
    let now = ContinuousClock.now
    guard isDirty, now >= nextCommit || isFull && nextCommit - now <= Self.commitInterval
    else { return }
    do {
      try commit(store)
      nextCommit = .now + Self.commitInterval
    } catch {
      nextCommit = .now + Self.retryInterval
    }
  }

  /// Takes all that there is, once nobody writes any more.
  ///
  /// - Throws: The store's errors; then the rest stays in the spool.
  mutating func takeRest(_ store: Store) throws {
    while read() != .none { if isFull { try commit(store) } }
    finish()
    if isDirty { try commit(store) }
  }

  private mutating func readMetrics(until end: Int64) -> Bool {
    metrics.readPiece(&buffer, until: end) { intake.readMetrics($0, $1) }
  }

  private mutating func readOutput(until end: Int64) -> Bool {
    output.readPiece(&buffer, until: end) { line, _ in intake.readOutput(line) }
  }
}

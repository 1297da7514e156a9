import GRDB
package import Storage

/// One execution, as lists show it; a value read at one moment.
package struct Run: Sendable, Equatable, Identifiable {
  /// The identity outside the store.
  package let id: RunID
  /// The row in the catalog, in order of creation; never shown.
  package let row: Int64
  /// The experiment it belongs to.
  package let experimentId: Int64
  /// Adjective-noun, or as given.
  package let name: String
  /// One of MLflow's five.
  package let status: Status
  /// What the status does not say.
  package let reason: Reason?
  /// Whether it is deleted.
  package let lifecycle: Lifecycle
  /// When it started.
  package let startTime: Timestamp
  /// When it ended; nil while it runs.
  package let endTime: Timestamp?
  /// By a monotonic clock where the end was seen.
  package let durationSeconds: Double?
  /// Who started it.
  package let user: String?
  /// Where it ran.
  package let host: String?
  /// The seed it was given.
  package let seed: Int64?
  /// The version it started from, a row of Catalog.
  package let baseVersionId: Int64?
  /// The version it made, a row of Catalog.
  package let outputVersionId: Int64?
  /// How its process ended and what it cost.
  package let usage: Usage
  /// Bytes of the spool's metrics file that are stored.
  package let metricsOffset: Int64
  /// Bytes of the spool's output file that are scraped.
  package let outputOffset: Int64

  /// MLflow's five.
  package enum Status: String, Sendable, CaseIterable, DatabaseValueConvertible {
    case running = "RUNNING"
    case scheduled = "SCHEDULED"
    case finished = "FINISHED"
    case failed = "FAILED"
    case killed = "KILLED"

    /// Whether nothing more is to come.
    package var isFinal: Bool { self != .running && self != .scheduled }
  }

  /// What a status does not say.
  package enum Reason: String, Sendable, CaseIterable, DatabaseValueConvertible {
    case diverged, overfit, lost, budget
  }

  /// How the child ended and what it cost; nil is not known.
  package struct Usage: Sendable, Equatable {
    /// The child's exit status; nil for a signal.
    package var exitStatus: Int32?
    /// The signal that killed the child.
    package var exitSignal: Int32?
    /// From start to end of the child, monotonic.
    package var wallSeconds: Double?
    /// User and system time of the child and its children.
    package var cpuSeconds: Double?
    /// The greatest resident size of one process.
    package var memoryPeakBytes: Int64?

    /// Starts with nothing known.
    package init() {}
  }

  init(row: Row) throws(RegistryError) {
    id = try row.value("uuid")
    self.row = try row.value("id")
    experimentId = try row.value("experimentId")
    name = try row.value("name")
    status = try row.value("status")
    reason = try row.value("reason")
    lifecycle = try row.value("lifecycleStage")
    startTime = try row.value("startTime")
    endTime = try row.value("endTime")
    durationSeconds = try row.value("durationSeconds")
    user = try row.value("user")
    host = try row.value("host")
    seed = try row.value("seed")
    baseVersionId = try row.value("baseVersionId")
    outputVersionId = try row.value("outputVersionId")
    usage = try Usage(row: row)
    metricsOffset = try row.value("metricsOffset")
    outputOffset = try row.value("outputOffset")
  }
}

extension Run.Usage {
  fileprivate init(row: Row) throws(RegistryError) {
    exitStatus = try row.value("exitStatus")
    exitSignal = try row.value("exitSignal")
    wallSeconds = try row.value("wallSeconds")
    cpuSeconds = try row.value("cpuSeconds")
    memoryPeakBytes = try row.value("memoryPeakBytes")
  }
}

import Foundation
package import Storage
package import Tracking
import Workspace

/// Runs whose runner and guard are gone before they were closed.
package enum Abandoned {
  /// A run that was looked after.
  package struct Settled: Sendable {
    /// The run as it is now.
    package let run: Run
    /// Why it could not be closed, or its files not become a version; nil when all is well.
    package let fault: RegistryError?
  }

  /// Closes every abandoned run from its spool; every command that writes starts with it.
  ///
  /// What is in a spool was not stored, or not all of it, whatever the run's status is: a run may
  /// have been finished from elsewhere while its child lived. To store something again changes
  /// nothing.
  ///
  /// - Parameter store: A store that is open for writing.
  /// - Returns: The runs that were looked after; a fault of one does not keep others from it.
  /// - Throws: Only what is no `RegistryError`.
  /// - Complexity: One look at the spool's folder while nothing is abandoned.
  @discardableResult
  package static func settle(_ store: Store) throws -> [Settled] {
    var settled: [Settled] = []
    for id in Spool.list(store) {
      let spool = Spool(id, store)
      guard let lock = spool.takeLock() else { continue }
      try withExtendedLifetime(lock) {
        let found = try store.read { db in try Run.find(id, db) }
        guard let run = found else { return try removeUnknown(spool, store) }
        // A removed run takes nothing; what waits for it is stored once it is restored.
        guard run.lifecycle == .active else { return }
        settled.append(try settle(run, spool, store))
      }
    }
    if !Spool.remains(store).isEmpty { try store.write { _ in Spool.removeRemains(store) } }
    return settled
  }

  private static func settle(_ run: Run, _ spool: Spool, _ store: Store) throws -> Settled {
    do {
      let closing = Closing(run, spool)
      if closing.record == nil { Leftovers.end(run.id) }
      let check = try store.read { db in try run.checks(db) }.last { $0.rule == MetricsFile.rule }
      var ingest = Ingest(run, spool, scrapes: spool.plan.scrapes, metricsCheck: check)
      try ingest.takeRest(store)
      let closed = try closing.close(ingest.faults, store)
      spool.remove(keepingFiles: closed.hasUnstoredFiles)
      return Settled(run: closed.run, fault: closed.fault)
    } catch let error as RegistryError {
      return Settled(run: run, fault: error)
    }
  }

  /// Removes the folder of a run that was never added: adding one excludes this.
  private static func removeUnknown(_ spool: Spool, _ store: Store) throws {
    try store.write { db in
      if try Run.find(spool.id, db) == nil { spool.remove() }
    }
  }
}

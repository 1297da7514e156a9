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
      let run = try store.read { db in try Run.find(id, db) }
      if let run, !run.status.isFinal {
        settled.append(try settle(run, spool, store))
      } else {
        try removeStale(spool, store)
      }
      _ = lock.descriptor
    }
    return settled
  }

  private static func settle(_ run: Run, _ spool: Spool, _ store: Store) throws -> Settled {
    do {
      let closing = Closing(run, spool)
      if closing.record == nil { Leftovers.end(run.id) }
      var ingest = Ingest(run, spool, scrapes: spool.plan.scrapes)
      try ingest.takeRest(store)
      let closed = try closing.close(ingest.faults, store)
      spool.remove()
      return Settled(run: closed.run, fault: closed.fault)
    } catch let error as RegistryError {
      return Settled(run: run, fault: error)
    }
  }

  /// Removes the folder of a run that is closed, or was never added: adding one excludes this.
  private static func removeStale(_ spool: Spool, _ store: Store) throws {
    try store.write { db in
      let run = try Run.find(spool.id, db)
      if run?.status.isFinal ?? true { spool.remove() }
    }
  }
}

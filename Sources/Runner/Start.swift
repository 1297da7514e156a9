import Foundation
import Storage
import Tracking
import Workspace

/// A run that was added, up to the start of what it does.
struct Start {
  let session: RunSession
  let spool: Spool
  /// What is to be said of the run from its start.
  let checks: [RunCheck]

  /// Held until the run is closed, or by the guard.
  let lock: SpoolLock
  private let scrapes: Bool

  /// Adds the run, with its spool in the same transaction.
  init(_ asked: RunSession.Request, scrapes: Bool, _ store: Store) throws {
    self.scrapes = scrapes
    let code = CodeState()
    var asked = asked
    asked.source.gitCommit = code.commit
    asked.source.gitDiff = code.diff
    asked.source.untrackedCount = code.untrackedCount
    asked.source.scrapeRule = scrapes ? Scrape.rule : nil
    checks = code.checks
    var made: (spool: Spool, lock: SpoolLock)?
    do {
      session = try RunSession.start(asked, store) { run in
        let spool = Spool(run.id, store)
        let plan = Spool.Plan(scrapes: scrapes, output: asked.output)
        made = (spool, try spool.create(plan))
      }
    } catch {
      made?.spool.remove()
      throw error
    }
    guard let made else { throw RegistryError(.unavailable, "the run has no spool") }
    (spool, lock) = made
  }

  /// Starts the guard, which starts the command; without it the run is closed as failed.
  func guardian(
    _ request: Runner.Request, _ store: Store, _ prepare: (RunID) async throws -> [String: String]
  ) async throws -> GuardProcess {
    do {
      let contract = try Contract(session, request, store, spool)
      let added = try await prepare(session.run.id)
      return try GuardProcess(
        contract.arguments, environment: contract.environment.merging(added) { $1 }, spool, lock,
        executable: request.guardExecutable)
    } catch {
      fail(store)
      throw error
    }
  }

  /// Closes a run that did not come to do anything.
  func fail(_ store: Store) {
    _ = try? store.write { db in try session.run.finish(.failed, db) }
    spool.remove()
  }

  func watch(
    _ guardian: GuardProcess, echo descriptor: Int32?, _ signals: Interrupts, _ store: Store
  ) -> Watch {
    Watch(
      guardian, Ingest(session.run, spool, scrapes: scrapes),
      Echo(path: spool.output, to: descriptor), signals, store)
  }
}

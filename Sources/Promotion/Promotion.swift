// The room of what may hold an alias: gates judge a version by its weights, its lineage and its
// metric, and every decision is kept with its evidence, in a row here and in the event log. Gates
// are evaluated outside of any write transaction; the move then compares and swaps on the holder
// that was judged against.

package import Catalog
package import GRDB
package import Storage

/// A decision about an alias, with the evidence it was taken on.
package struct Promotion: Sendable {
  /// The command that asked for it.
  package enum Kind: String, Sendable, DatabaseValueConvertible {
    case promote, rollback
  }

  /// How it ended.
  package enum Outcome: String, Sendable, DatabaseValueConvertible {
    /// The version holds the alias from here on.
    case promoted
    /// A gate failed; the alias did not move.
    case refused
    /// The version held the alias already; nothing was judged and nothing is recorded.
    case unchanged
  }

  /// The command that asked for it.
  package let kind: Kind
  /// The model, a row of Catalog.
  package let modelId: Int64
  /// The alias: `prod`.
  package let alias: String
  /// The version that was to hold it, a row of Catalog.
  package let versionId: Int64
  /// The holder it was judged against, a row of Catalog; nil for the first.
  package let previousVersionId: Int64?
  /// How it ended.
  package let outcome: Outcome
  /// What each gate said; none for a rollback.
  package let gates: [Gate.Result]
  /// The gates that were waived, with the reasons.
  package let waivers: [Waiver]
  /// Why, in the user's words.
  package let note: String?
  /// The entry of the event log that holds the same; nil when nothing was recorded.
  package let eventSequence: Int64?
  /// When it was taken.
  package let createdAt: Timestamp

  /// A gate that may fail this once, and why.
  package struct Waiver: Sendable, Equatable {
    /// The gate.
    package let gate: Gate
    /// Why its failure is accepted.
    package let reason: String

    /// Makes a waiver from what the user typed.
    ///
    /// - Parameters:
    ///   - gate: The gate's name.
    ///   - reason: At least one character that is no blank.
    /// - Throws: `invalidInput` for an unknown gate, with the list, and for an empty reason.
    package init(_ gate: String, reason: String) throws(RegistryError) {
      self.gate = try Gate.get(gate)
      guard reason.contains(where: { !$0.isWhitespace }) else {
        throw RegistryError(
          .invalidInput, "waiving gate \(gate) needs a reason",
          hint: "--waive \(gate) --reason 'why this failure is accepted'")
      }
      self.reason = reason
    }
  }

  /// The gates that kept the alias from moving.
  package var failures: [Gate.Result] {
    gates.filter { $0.outcome == .fail }
  }

  /// The waivers without which the alias would not have moved; one of a gate that passed is none.
  package var usedWaivers: [Waiver] {
    waivers.filter { waiver in
      gates.contains { $0.gate == waiver.gate && $0.outcome == .waived }
    }
  }

  /// The decision as it is printed; versions as `sections:2`.
  ///
  /// - Parameters:
  ///   - version: The reference of the version that was to hold the alias.
  ///   - previous: The reference of the holder it was judged against.
  /// - Returns: An object with everything but ids.
  package func json(version: String, previous: String?) -> JSON {
    [
      "kind": .string(kind.rawValue), "alias": .string(alias), "version": .string(version),
      "previous": JSON(previous), "outcome": .string(outcome.rawValue),
      "gates": .array(gates.map(\.json)), "waivers": waivers.json, "note": JSON(note),
      "event": JSON(eventSequence), "createdAt": JSON(createdAt),
    ]
  }
}

extension [Promotion.Waiver] {
  /// An object of reasons by gate.
  var json: JSON {
    .object(map { JSON.Member($0.gate.name, .string($0.reason)) })
  }
}

extension Promotion {
  /// Lists the decisions about a model's aliases, oldest first.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - alias: Only this alias; nil for all.
  ///   - db: An open read of the catalog.
  /// - Returns: Promotions, refusals and rollbacks.
  /// - Throws: `corrupt` when stored evidence is damaged.
  package static func list(
    of model: Model, alias: String? = nil, _ db: Database
  ) throws -> [Promotion] {
    try Row.fetchAll(
      db,
      sql: "SELECT * FROM promotion WHERE modelId = ?1 AND (?2 IS NULL OR alias = ?2) ORDER BY id",
      arguments: [model.id, alias]
    ).map(Promotion.init(row:))
  }

  /// Lists the decisions about one version, oldest first.
  package static func list(of version: Version, _ db: Database) throws -> [Promotion] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM promotion WHERE versionId = ? ORDER BY id", arguments: [version.id]
    ).map(Promotion.init(row:))
  }

  /// The kinds of the events that tell of decisions.
  enum EventKind {
    static let add = "promotion.add"
    static let refuse = "promotion.refuse"
    static let rollback = "promotion.rollback"
  }

  /// The kind of the event that tells of this decision.
  var eventKind: String {
    switch (kind, outcome) {
    case (.rollback, _): EventKind.rollback
    case (_, .refused): EventKind.refuse
    default: EventKind.add
    }
  }

  /// What its event tells: everything but the event itself.
  func told(version: String, previous: String?) -> JSON {
    let members = json(version: version, previous: previous).members ?? []
    return .object(members.filter { $0.key != "event" && $0.key != "createdAt" })
  }

  /// Appends the event and the row in the caller's transaction.
  func recorded(_ version: Version, previous: Version?, _ db: Database) throws -> Promotion {
    let detail = told(version: version.reference, previous: previous?.reference)
    let event = try Event.append(eventKind, version.reference, detail, db)
    try db.execute(
      sql: """
        INSERT INTO promotion
          (kind, modelId, alias, versionId, previousVersionId, outcome, evidence, waivers, note,
           eventSequence, createdAt)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        kind, modelId, alias, versionId, previousVersionId, outcome,
        JSON.array(gates.map(\.json)).text(), waivers.json.text(), note, event.sequence, event.time,
      ])
    return Promotion(
      kind: kind, modelId: modelId, alias: alias, versionId: versionId,
      previousVersionId: previousVersionId, outcome: outcome, gates: gates, waivers: waivers,
      note: note, eventSequence: event.sequence, createdAt: event.time)
  }

  init(row: Row) throws {
    kind = row["kind"]
    modelId = row["modelId"]
    alias = row["alias"]
    versionId = row["versionId"]
    previousVersionId = row["previousVersionId"]
    outcome = row["outcome"]
    note = row["note"]
    let sequence: Int64 = row["eventSequence"]
    eventSequence = sequence
    createdAt = row["createdAt"]
    let (evidence, reasons): (String, String) = (row["evidence"], row["waivers"])
    guard let results = try? JSON.parse(Array(evidence.utf8)).array,
      let gates = try? results.map(Gate.Result.init(json:)),
      let members = try? JSON.parse(Array(reasons.utf8)).members,
      let waivers = try? members.map({ try Waiver($0.key, reason: $0.value.string ?? "") })
    else {
      throw RegistryError(
        .corrupt, "the evidence of the decision in event \(sequence) is damaged",
        hint: "registry verify --full")
    }
    self.gates = gates
    self.waivers = waivers
  }
}

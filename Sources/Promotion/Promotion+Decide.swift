package import Catalog
package import Storage

extension Promotion {
  /// Judges a version by all gates and moves the alias to it, unless one fails that is not waived.
  ///
  /// A refusal is recorded as a promotion is: a row, and an event with all evidence.
  ///
  /// - Parameters:
  ///   - version: The holder to be.
  ///   - alias: A new or a known alias of its model.
  ///   - note: Why.
  ///   - waivers: Gates that may fail this once.
  ///   - store: An open store.
  ///   - progress: Called with the bytes of weights that are judged, of all.
  ///   - beforeMove: Called once between the judgement and the move.
  /// - Returns: The decision; see `refusal`.
  /// - Throws: `conflict` when the holder changed; `invalidInput` for a bad alias and a gate that is
  ///   waived twice; `notFound` for a version that is removed, even meanwhile; `corrupt`.
  package static func promote(
    _ version: Version, to alias: String, note: String? = nil, waivers: [Waiver] = [],
    in store: Store,
    progress: (_ doneBytes: Int64, _ totalBytes: Int64) -> Void = { _, _ in },
    beforeMove: () throws -> Void = {}
  ) throws -> Promotion {
    try Alias.checkName(alias)
    try checkOnce(waivers)
    // Held from the look-up on: what is removed meanwhile keeps its content until it is judged.
    let (candidate, gates) = try store.withContent {
      let candidate = try store.read { try Candidate(version, alias, $0) }
      guard candidate.holder?.id != version.id else { return (candidate, nil as [Gate.Result]?) }
      return (candidate, try Evaluation.results(of: candidate, in: store, progress: progress))
    }
    func decision(_ outcome: Outcome, _ gates: [Gate.Result]) -> Promotion {
      Promotion(
        kind: .promote, modelId: version.modelId, alias: alias, versionId: version.id,
        previousVersionId: candidate.holder?.id, outcome: outcome, gates: gates,
        waivers: waivers, note: note, eventSequence: nil, createdAt: .now)
    }
    guard let gates else { return decision(.unchanged, []) }
    let results = gates.map { result in
      waivers.contains { $0.gate == result.gate } ? result.waived() : result
    }
    try beforeMove()
    let isRefused = results.contains { $0.outcome == .fail }
    return try store.write { db in
      try Candidate.checkPresent(version, db)
      if !isRefused {
        try Alias.put(
          alias, on: version, expecting: .version(candidate.holder?.id), note: note, db)
      }
      return try decision(isRefused ? .refused : .promoted, results)
        .recorded(version, previous: candidate.holder, db)
    }
  }

  /// Refuses a second waiver of one gate: only one reason could be kept.
  private static func checkOnce(_ waivers: [Waiver]) throws(RegistryError) {
    var seen: Set<Gate> = []
    for waiver in waivers where !seen.insert(waiver.gate).inserted {
      throw RegistryError(.invalidInput, "the gate \(waiver.gate.name) is waived twice")
    }
  }

  /// Moves an alias back to the version that held before the current holder was promoted.
  ///
  /// Nothing is judged; it is recorded as a promotion is.
  ///
  /// - Parameters:
  ///   - alias: The alias.
  ///   - model: Its model.
  ///   - note: Why.
  ///   - store: An open store.
  /// - Returns: The decision, which names the version that holds again.
  /// - Throws: `refused` when no earlier holder is left; `notFound` for an alias never set.
  package static func rollback(
    _ alias: String, of model: Model, note: String? = nil, in store: Store
  ) throws -> Promotion {
    try store.write { db in
      let holder = try model.findAlias(alias, db).map { try Version.get(id: $0.versionId, db) }
      let entry = try Alias.rollback(alias, of: model, note: note, db)
      guard let number = entry.number else {
        throw RegistryError(.corrupt, "the rollback of \(model.name)@\(alias) names no version")
      }
      let version = try model.getVersion(number, db)
      let decision = Promotion(
        kind: .rollback, modelId: model.id, alias: alias, versionId: version.id,
        previousVersionId: holder?.id, outcome: .promoted, gates: [], waivers: [], note: note,
        eventSequence: nil, createdAt: .now)
      return try decision.recorded(version, previous: holder, db)
    }
  }

  /// The error of a refusal, which names the gates and the next step; nil unless it was refused.
  ///
  /// - Parameter version: The version that was to hold the alias.
  /// - Returns: A `refused` error with the first finding.
  package func refusal(of version: Version) -> RegistryError? {
    guard outcome == .refused, let first = failures.first else { return nil }
    let names = failures.map(\.gate.name).joined(separator: ", ")
    let waive = failures.map { "--waive \($0.gate.name)" }.joined(separator: " ")
    return RegistryError(
      .refused,
      "promotion of \(version.reference) to \(alias) refused by "
        + "gate\(failures.count == 1 ? "" : "s") \(names): \(first.finding)",
      hint: "registry promote \(version.reference) --to \(alias) \(waive) --reason '…'")
  }
}

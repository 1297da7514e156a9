import Catalog
package import GRDB
import Storage
import Tracking

extension Comparison {
  /// Reads what is known of runs and versions; a version has the facts of the run that made it too.
  ///
  /// - Parameters:
  ///   - references: What is compared, in the order of the columns.
  ///   - db: An open read of the catalog.
  /// - Returns: The comparison.
  /// - Throws: `invalidInput` without references; `notFound`, `ambiguous` for what they mean.
  package static func of(_ references: [Reference], _ db: Database) throws -> Comparison {
    guard !references.isEmpty else {
      throw RegistryError(
        .invalidInput, "there is nothing to compare", hint: "registry compare RUN RUN")
    }
    var columns: [Column] = []
    var facts: [Facts] = []
    for reference in references {
      let (run, version) = try runAndVersion(try reference.target(db), db)
      let parentage = try version?.parents(db).first
      let parentId = parentage?.parentVersionId ?? run?.baseVersionId
      let parent = try parentId.flatMap { try Version.find(id: $0, db) }
      columns.append(
        Column(
          reference: reference.text, run: run, version: version?.reference,
          parent: parent?.reference))
      facts.append(try Facts(run, version, parent, parentage?.relation, db))
    }
    return Comparison(columns: columns, rows: rows(facts))
  }

  private static func runAndVersion(
    _ target: Reference.Target, _ db: Database
  ) throws -> (Run?, Version?) {
    switch target {
    case .run(let run):
      (run, try run.outputVersionId.flatMap { try Version.find(id: $0, db) })
    case .version(let version):
      (try Reference.findRun(of: version, db), version)
    }
  }
}

extension Comparison.Facts {
  fileprivate init(
    _ run: Run?, _ version: Version?, _ parent: Version?, _ relation: Parentage.Relation?,
    _ db: Database
  ) throws {
    if let run {
      parameters = try run.parameters(db)
      seed = run.seed
      source = try RunSource.get(run, db)
      usage = run.usage
      durationSeconds = run.durationSeconds
    }
    let base = try run?.baseVersionId.flatMap { try Version.find(id: $0, db) } ?? parent
    if let base { data.append((name: "base", value: .text(base.reference))) }
    if let relation { data.append((name: "relation", value: .text(relation.rawValue))) }
    sizeBytes = try version?.files(db).reduce(0) { $0 + $1.sizeBytes }
    let experimentId = try readMetrics(run, version, parent, db)
    if let task = try experimentId.flatMap({ try Experiment.get(id: $0, db).task }),
      let key = task.metric, let direction = task.direction
    {
      primary = (key, direction)
    }
  }

  /// Reads its metrics and its parent's, if comparable; returns the experiment of both.
  private mutating func readMetrics(
    _ run: Run?, _ version: Version?, _ parent: Version?, _ db: Database
  ) throws -> Int64? {
    let scores = try version.map { try VersionScores.get($0, db) }
    let logged = try run?.series(db).map { (key: $0.key, value: $0.latest.value) } ?? []
    let brought = scores?.scores.map { (key: $0.key, value: $0.value) } ?? []
    // What is logged goes before what was brought under the same key.
    metrics = brought + logged
    let experimentId = run?.experimentId ?? scores?.experimentId
    if let parent, let experimentId {
      let others = try VersionScores.get(parent, db)
      if others.experimentId == experimentId {
        parentMetrics = others.scores.map { (key: $0.key, value: $0.value) }
      }
    }
    return experimentId
  }
}

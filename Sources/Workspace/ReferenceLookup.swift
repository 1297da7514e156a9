import Catalog
import GRDB
import Storage
import Tracking

/// How each kind of a reference's subject is looked up.
struct ReferenceLookup {
  let db: Database

  init(_ db: Database) {
    self.db = db
  }

  func model(_ name: String) throws -> Model {
    if let model = try Model.find(name, db) { return model }
    let names = try Model.list(db).map(\.name)
    throw RegistryError(
      .notFound, "no model named '\(name)'",
      hint: Nearest.hint(to: name, in: names, else: "registry model ls"))
  }

  func experiment(_ name: String) throws -> Experiment {
    if let found = try Experiment.find(name, db), found.lifecycle == .active { return found }
    let names = try Experiment.list(db).map(\.name)
    throw RegistryError(
      .notFound, "no experiment named '\(name)'",
      hint: Nearest.hint(to: name, in: names, else: "registry experiment ls"))
  }

  func newest(of model: Model) throws -> Version {
    guard let version = try model.findNewestVersion(db) else {
      throw RegistryError(
        .notFound, "the model '\(model.name)' has no version",
        hint: "registry version add \(model.name) PATH")
    }
    return version
  }

  /// A model's newest version, or what a run of that name made.
  func version(named name: String) throws -> Version {
    if let model = try Model.find(name, db) { return try newest(of: model) }
    if let run = try findRun(named: name) { return try output(of: run) }
    if let experiment = try Experiment.find(name, db), experiment.lifecycle == .active {
      throw RegistryError(
        .notFound, "the experiment '\(name)' is no model", hint: "'\(name)/last' is its last run")
    }
    let names = try Model.list(db).map(\.name) + Run.list(limit: 1000, db).map(\.name)
    throw RegistryError(
      .notFound, "no model or run named '\(name)'",
      hint: Nearest.hint(to: name, in: names, else: "registry model ls"))
  }

  /// Refuses a name that neither a model has nor, as is known by now, a run.
  func checkIsModel(_ name: String) throws {
    guard try Model.find(name, db) == nil else { return }
    throw RegistryError(
      .notFound, "no run named '\(name)'",
      hint: Nearest.hint(
        to: name, in: try Run.list(limit: 1000, db).map(\.name), else: "registry run ls"))
  }

  /// A run by name, by an id's prefix, or by `EXPERIMENT/` and one of these; nil when no run is meant.
  func findRun(named name: String) throws -> Run? {
    if let run = try absent({ try Run.resolve(name, db) }) { return run }
    // Both names may have slashes: 'org/task/run', 'task/org/run'.
    for slash in name.indices where name[slash] == "/" {
      guard let experiment = try Experiment.find(String(name[..<slash]), db) else { continue }
      let rest = String(name[name.index(after: slash)...])
      if let run = try absent({ try Run.resolve(rest, experimentId: experiment.id, db) }) {
        return run
      }
    }
    return nil
  }

  func run(id: String) throws -> Run {
    if let full = RunID(hex: id) { return try Run.get(full, db) }
    return try Run.resolve(id, db)
  }

  func holder(of name: String, back: Int64, _ model: Model) throws -> Version {
    let reference = "\(model.name)@\(name)"
    guard back > 0 else { return try Version.get(id: try alias(name, of: model).versionId, db) }
    guard let entry = try model.findAliasEntry(name, back: back, db) else {
      throw RegistryError(
        .notFound, "\(reference) has no \(back) earlier entries",
        hint: "registry alias log \(reference)")
    }
    guard let number = entry.number else {
      throw RegistryError(
        .notFound, "\(reference)~\(back) was unset", hint: "registry alias log \(reference)")
    }
    return try model.getVersion(number, db)
  }

  private func alias(_ name: String, of model: Model) throws -> Alias {
    do {
      return try model.getAlias(name, db)
    } catch let error as RegistryError where error.kind == .notFound {
      let names = try model.aliases(db).map { "\(model.name)@\($0.name)" }
      let hint = Nearest.hint(
        to: "\(model.name)@\(name)", in: names, else: error.hint ?? "registry model ls")
      throw RegistryError(.notFound, error.message, hint: hint)
    }
  }

  func parent(_ position: Int64, of version: Version) throws -> Version {
    let parents = try version.parents(db)
    guard let edge = parents.first(where: { $0.position == position }) else {
      let what =
        switch parents.count {
        case 0: "no parent"
        case 1: "one parent, not \(position)"
        default: "\(parents.count) parents, not \(position)"
        }
      throw RegistryError(
        .notFound, "\(version.reference) has \(what)",
        hint: "registry lineage \(version.reference)")
    }
    return try Version.get(id: edge.parentVersionId, db)
  }

  /// The version that a run made; nil if it made none or it is removed.
  func findOutput(of run: Run) throws -> Version? {
    if let id = run.outputVersionId, let version = try Version.find(id: id, db) { return version }
    return try Version.find(runId: run.id.hex, db)
  }

  func output(of run: Run) throws -> Version {
    if let version = try findOutput(of: run) { return version }
    let next = run.status.isFinal ? "adopt" : "show"
    throw RegistryError(
      .notFound, "run \(run.id.short) \(run.name) made no version",
      hint: "registry run \(next) \(run.id.short)")
  }

  /// The named task or experiment, or the only task of the store.
  func task(_ name: String?, _ word: String) throws -> Experiment {
    if let name { return try experiment(name) }
    let tasks = try Experiment.list(db).filter { $0.task != nil }
    guard let task = tasks.first else {
      throw RegistryError(
        .notFound, "'\(word)' needs a task and the store has none",
        hint: "registry fork BASE TASK")
    }
    guard tasks.count == 1 else {
      throw RegistryError(
        .ambiguous, "'\(word)' needs a task: the store has \(tasks.count)",
        hint: Self.oneOf(tasks.map { "\($0.name)/\(word)" }))
    }
    return task
  }

  /// The best run by the task's primary metric.
  func best(of experiment: Experiment) throws -> Run {
    guard let metric = experiment.task?.metric, let direction = experiment.task?.direction else {
      throw RegistryError(
        .notFound, "'\(experiment.name)' has no primary metric, so no run is its best",
        hint: "registry run ls \(experiment.name) --sort METRIC")
    }
    guard let run = try Run.best(experimentId: experiment.id, metric: metric, direction, db) else {
      throw RegistryError(
        .notFound, "no finished run of '\(experiment.name)' has a value of '\(metric)'",
        hint: "registry run ls \(experiment.name)")
    }
    return run
  }

  func last(of experiment: Experiment, back: Int64) throws -> Run {
    let run = try Run.last(experimentId: experiment.id, back: Int(exactly: back) ?? .max, db)
    guard let run else {
      throw RegistryError(
        .notFound, "'\(experiment.name)' has no \(back == 0 ? "run" : "\(back) earlier runs")",
        hint: "registry run ls \(experiment.name)")
    }
    return run
  }

  /// The one of some digests that start with these digits.
  func digest(_ digits: String, among found: [Digest]) throws -> Digest {
    var distinct: [Digest] = []
    for digest in found where !distinct.contains(digest) { distinct.append(digest) }
    guard let first = distinct.first else {
      throw RegistryError(.notFound, "no file has the content sha256:\(digits)")
    }
    guard distinct.count == 1 else {
      throw RegistryError(
        .ambiguous, "sha256:\(digits) means several files",
        hint: Self.oneOf(distinct.map { "sha256:\($0.short)" }))
    }
    return first
  }

  func version(containing digits: String) throws -> Version {
    let digest = try digest(
      digits, among: Version.fileDigests(startingWith: digits, limit: 6, db))
    let versions = try Version.list(containing: digest, db)
    guard let first = versions.first else {
      throw RegistryError(.notFound, "no version has the content sha256:\(digits)")
    }
    guard versions.count == 1 else {
      throw RegistryError(
        .ambiguous, "sha256:\(digits) is in \(versions.count) versions",
        hint: Self.oneOf(versions.map(\.reference)))
    }
    return first
  }

  /// The first five candidates.
  private static func oneOf(_ candidates: [String]) -> String {
    "one of: " + candidates.prefix(5).joined(separator: ", ")
  }

  /// What the body finds; nil instead of `notFound`.
  private func absent<Found>(_ body: () throws -> Found) throws -> Found? {
    do {
      return try body()
    } catch let error as RegistryError where error.kind == .notFound {
      return nil
    }
  }
}

package import Catalog
package import GRDB
import Storage
package import Tracking

extension Reference {
  /// What a reference means where versions and runs are both welcome.
  package enum Target: Sendable {
    case version(Version)
    case run(Run)
  }

  /// The version that a text means; see `version(_:)`.
  package static func version(_ text: String, _ db: Database) throws -> Version {
    try Reference(text).version(db)
  }

  /// The version that is meant: a run means the version that it made, a model its newest.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: The version.
  /// - Throws: `notFound`, `ambiguous` with the candidates, `invalidInput` for a file.
  package func version(_ db: Database) throws -> Version {
    guard path == nil else {
      throw RegistryError(.invalidInput, "'\(text)' names a file, not a version")
    }
    return try versionOfSubject(db)
  }

  /// The run that is meant: a version means the run that made it.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: The run.
  /// - Throws: `notFound`, `ambiguous` with the candidates, `invalidInput` for a file.
  package func run(_ db: Database) throws -> Run {
    if parents.isEmpty, path == nil {
      if let run = try findRun(db) { return run }
      if case .name(let name) = subject { try ReferenceLookup(db).checkIsModel(name) }
    }
    let version = try version(db)
    guard let run = try Self.findRun(of: version, db) else {
      throw RegistryError(
        .notFound, "no run made \(version.reference)",
        hint: "registry lineage \(version.reference)")
    }
    return run
  }

  /// The version or run that is meant; a name that both have means the model's newest version.
  package func target(_ db: Database) throws -> Target {
    if parents.isEmpty, path == nil {
      if case .name(let name) = subject, try Model.find(name, db) != nil {
        return .version(try version(db))
      }
      if let run = try findRun(db) { return .run(run) }
    }
    return .version(try version(db))
  }

  /// Whether it means one file, by `//path`, `runs:/id/path` or `sha256:…`, where files are welcome.
  package var namesFile: Bool {
    if case .content = subject { true } else { path != nil }
  }

  /// The file that is meant; a run's path is one of its version or of what stayed with the run.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: The file and what has it; of equal content, the first.
  /// - Throws: `notFound`, `ambiguous`; `invalidInput` when no file is named.
  package func file(_ db: Database) throws -> FoundFile {
    let lookup = ReferenceLookup(db)
    if case .content(let digits) = subject { return try lookup.file(containing: digits) }
    guard let path else {
      throw RegistryError(
        .invalidInput, "'\(text)' names no file", hint: "'\(text)//config.json' would")
    }
    if parents.isEmpty, let run = try runOfFile(db) { return try lookup.file(path, of: run) }
    return try lookup.file(path, of: try versionOfSubject(db))
  }

  /// The run whose files are meant; a model goes before a run of its name.
  private func runOfFile(_ db: Database) throws -> Run? {
    if case .name(let name) = subject, try Model.find(name, db) != nil { return nil }
    return try findRun(db)
  }

  /// The model with this name, which must exist; the hint tells names like it.
  package static func model(_ name: String, _ db: Database) throws -> Model {
    try ReferenceLookup(db).model(name)
  }

  /// The experiment with this name, which must exist; the hint tells names like it.
  package static func experiment(_ name: String, _ db: Database) throws -> Experiment {
    try ReferenceLookup(db).experiment(name)
  }

  /// The run that made a version; nil for an import, a fork, or when the run is not known here.
  package static func findRun(of version: Version, _ db: Database) throws -> Run? {
    if let id = version.runId.flatMap({ RunID(hex: $0) }), let run = try Run.find(id, db) {
      return run
    }
    return try Run.find(outputVersionId: version.id, db)
  }

  private func versionOfSubject(_ db: Database) throws -> Version {
    let lookup = ReferenceLookup(db)
    let start =
      switch subject {
      case .name(let name): try lookup.version(named: name)
      case .model(let name): try lookup.newest(of: try lookup.model(name))
      case .version(let model, let number): try lookup.model(model).getVersion(number, db)
      case .alias(let model, let name, let back):
        try lookup.holder(of: name, back: back, try lookup.model(model))
      case .content(let digits): try lookup.version(containing: digits)
      case .best, .last, .run: try lookup.output(of: try getRun(db))
      }
    return try parents.reduce(start) { try lookup.parent($1, of: $0) }
  }

  /// The run that the subject names; nil when it is about versions or no run has the name.
  private func findRun(_ db: Database) throws -> Run? {
    switch subject {
    case .name(let name): try ReferenceLookup(db).findRun(named: name)
    case .best, .last, .run: try getRun(db)
    case .model, .version, .alias, .content: nil
    }
  }

  private func getRun(_ db: Database) throws -> Run {
    let lookup = ReferenceLookup(db)
    switch subject {
    case .run(let id): return try lookup.run(id: id)
    case .best(let task): return try lookup.best(of: try lookup.task(task, "best"))
    case .last(let task, let back):
      return try lookup.last(of: try lookup.task(task, "last"), back: back)
    case .name, .model, .version, .alias, .content:
      throw RegistryError(.invalidInput, "'\(text)' names no run")
    }
  }
}

import Catalog
import Foundation
import GRDB
import Promotion
import Storage
import Tracking
import Workspace

/// Names out of a store for the word at the cursor: read-only, few, and never an error.
struct CompletionNames {
  /// What is wanted; the words by which arguments are described.
  enum Kind {
    case reference, run, model, experiment, modelAlias, version, alias, metric, column, gate, kind

    init?(valueName: String) {
      switch valueName {
      case "ref", "base": self = .reference
      case "run", "runs", "run | key=value": self = .run
      case "model": self = .model
      case "task", "experiment": self = .experiment
      case "model@alias": self = .modelAlias
      case "model:number": self = .version
      case "alias": self = .alias
      case "metric": self = .metric
      case "column", "list": self = .column
      case "gate": self = .gate
      case "kind": self = .kind
      default: return nil
      }
    }
  }

  /// What is typed of it.
  let start: String
  /// The words before, among which a run may be.
  let words: [String]

  private static let runsMax = 200

  /// The names of a kind; none where there is no store.
  func list(_ kind: Kind, in folder: URL?) -> [String] {
    if case .gate = kind { return Gate.allCases.map(\.name) }
    guard let folder, let store = try? Store.open(folder, .read) else { return [] }
    defer { try? store.close() }
    return (try? store.read { db in try names(kind, db) }) ?? []
  }

  private func names(_ kind: Kind, _ db: Database) throws -> [String] {
    switch kind {
    case .reference: try versions(db) + modelAliases(db) + runs(db)
    case .run: try runs(db)
    case .model: try Model.list(db).map(\.name)
    case .experiment: try Experiment.list(db).map(\.name)
    case .modelAlias: try modelAliases(db)
    case .version: try versions(db)
    case .alias: Array(Set(try Model.list(db).flatMap { try $0.aliases(db).map(\.name) })).sorted()
    case .metric: try metrics(db)
    case .column: try columns(db)
    case .gate: []
    case .kind: Array(Set(try Event.list(limit: 1000, db).map(\.kind))).sorted()
    }
  }

  /// Models and, once one is typed up to its colon, its versions.
  private func versions(_ db: Database) throws -> [String] {
    guard let colon = start.firstIndex(of: ":") else { return try Model.list(db).map(\.name) }
    return try Model.find(String(start[..<colon]), db)?.versions(db).map(\.reference) ?? []
  }

  private func modelAliases(_ db: Database) throws -> [String] {
    try Model.list(db).flatMap { model in
      try model.aliases(db).map { "\(model.name)@\($0.name)" }
    }
  }

  /// Names of the latest runs, ids for who types digits, and each task's best and last.
  private func runs(_ db: Database) throws -> [String] {
    let runs = try Run.list(limit: Self.runsMax, db)
    let ids = start.isEmpty ? [] : runs.map(\.id.short)
    let ends = try Experiment.list(db).flatMap { experiment in
      (experiment.task?.metric == nil ? [] : ["\(experiment.name)/best"])
        + ["\(experiment.name)/last"]
    }
    return runs.map(\.name) + ids + ends
  }

  /// The metrics of a run that is named before, else of the latest runs.
  private func metrics(_ db: Database) throws -> [String] {
    let named = words.compactMap { try? Reference($0).run(db) }
    let runs = try named.isEmpty ? Run.list(limit: 20, db) : named
    return Array(Set(try runs.flatMap { try $0.series(db).map(\.key) })).sorted()
  }

  /// What the latest runs have; behind a comma or `-` goes on what is typed.
  private func columns(_ db: Database) throws -> [String] {
    var search = RunSearch()
    search.limit = 20
    let rows = try search.page(db).rows
    let keys =
      rows.flatMap { $0.metrics.map { RunField.metric($0.key).name } }
      + rows.flatMap { $0.parameters.map { RunField.parameter($0.key).name } }
      + rows.flatMap { $0.tags.map { RunField.tag($0.key).name } }
    let before = start.lastIndex { $0 == "," || $0 == "-" }.map { String(start[...$0]) } ?? ""
    return (Set(keys).sorted() + RunAttribute.allCases.map(\.rawValue)).map { before + $0 }
  }
}

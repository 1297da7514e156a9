package import Catalog
package import GRDB
import Storage
package import Tracking

/// What a fork makes: the task's model, its first version and its experiment.
package struct Fork: Sendable {
  /// The new model.
  package let model: Model
  /// Its version 1, with the base's files and no byte of its own.
  package let version: Version
  /// The task.
  package let task: Experiment
  /// What it was forked from.
  package let base: Version

  /// Forks a version into a task.
  ///
  /// - Parameters:
  ///   - base: What to start from.
  ///   - name: The task, its model and its experiment: a new name.
  ///   - type: `text-classification`; `other` where it is not said.
  ///   - metric: By which runs are ranked.
  ///   - note: What people say of it.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: What was made.
  /// - Throws: `conflict` when a model or an experiment has the name; `invalidInput` for a bad name.
  package static func add(
    _ base: Version, as name: String, type: String = "other", metric: PrimaryMetric? = nil,
    note: String? = nil, _ db: Database
  ) throws -> Fork {
    try Name.checkNew(name, noun: "task")
    guard try Model.find(name, db) == nil else {
      throw RegistryError(
        .conflict, "a model named '\(name)' already exists", hint: "choose another name")
    }
    let model = try Model.add(name, note: note, db)
    let content = Version.Content(
      files: try base.files(db), parents: [.init(base.id, .fork)],
      source: "fork of \(base.reference)")
    let version = try Version.add(content, to: model, db)
    let task = Experiment.Task(
      type: type, metric: metric?.key, direction: metric?.direction, modelId: model.id,
      baseVersionId: version.id)
    return Fork(
      model: try Model.get(id: model.id, db), version: version,
      task: try Experiment.add(name, task: task, db), base: base)
  }
}

package import Catalog
package import Foundation
package import GRDB
package import Storage
package import Tracking
import Weights

/// What spans rooms in the life of a run with a child: its base, its files, the version it makes.
package struct RunSession: Sendable {
  /// The run, as it was started.
  package let run: Run
  /// Files of the version it starts from; nil without a base, or where they were not wanted.
  package let baseFolder: URL?
  /// How that version is referred to: `sections:1`.
  package let baseReference: String?

  /// What a run is asked to be.
  package struct Request: Sendable {
    /// The task's or experiment's name.
    package var task: String
    /// The starting version, in place of the task's.
    package var from: String?
    /// Whether there is no base, and the output has no parent.
    package var isScratch = false
    /// The run's name; nil makes one.
    package var name: String?
    /// What it is given, in order.
    package var parameters: [Parameter] = []
    /// What is noted on it.
    package var tags: [Tag] = []
    /// The seed it is given.
    package var seed: Int64?
    /// Where it comes from; its `freeze` globs are checked against the base.
    package var source = RunSource()
    /// Which output becomes the version.
    package var output = OutputRule()
    /// Whether the files of the base are wanted in a folder.
    package var wantsBaseFolder = true

    /// A run of a task.
    package init(task: String) {
      self.task = task
    }
  }

  /// Starts a run: refuses what cannot be, adds it, and fills the folder of its base.
  ///
  /// - Parameters:
  ///   - request: What it is asked to be.
  ///   - store: An open store.
  ///   - adding: Called in the transaction that adds the run.
  /// - Returns: The session.
  /// - Throws: `notFound`, `invalidInput` for a glob without tensor, `conflict` for a name.
  package static func start(
    _ request: Request, _ store: Store, adding: (Run) throws -> Void = { _ in }
  ) throws -> RunSession {
    let (experiment, base) = try store.read { db in
      try subject(of: request, db)
    }
    try checkFreeze(request.source.freeze, base, store)
    let run = try store.write { db in
      if let base { _ = try Version.get(id: base.id, db) }
      var start = Run.Start(experimentId: experiment.id)
      start.name = request.name
      start.seed = request.seed
      start.baseVersionId = base?.id
      let run = try Run.add(start, db)
      try run.logParameters(request.parameters, db)
      try run.setTags(request.tags, db)
      try request.source.put(run, db)
      try adding(run)
      return run
    }
    guard let base else { return RunSession(run: run, baseFolder: nil, baseReference: nil) }
    guard request.wantsBaseFolder else {
      return RunSession(run: run, baseFolder: nil, baseReference: base.reference)
    }
    do {
      let folder = try store.withContent {
        try VersionExport.cachedFolder(base, for: run.id, store)
      }
      return RunSession(run: run, baseFolder: folder, baseReference: base.reference)
    } catch {
      _ = try? store.write { db in try run.finish(.failed, db) }
      throw error
    }
  }

  /// What a run would be of and start from.
  ///
  /// - Parameters:
  ///   - request: What it is asked to be.
  ///   - db: An open read of the catalog.
  /// - Returns: The experiment, and the starting version, if it has one.
  /// - Throws: `notFound`, `ambiguous`; `invalidInput` for scratch with a starting version.
  package static func subject(
    of request: Request, _ db: Database
  ) throws -> (experiment: Experiment, base: Version?) {
    let experiment = try Reference.experiment(request.task, db)
    return (experiment, try startingVersion(request, experiment, db))
  }

  private static func startingVersion(
    _ request: Request, _ experiment: Experiment, _ db: Database
  ) throws -> Version? {
    if request.isScratch {
      guard request.from == nil else {
        throw RegistryError(.invalidInput, "a run from scratch has no starting version")
      }
      return nil
    }
    if let reference = request.from { return try Reference(reference).version(db) }
    return try experiment.task?.baseVersionId.map { try Version.get(id: $0, db) }
  }

  /// Refuses a glob that matches no tensor of the base.
  private static func checkFreeze(_ globs: [String], _ base: Version?, _ store: Store) throws {
    guard !globs.isEmpty else { return }
    guard let base else {
      throw RegistryError(.invalidInput, "nothing can be frozen in a run without a base")
    }
    let files = try store.read { db in try base.files(db) }
    let names = try store.read(.weights) { db in
      try files.flatMap { try Tensor.list(of: $0.digest, db).map(\.name) }
    }
    for glob in globs where TensorGlob(glob).matches(in: names).isEmpty {
      throw RegistryError(
        .invalidInput, "'\(glob)' matches no tensor of \(base.reference)",
        hint: names.isEmpty
          ? "it has no tensors" : "nearest: " + nearest(to: glob, names).joined(separator: ", "))
    }
  }

  /// The three names that share the most pairs of letters with a glob.
  private static func nearest(to glob: String, _ names: [String]) -> [String] {
    func pairs(_ text: some Sequence<UInt8>) -> Set<[UInt8]> {
      let bytes = Array(text)
      return Set(zip(bytes, bytes.dropFirst()).map { [$0, $1] })
    }
    let wanted = pairs(glob.utf8)
    let scored = names.map { name in
      let own = pairs(name.utf8)
      let shared = Double(own.intersection(wanted).count)
      return (name: name, score: shared / Double(max(1, own.union(wanted).count)))
    }
    return scored.sorted { $0.score > $1.score }.prefix(3).map(\.name)
  }
}

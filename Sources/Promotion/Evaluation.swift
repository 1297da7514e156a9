import Catalog
import GRDB
import Storage
import Tracking
import Weights
import Workspace

/// What all gates say about a candidate, found outside of any write transaction.
struct Evaluation {
  /// Evaluates every gate, reading the version's weights beside those of each parent it claims.
  ///
  /// The caller holds `Store.withContent` since it read the candidate.
  static func results(
    of candidate: Candidate, in store: Store,
    progress: (_ doneBytes: Int64, _ totalBytes: Int64) -> Void
  ) throws -> [Gate.Result] {
    try Evaluation(candidate: candidate).results(in: store, progress: progress)
  }

  private let candidate: Candidate

  private func results(
    in store: Store, progress: (_ doneBytes: Int64, _ totalBytes: Int64) -> Void
  ) throws -> [Gate.Result] {
    try store.read(.weights) { db in
      let tensors = try Self.modelTensors(candidate.files, db)
      let scans = try self.scans(of: tensors, progress: progress, db)
      let scan = try scans.first ?? WeightScan(tensors, beside: [], progress: progress, db)
      return [
        FiniteGate.judge(scan),
        frozen(
          try Self.tensors(candidate.files, db), try Self.tensors(candidate.baseFiles, db)),
        parentage(scans),
        metric(),
      ]
    }
  }

  /// One scan for each parent whose weights the version claims to continue.
  private func scans(
    of tensors: [FileTensor], progress: (_ doneBytes: Int64, _ totalBytes: Int64) -> Void,
    _ db: Database
  ) throws -> [WeightScan] {
    let claims = candidate.parents.filter { ParentageGate.isClaim($0.relation) }
    var done: Int64 = 0
    return try claims.map { parent in
      let start = done
      return try WeightScan(
        tensors, beside: try Self.modelTensors(parent.files, db),
        progress: { bytes, total in
          done = start + bytes
          progress(done, total * Int64(claims.count))
        }, db)
    }
  }

  private func frozen(_ tensors: [FileTensor], _ baseTensors: [FileTensor]) -> Gate.Result {
    guard !candidate.freeze.isEmpty else {
      return FrozenGate.notApplicable(
        candidate.scores.run == nil
          ? "no run made this version" : "its run declared nothing frozen")
    }
    guard let base = candidate.base else { return FrozenGate.failed(candidate.freeze) }
    let gate = FrozenGate(globs: candidate.freeze, parent: base.reference)
    return gate.judge(tensors, against: baseTensors)
  }

  /// Judges the edges to all parents; each that is a claim has its scan.
  private func parentage(_ scans: [WeightScan]) -> Gate.Result {
    var scans = scans[...]
    let edges = candidate.parents.map { parent in
      let gate = ParentageGate(
        version: candidate.version.reference, parent: parent.version.reference,
        relation: parent.relation)
      guard ParentageGate.isClaim(parent.relation), let scan = scans.popFirst() else {
        return gate.notApplicable()
      }
      let (own, other) = (Set(candidate.files.map(\.digest)), Set(parent.files.map(\.digest)))
      return gate.judge(scan, hasSameFiles: own == other)
    }
    return ParentageGate.judge(edges)
  }

  private func metric() -> Gate.Result {
    guard let task = candidate.task else {
      return MetricGate.notApplicable("\(candidate.model.name) has no task")
    }
    guard let metric = task.metric, let direction = task.direction else {
      return MetricGate.notApplicable("the task \(candidate.model.name) has no primary metric")
    }
    return MetricGate(metric: metric, direction: direction)
      .judge(candidate.scores, against: candidate.rivals)
  }

  /// The tensors of the model of a version, whose content is all here.
  private static func modelTensors(
    _ files: [VersionFile], _ db: Database
  ) throws -> [FileTensor] {
    try checkContent(of: files, db)
    return try VersionFile.modelTensors(of: files, db)
  }

  /// The tensors of all files of a version.
  private static func tensors(_ files: [VersionFile], _ db: Database) throws -> [FileTensor] {
    try checkContent(of: files, db)
    return try files.flatMap { try FileTensor.list(path: $0.path, $0.digest, db) }
  }

  private static func checkContent(of files: [VersionFile], _ db: Database) throws {
    for file in files where try Blob.find(file.digest, db) == nil {
      throw RegistryError(
        .corrupt, "the content of '\(file.path)' is missing", hint: "registry verify --full")
    }
  }
}

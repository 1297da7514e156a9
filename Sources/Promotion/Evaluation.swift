import Catalog
import GRDB
import Storage
import Tracking
import Weights
import Workspace

/// What all gates say about a candidate, found outside of any write transaction.
struct Evaluation {
  /// Evaluates every gate, reading the version's weights once and its parent's where they differ.
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
    try store.withContent {
      let files = try store.read { db in
        (
          own: try candidate.version.files(db), claimed: try claim?.parent.files(db) ?? [],
          base: try candidate.base?.files(db) ?? []
        )
      }
      return try store.read(.weights) { db in
        let tensors = try Self.tensors(files.own, db)
        let parentTensors = try Self.tensors(files.claimed, db)
        let baseTensors = try Self.tensors(files.base, db)
        let scan = try WeightScan(tensors, beside: parentTensors, progress: progress, db)
        return [
          FiniteGate.judge(scan),
          frozen(tensors, baseTensors),
          parentage(scan, parentHasFloats: parentTensors.contains { $0.dtype?.isFloat == true }),
          metric(),
        ]
      }
    }
  }

  /// The first parent whose weights the version claims to continue.
  private var claim: (parent: Version, relation: Parentage.Relation)? {
    candidate.parents.first { $0.relation == .finetune || $0.relation == .fork }
      .map { ($0.version, $0.relation) }
  }

  private func frozen(_ tensors: [Tensor], _ baseTensors: [Tensor]) -> Gate.Result {
    guard !candidate.freeze.isEmpty else {
      return FrozenGate.notApplicable(
        candidate.scores.run == nil
          ? "no run made this version" : "its run declared nothing frozen")
    }
    guard let base = candidate.base else { return FrozenGate.failed(candidate.freeze) }
    let gate = FrozenGate(globs: candidate.freeze, parent: base.reference)
    return gate.judge(tensors, against: baseTensors)
  }

  private func parentage(_ scan: WeightScan, parentHasFloats: Bool) -> Gate.Result {
    guard let claim else {
      guard let first = candidate.parents.first else {
        return ParentageGate.notApplicable("no parent is claimed")
      }
      return ParentageGate.notApplicable(
        "\(first.relation.rawValue) of \(first.version.reference) may change any weight",
        relation: first.relation.rawValue)
    }
    let gate = ParentageGate(
      version: candidate.version.reference, parent: claim.parent.reference,
      relation: claim.relation.rawValue)
    return gate.judge(scan, parentHasFloats: parentHasFloats)
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

  /// The tensors of all files of a version.
  private static func tensors(_ files: [VersionFile], _ db: Database) throws -> [Tensor] {
    try files.flatMap { file in
      guard try Blob.find(file.digest, db) != nil else {
        throw RegistryError(
          .corrupt, "the content of '\(file.path)' is missing", hint: "registry verify --full")
      }
      return try Tensor.list(of: file.digest, db)
    }
  }
}

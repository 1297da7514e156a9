package import Catalog
package import Foundation
import GRDB
package import Storage
package import Tracking
import Weights

extension RunSession {
  /// What is known of a run when all its processes are gone.
  package struct Ending: Sendable {
    /// A final status.
    package var status: Run.Status
    /// What the status does not say.
    package var reason: Run.Reason?
    /// How the child ended and what it cost.
    package var usage = Run.Usage()
    /// Outcomes of rules that watched it.
    package var checks: [RunCheck] = []
    /// The GPUs of the machine, a JSON array.
    package var gpu: JSON?
    /// The child's complete output.
    package var outputFile: URL
    /// The child's output folder.
    package var files: URL
    /// Which files become the version.
    package var output = OutputRule()
    /// Where the caller will keep `files` when some of them cannot be stored.
    package var keptFiles: URL?

    /// An ending with this status, and where the child's output lies.
    package init(_ status: Run.Status, outputFile: URL, files: URL) {
      self.status = status
      self.outputFile = outputFile
      self.files = files
    }
  }

  /// How a run was closed.
  package struct Closed: Sendable {
    /// The run with its final status.
    package let run: Run
    /// The version it made.
    package let version: Version?
    /// Why files of a run that ended well did not become a version.
    package let fault: RegistryError?
    /// Whether output files could not be stored, so that the output folder must stay.
    package let hasUnstoredFiles: Bool
  }

  /// Closes a run: stores its output, makes the version where there is one, and sets the status.
  ///
  /// To do it again changes nothing.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - ending: What is known of it.
  ///   - store: An open store.
  ///   - progress: Called with the bytes of the output folder and the output that are stored.
  /// - Returns: The run and its version; a run that was ended from elsewhere keeps that status.
  /// - Throws: `unavailable`; then the run is still running and its files are untouched.
  package static func finish(
    _ run: Run, _ ending: Ending, _ store: Store, progress: @escaping (Int64) -> Void = { _ in }
  ) throws -> Closed {
    try store.withContent {
      let (model, base) = try store.read { db in try lineage(of: run, db) }
      let ancestors = try store.read { try Ancestors(base.map { [$0] } ?? [], $0) }
      var work = try OutputImport(
        rule: ending.output, ancestors: ancestors, keptFiles: ending.keptFiles, to: store,
        progress: progress)
      try work.add(OutputFolder(ending.files))
      let hasOutput =
        (try? ending.outputFile.resourceValues(forKeys: [.fileSizeKey]))?.fileSize ?? 0 > 0
      let output = hasOutput ? try work.add(other: ending.outputFile) : nil
      try work.commit()
      return try store.write { db in
        let current = try Run.get(run.id, db)
        try putFacts(ending, output, work.checks, current, db)
        let isGood =
          ending.status == .finished && work.fault == nil && !work.versionFiles.isEmpty
          && (current.status == .finished || !current.status.isFinal)
        let version = try makeVersion(isGood ? work.versionFiles : [], model, current, base?.id, db)
        let kept = version == nil ? work.versionFiles + work.otherFiles : work.otherFiles
        for file in kept { try run.putArtifact(Artifact(file), db) }
        let closed = try close(current, ending, db)
        let fault = ending.status == .finished && model != nil ? work.fault : nil
        return Closed(
          run: closed, version: version, fault: fault, hasUnstoredFiles: work.hasUnstored)
      }
    }
  }

  private static func putFacts(
    _ ending: Ending, _ output: Digest?, _ checks: [RunCheck], _ run: Run, _ db: Database
  ) throws {
    var source = try RunSource.get(run, db)
    source.gpu = ending.gpu ?? source.gpu
    source.outputBlobDigest = output ?? source.outputBlobDigest
    try source.put(run, db)
    let known = try run.checks(db)
    for check in ending.checks + checks where !known.contains(check) { try run.addCheck(check, db) }
  }

  /// The version that the run made already, or makes now of these files; nil without any.
  private static func makeVersion(
    _ files: [VersionFile], _ model: Model?, _ run: Run, _ baseId: Int64?, _ db: Database
  ) throws -> Version? {
    if let made = try Version.find(runId: run.id.hex, db) { return made }
    guard let model, !files.isEmpty else { return nil }
    return try addVersion(files, model, run, baseId, db)
  }

  /// Sets the status, unless somebody did, and what the child cost, where it is known.
  private static func close(_ run: Run, _ ending: Ending, _ db: Database) throws -> Run {
    let usage = ending.usage == Run.Usage() ? run.usage : ending.usage
    let duration = usage.wallSeconds ?? run.durationSeconds
    guard run.status.isFinal else {
      return try run.finish(
        ending.status, reason: ending.reason, durationSeconds: duration, usage: usage, db)
    }
    return try run.finish(
      run.status, reason: run.reason, endTime: run.endTime ?? .now, durationSeconds: duration,
      usage: usage, db)
  }

  /// Makes a version of the files that stayed with a run.
  ///
  /// - Parameters:
  ///   - id: A run that has ended.
  ///   - name: The model, made where it does not exist; nil takes the task's.
  ///   - rule: Which of its files.
  ///   - store: An open store.
  /// - Returns: The version, a child of the run's base if it has one.
  /// - Throws: `conflict` when it made one; `refused` while it runs; `notFound` without files.
  package static func adopt(
    _ id: RunID, as name: String? = nil, rule: OutputRule = OutputRule(), _ store: Store
  ) throws -> Version {
    try store.withContent {
      try store.write { db in
        let run = try Run.get(id, db)
        if let version = try Version.find(runId: id.hex, db) {
          throw RegistryError(.conflict, "run \(id.short) made \(version.reference) already")
        }
        guard run.status.isFinal else {
          throw RegistryError(.refused, "run \(id.short) has not ended")
        }
        let (own, base) = try lineage(of: run, db)
        let files = try run.artifacts(db).filter { rule.isOfVersion($0.path) }.map(VersionFile.init)
        guard !files.isEmpty else {
          throw RegistryError(.notFound, "run \(id.short) left no files")
        }
        guard let model = try name.map({ try putModel($0, db) }) ?? own else {
          throw RegistryError(
            .notFound, "the experiment of run \(id.short) has no model",
            hint: "registry run adopt \(id.short) --model NAME")
        }
        return try addVersion(files, model, run, base?.id, db)
      }
    }
  }

  private static func putModel(_ name: String, _ db: Database) throws -> Model {
    if let model = try Model.find(name, db) { return model }
    try Name.checkNew(name, noun: "model")
    return try Model.add(name, db)
  }

  private static func lineage(
    of run: Run, _ db: Database
  ) throws -> (model: Model?, base: Version?) {
    let task = try Experiment.get(id: run.experimentId, db).task
    let base = try run.baseVersionId.flatMap { try Version.find(id: $0, db) }
    return (try task.map { try Model.get(id: $0.modelId, db) }, base)
  }

  private static func addVersion(
    _ files: [VersionFile], _ model: Model, _ run: Run, _ baseId: Int64?, _ db: Database
  ) throws -> Version {
    let parents = baseId.map { [Version.Parent($0, .finetune)] } ?? []
    let content = Version.Content(
      files: files, parents: parents, source: "run \(run.name)", runId: run.id.hex)
    let version = try Version.add(content, to: model, db)
    try run.setOutputVersion(version.id, db)
    return version
  }
}

extension Artifact {
  fileprivate init(_ file: VersionFile) {
    self.init(path: file.path, sizeBytes: file.sizeBytes, digest: file.digest)
  }
}

extension VersionFile {
  /// The file that stays with a run, under the same path.
  init(_ artifact: Artifact) {
    self.init(path: artifact.path, digest: artifact.digest, sizeBytes: artifact.sizeBytes)
  }
}

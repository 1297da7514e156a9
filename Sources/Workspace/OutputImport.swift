import Catalog
import Foundation
import Storage
import Tracking
import Weights

/// Takes the files that a run left, sorted into those of the version and the others.
struct OutputImport {
  let rule: OutputRule
  /// Files of the starting version and of what it came from, for differences.
  let ancestors: Ancestors
  /// Where the folder will be when some of its files cannot be stored.
  let keptFiles: URL?
  let progress: (Int64) -> Void

  private let work: Blob.Import
  private(set) var versionFiles: [VersionFile] = []
  private(set) var otherFiles: [VersionFile] = []
  /// The first reason why there can be no version.
  private(set) var fault: RegistryError?
  /// Whether some file is in the folder only.
  private(set) var hasUnstored = false
  private var faults: [JSON] = []
  private var isWarning = true
  private(set) var doneBytes: Int64 = 0

  init(
    rule: OutputRule, ancestors: Ancestors, keptFiles: URL? = nil, to store: Store,
    progress: @escaping (Int64) -> Void
  ) throws {
    self.rule = rule
    self.ancestors = ancestors
    work = try Blob.Import(to: store, parents: ancestors.blobs)
    self.keptFiles = keptFiles
    self.progress = progress
  }

  /// The check that tells of files that are not what they should be.
  var checks: [RunCheck] {
    guard !faults.isEmpty else { return [] }
    let evidence: JSON = [
      "keptIn": hasUnstored ? JSON(keptFiles?.path) : .null, "files": .array(faults),
    ]
    return [RunCheck(rule: "output", isWarning ? .warn : .fail, evidence: evidence)]
  }

  /// Takes all files of a folder.
  ///
  /// - Throws: `unavailable`; what is wrong with a file itself becomes a fault.
  mutating func add(_ folder: OutputFolder) throws {
    for (path, reason) in folder.skipped {
      switch reason {
      case .unreadable: noteUnstored(path, "\(path) of the output \(reason.rawValue)")
      case .noFile, .linkToFolder: note(path, reason.rawValue)
      }
    }
    for file in folder.files {
      do {
        try add(file)
      } catch let error as RegistryError
        where [.invalidInput, .denied, .notFound].contains(error.kind)
      {
        noteUnstored(file.path, error.message)
      }
    }
  }

  /// Takes a file that is none of the folder's, such as the run's output.
  mutating func add(other file: URL) throws -> Digest {
    let start = doneBytes
    let report = progress
    let added = try work.add(file) { report(start + $0) }
    doneBytes += added.sizeBytes
    return added.digest
  }

  /// Stores what has been taken; until then nothing of it is there.
  func commit() throws {
    try work.commit()
  }

  private mutating func add(_ file: OutputFolder.File) throws {
    let start = doneBytes
    let report = progress
    func store(asBytes: Bool) throws -> Blob.Added {
      try work.add(
        file.place, asBytes: asBytes, near: ancestors.blobs(at: file.path)
      ) { report(start + $0) }
    }
    if let fault = file.fault {
      note(fault, file.path)
      return take(try store(asBytes: true), file, isOfVersion: false)
    }
    do {
      take(try store(asBytes: false), file, isOfVersion: rule.isOfVersion(file.path))
    } catch let error as RegistryError where error.kind == .invalidInput {
      let added = try store(asBytes: true)
      note(error, file.path)
      take(added, file, isOfVersion: false)
    }
  }

  private mutating func take(_ added: Blob.Added, _ file: OutputFolder.File, isOfVersion: Bool) {
    doneBytes += added.sizeBytes
    let entry = VersionFile(path: file.path, digest: added.digest, sizeBytes: added.sizeBytes)
    if isOfVersion { versionFiles.append(entry) } else { otherFiles.append(entry) }
  }

  /// Notes what costs the version, where the file belongs to it.
  private mutating func note(_ error: RegistryError, _ path: String) {
    if rule.isOfVersion(path) { fault = fault ?? error }
    isWarning = false
    note(path, error.message)
  }

  private mutating func noteUnstored(_ path: String, _ message: String) {
    hasUnstored = true
    let hint = keptFiles.map { "the files are kept in \($0.path)" }
    note(RegistryError(.invalidInput, message, hint: hint), path)
  }

  private mutating func note(_ path: String, _ reason: String) {
    faults.append(["path": .string(path), "reason": .string(reason)])
  }
}

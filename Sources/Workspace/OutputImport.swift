import Catalog
import Foundation
import Storage
import Tracking
import Weights

/// Stores the files that a run left, sorted into those of the version and the others.
struct OutputImport {
  let rule: OutputRule
  /// Blobs of the starting version, for differences.
  let parents: [Digest]
  /// Where the folder will be when some of its files cannot be stored.
  let keptFiles: URL?
  let progress: (Int64) -> Void

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
    rule: OutputRule, parents: [Digest], keptFiles: URL? = nil,
    progress: @escaping (Int64) -> Void
  ) {
    self.rule = rule
    self.parents = parents
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

  /// Stores all files of a folder.
  ///
  /// - Throws: `unavailable`; what is wrong with a file itself becomes a fault.
  mutating func add(_ folder: OutputFolder, to store: Store) throws {
    for (path, reason) in folder.skipped {
      switch reason {
      case .unreadable: noteUnstored(path, "\(path) of the output \(reason.rawValue)")
      case .noFile, .linkToFolder: note(path, reason.rawValue)
      }
    }
    for file in folder.files {
      do {
        try add(file, to: store)
      } catch let error as RegistryError
        where [.invalidInput, .denied, .notFound].contains(error.kind)
      {
        noteUnstored(file.path, error.message)
      }
    }
  }

  private mutating func add(_ file: OutputFolder.File, to store: Store) throws {
    if let fault = file.fault {
      note(fault, file.path)
      return take(try addAsBytes(file, to: store), file, isOfVersion: false)
    }
    let url = URL(filePath: String(decoding: file.place, as: UTF8.self))
    let start = doneBytes
    let report = progress
    do {
      let added = try Blob.add(file: url, parents: parents, to: store) { report(start + $0) }
      take(added, file, isOfVersion: rule.isOfVersion(file.path))
    } catch let error as RegistryError where error.kind == .invalidInput {
      let added = try addAsBytes(file, to: store)
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

  /// Keeps a file that is not what its name says, under a name that promises nothing.
  private func addAsBytes(_ file: OutputFolder.File, to store: Store) throws -> Blob.Added {
    let link = FileManager.default.temporaryDirectory
      .appending(path: "registry-\([UInt8].random(count: 8).hex)")
    let target = (file.place + [0]).map(CChar.init(bitPattern:))
    guard target.withUnsafeBufferPointer({ $0.baseAddress.map { symlink($0, link.path) } }) == 0
    else { throw RegistryError(.unavailable, "\(link.path) cannot be made") }
    defer { try? FileManager.default.removeItem(at: link) }
    return try Blob.add(file: link, to: store)
  }
}

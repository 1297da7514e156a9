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
  let progress: (Int64) -> Void

  private(set) var versionFiles: [VersionFile] = []
  private(set) var otherFiles: [VersionFile] = []
  /// The first reason why there can be no version.
  private(set) var fault: RegistryError?
  private var faults: [JSON] = []
  private var doneBytes: Int64 = 0

  init(rule: OutputRule, parents: [Digest], progress: @escaping (Int64) -> Void) {
    self.rule = rule
    self.parents = parents
    self.progress = progress
  }

  /// The check that tells of files that are not what they should be.
  var checks: [RunCheck] {
    faults.isEmpty ? [] : [RunCheck(rule: "output", .fail, evidence: ["files": .array(faults)])]
  }

  /// Stores all files of a folder.
  ///
  /// - Throws: `unavailable`; what is wrong with a file itself becomes a fault.
  mutating func add(_ found: FolderFile.Found, to store: Store) throws {
    for (path, error) in found.faults { note(path, error) }
    for file in found.files {
      let start = doneBytes
      let report = progress
      let isOfVersion = rule.isOfVersion(file.path)
      do {
        let added = try Blob.add(file: file.url, parents: parents, to: store) {
          report(start + $0)
        }
        take(added, file, isOfVersion: isOfVersion)
      } catch let error as RegistryError where error.kind == .invalidInput {
        note(file.path, error)
        take(try addAsBytes(file.url, to: store), file, isOfVersion: false)
      } catch let error as RegistryError where error.kind == .denied || error.kind == .notFound {
        note(file.path, error)
      }
    }
  }

  private mutating func take(_ added: Blob.Added, _ file: FolderFile, isOfVersion: Bool) {
    doneBytes += added.sizeBytes
    let entry = VersionFile(path: file.path, digest: added.digest, sizeBytes: added.sizeBytes)
    if isOfVersion { versionFiles.append(entry) } else { otherFiles.append(entry) }
  }

  private mutating func note(_ path: String, _ error: RegistryError) {
    if rule.isOfVersion(path) { fault = fault ?? error }
    faults.append(["path": .string(path), "reason": .string(error.message)])
  }

  /// Keeps a file that is not what its name says, under a name that promises nothing.
  private func addAsBytes(_ file: URL, to store: Store) throws -> Blob.Added {
    let link = FileManager.default.temporaryDirectory
      .appending(path: "registry-\([UInt8].random(count: 8).hex)")
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
    defer { try? FileManager.default.removeItem(at: link) }
    return try Blob.add(file: link, to: store)
  }
}

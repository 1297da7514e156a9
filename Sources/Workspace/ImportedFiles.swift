package import Catalog
import Foundation
import GRDB
package import Storage
import Weights

/// Files whose bytes are in the store but that nothing names yet.
package struct ImportedFiles: Sendable {
  /// The files in the order of the list.
  package let files: [VersionFile]
  /// The bytes that the store grew by.
  package let storedBytes: Int64

  /// Stores the content of files, as differences to parents where that is smaller.
  ///
  /// The caller holds `Store.withContent` until it has committed the version that names the files.
  ///
  /// - Parameters:
  ///   - found: The files, at least one.
  ///   - parents: Versions whose content is like theirs.
  ///   - store: An open store.
  ///   - progress: Called as bytes are done.
  /// - Returns: The files with their digests.
  /// - Throws: `invalidInput` without files, for malformed ones and for paths that no version takes.
  package static func add(
    _ found: [FolderFile], parents: [Version], to store: Store,
    progress: (VersionImport.Progress) -> Void = { _ in }
  ) throws -> ImportedFiles {
    guard !found.isEmpty else {
      throw RegistryError(
        .invalidInput, "the folder has no files", hint: "name a folder with files")
    }
    for file in found { try VersionFile.checkPath(file.path) }
    try ShardIndex.check(found)
    let ancestors = try store.read { try Ancestors(parents, $0) }
    let work = try Blob.Import(to: store, parents: ancestors.blobs)
    let totalBytes = try sizeBytes(ofAll: found)
    var doneBytes: Int64 = 0
    var storedBytes: Int64 = 0
    let files = try found.map { file in
      let near = ancestors.blobs(at: file.path)
      let added = try work.add(file.url, near: near) { done in
        progress(.init(path: file.path, doneBytes: doneBytes + done, totalBytes: totalBytes))
      }
      doneBytes += added.sizeBytes
      storedBytes += added.storedBytes
      return VersionFile(path: file.path, digest: added.digest, sizeBytes: added.sizeBytes)
    }
    try work.commit()
    return ImportedFiles(files: files, storedBytes: storedBytes)
  }

  /// The sum of the sizes, each no more than a blob may have.
  private static func sizeBytes(ofAll files: [FolderFile]) throws(RegistryError) -> Int64 {
    var sum: Int64 = 0
    for file in files {
      let (total, overflows) = sum.addingReportingOverflow(file.sizeBytes)
      guard file.sizeBytes <= Blob.sizeBytesMax, !overflows else {
        throw RegistryError(
          .invalidInput, "'\(file.path.excerpt)' has \(file.sizeBytes) bytes, more than any model")
      }
      sum = total
    }
    return sum
  }
}

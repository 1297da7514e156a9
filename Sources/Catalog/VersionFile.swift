import GRDB
package import Storage
import Weights

/// A file of a version: a path, which is only a key, and the bytes' digest.
package struct VersionFile: Sendable, Equatable {
  /// Relative, parted by `/`; compare its `utf8`.
  package let path: String
  /// The SHA-256 of the file, a blob of Weights.
  package let digest: Digest
  /// The size of the file.
  package let sizeBytes: Int64

  /// Makes a file of a version to come.
  package init(path: String, digest: Digest, sizeBytes: Int64) {
    self.path = path
    self.digest = digest
    self.sizeBytes = sizeBytes
  }

  /// The most bytes of a path.
  package static let pathBytesMax = 1024

  init(row: Row) throws(RegistryError) {
    path = try row.value("path")
    digest = try row.value("contentBlobDigest")
    sizeBytes = try row.value("sizeBytes")
    guard (0...Blob.sizeBytesMax).contains(sizeBytes) else {
      throw RegistryError(.corrupt, "the file '\(path.excerpt)' has an impossible size")
    }
  }

  /// Refuses a path that could leave a folder it is exported to, or that no listing could show.
  ///
  /// - Parameter path: Relative, parted by `/`.
  /// - Throws: `invalidInput` for an absolute or overlong path, empty, `.` and `..` segments, backslashes, control characters.
  package static func checkPath(_ path: String) throws(RegistryError) {
    func refusal(_ what: String) -> RegistryError {
      RegistryError(.invalidInput, "the path '\(shown(path))' \(what)")
    }
    guard !path.utf8.isEmpty else { throw RegistryError(.invalidInput, "a path is empty") }
    guard path.utf8.count <= pathBytesMax else {
      throw refusal("has \(path.utf8.count) bytes, \(pathBytesMax) are the most")
    }
    guard path.utf8.first != 47 else { throw refusal("is absolute") }
    guard !path.utf8.contains(92) else { throw refusal("has a backslash") }
    guard !path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else { throw refusal("has a control character") }
    for segment in path.utf8.split(separator: 47, omittingEmptySubsequences: false) {
      switch String(decoding: segment, as: UTF8.self) {
      case "": throw refusal("has an empty segment")
      case ".", "..": throw refusal("has a '.' or '..' segment")
      default: guard segment.count <= 255 else { throw refusal("has a segment over 255 bytes") }
      }
    }
  }

  /// Refuses files that cannot stand beside each other in one folder.
  ///
  /// - Parameter files: All files of a version.
  /// - Throws: `invalidInput` without files, for a bad path, a path that stands twice, or one that is a file and a folder.
  package static func check(_ files: [VersionFile]) throws(RegistryError) {
    guard !files.isEmpty else { throw RegistryError(.invalidInput, "a version needs a file") }
    var paths: Set<[UInt8]> = []
    for file in files {
      try checkPath(file.path)
      guard file.sizeBytes >= 0, paths.insert(Array(file.path.utf8)).inserted else {
        throw RegistryError(.invalidInput, "the path '\(shown(file.path))' stands twice")
      }
    }
    for path in paths {
      for (index, byte) in path.enumerated() where byte == 47 {
        guard !paths.contains(Array(path[..<index])) else {
          let folder = String(decoding: path[..<index], as: UTF8.self)
          throw RegistryError(.invalidInput, "the path '\(folder)' is a file and a folder")
        }
      }
    }
  }

  /// The path without what could disturb a terminal, cut to a line.
  private static func shown(_ path: String) -> String {
    path.unicodeScalars.prefix(80).map { scalar in
      scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(Character(scalar))
    }.joined()
  }
}

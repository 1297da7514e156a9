import Catalog
package import Foundation
package import Storage

/// A file found in a folder, under the path that it will have in a version.
package struct FolderFile: Sendable, Equatable {
  /// Relative to the folder, parted by `/`.
  package let path: String
  /// Where it is.
  package let url: URL
  /// Its size when it was found.
  package let sizeBytes: Int64

  /// What no version keeps.
  package static let skipped: Set<String> = [".git", ".registry", ".DS_Store", "__pycache__"]

  /// Lists the files of a folder in byte order of their paths.
  ///
  /// Links to files are followed, as Hugging Face's cache has them; links to folders are refused, so there is no loop.
  ///
  /// - Parameters:
  ///   - root: A folder, or one file.
  ///   - skipped: Names of files and folders to leave out, wherever they are.
  /// - Returns: The files; none of an empty folder.
  /// - Throws: `notFound`; `invalidInput` for sockets, devices, broken links, links to folders and names that no version takes.
  package static func list(
    _ root: URL, skipping skipped: Set<String> = skipped
  ) throws(RegistryError) -> [FolderFile] {
    guard let status = FileStatus(following: root.path) else {
      throw RegistryError(.notFound, "no file or folder \(root.path)")
    }
    if status.kind == .file {
      return [FolderFile(path: root.lastPathComponent, url: root, sizeBytes: status.sizeBytes)]
    }
    guard status.kind == .folder else {
      throw RegistryError(.invalidInput, "\(root.path) is neither a file nor a folder")
    }
    let found = OutputFolder(root.resolvingSymlinksInPath(), skipping: skipped)
    if let first = found.skipped.first { throw fault(first.reason, root, first.path) }
    return try found.files.map { file throws(RegistryError) in
      if let fault = file.fault { throw fault }
      let url = URL(filePath: String(decoding: file.place, as: UTF8.self))
      return FolderFile(path: file.path, url: url, sizeBytes: file.sizeBytes)
    }
  }

  private static func fault(
    _ reason: OutputFolder.Reason, _ root: URL, _ path: String
  ) -> RegistryError {
    let place = path.isEmpty ? root : root.appending(path: path)
    let sentence = "\(place.path) \(reason.rawValue)"
    return switch reason {
    case .unreadable: RegistryError(.denied, sentence)
    case .noFile: RegistryError(.invalidInput, sentence)
    case .linkToFolder:
      RegistryError(.invalidInput, sentence, hint: "put the folder there itself")
    }
  }
}

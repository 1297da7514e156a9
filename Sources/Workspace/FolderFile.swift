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
  ///   - excluding: Which relative paths of files or folders to leave out, beside `skipped`.
  /// - Returns: The files; none of an empty folder.
  /// - Throws: `notFound`; `invalidInput` for sockets, devices, broken links, links to folders and names that no version takes.
  package static func list(
    _ root: URL, excluding: (String) -> Bool = { _ in false }
  ) throws(RegistryError) -> [FolderFile] {
    guard let status = FileStatus(following: root.path) else {
      throw RegistryError(.notFound, "no file or folder \(root.path)")
    }
    if status.kind == .file {
      return [FolderFile(path: root.lastPathComponent, url: root, sizeBytes: status.sizeBytes)]
    }
    let root = root.resolvingSymlinksInPath()
    guard status.kind == .folder else {
      throw RegistryError(.invalidInput, "\(root.path) is neither a file nor a folder")
    }
    var files: [FolderFile] = []
    var folders = [""]
    while let folder = folders.popLast() {
      let parent = folder.isEmpty ? root : root.appending(path: folder)
      for name in try FileStatus.names(in: parent) where !skipped.contains(name) {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        if excluding(path) { continue }
        let url = parent.appending(path: name)
        guard let entry = FileStatus(following: url.path) else {
          throw RegistryError(.invalidInput, "\(url.path) is a link to nothing")
        }
        switch entry.kind {
        case .file:
          try VersionFile.checkPath(path)
          files.append(FolderFile(path: path, url: url, sizeBytes: entry.sizeBytes))
        case .folder where entry.isLink:
          throw RegistryError(
            .invalidInput, "\(url.path) is a link to a folder", hint: "put the folder there itself")
        case .folder:
          try VersionFile.checkPath(path)
          folders.append(path)
        case .other:
          throw RegistryError(.invalidInput, "\(url.path) is neither a file nor a folder")
        }
      }
    }
    return files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }
}

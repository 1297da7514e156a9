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

  /// What is found in a folder, whatever is wrong with some of it.
  struct Found {
    /// The files in byte order of their paths.
    var files: [FolderFile] = []
    /// What no version takes, by relative path.
    var faults: [(path: String, error: RegistryError)] = []
  }

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
    let found = find(in: root, skipping: skipped)
    if let first = found.faults.first { throw first.error }
    return found.files
  }

  /// Finds the files of a folder, which need not exist; links are treated as in `list`.
  static func find(in root: URL, skipping skipped: Set<String> = skipped) -> Found {
    let root = root.resolvingSymlinksInPath()
    var found = Found()
    guard FileStatus(following: root.path) != nil else { return found }
    var folders = [""]
    while let folder = folders.popLast() {
      let place = folder.isEmpty ? root : root.appending(path: folder)
      do throws(RegistryError) {
        let names = try FileStatus.namesAsFound(in: place)
        for name in names where !skipped.contains(name.text) {
          let path = folder.isEmpty ? name.text : "\(folder)/\(name.text)"
          if found.take(path, name, place) { folders.append(path) }
        }
      } catch {
        found.faults.append((folder, error))
      }
    }
    found.files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return found
  }
}

extension FolderFile.Found {
  /// Sorts one entry of a folder in; true when it is a folder to look into.
  fileprivate mutating func take(_ path: String, _ name: FileStatus.Name, _ place: URL) -> Bool {
    do throws(RegistryError) {
      guard name.isText else {
        throw RegistryError(
          .invalidInput, "\(place.path) has a file whose name is not UTF-8",
          hint: "rename it: \(name.text)")
      }
      let url = place.appending(path: name.text)
      guard let entry = FileStatus(following: url.path) else {
        throw RegistryError(.invalidInput, "\(url.path) is a link to nothing")
      }
      try VersionFile.checkPath(path)
      switch entry.kind {
      case .file:
        files.append(FolderFile(path: path, url: url, sizeBytes: entry.sizeBytes))
      case .folder where entry.isLink:
        throw RegistryError(
          .invalidInput, "\(url.path) is a link to a folder", hint: "put the folder there itself")
      case .folder:
        return true
      case .other:
        throw RegistryError(.invalidInput, "\(url.path) is neither a file nor a folder")
      }
    } catch {
      faults.append((path, error))
    }
    return false
  }
}

import Catalog
import Foundation
import Storage

/// The files that a child left in `REGISTRY_OUTPUT_DIR`.
struct OutputFolder {
  /// A regular file, or a symbolic link to one.
  struct File {
    /// Relative to the folder, parts joined by `/`.
    let path: String
    let url: URL
  }

  /// In byte order of their paths.
  private(set) var files: [File] = []
  /// What is no file or has a name that no version may hold: the path and the reason.
  private(set) var skipped: [(path: String, reason: String)] = []

  /// Lists a folder, which need not exist; links to folders are not followed.
  init(_ folder: URL) {
    var open = [""]
    while let prefix = open.popLast() {
      let place = prefix.isEmpty ? folder : folder.appending(path: prefix)
      let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
      for name in names {
        let path = prefix.isEmpty ? name : prefix + "/" + name
        take(path, folder.appending(path: path)).map { open.append($0) }
      }
    }
    files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// Sorts one entry in; the path itself when it is a folder to look into.
  private mutating func take(_ path: String, _ url: URL) -> String? {
    var entry = stat()
    guard lstat(url.path, &entry) == 0 else {
      skipped.append((path, "cannot be read"))
      return nil
    }
    if entry.st_mode & S_IFMT == S_IFDIR { return path }
    guard stat(url.path, &entry) == 0, entry.st_mode & S_IFMT == S_IFREG else {
      skipped.append((path, "is not a file"))
      return nil
    }
    do throws(RegistryError) {
      try VersionFile.checkPath(path)
      files.append(File(path: path, url: url))
    } catch {
      skipped.append((path, error.message))
    }
    return nil
  }
}

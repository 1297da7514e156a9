import Foundation
package import Storage

/// Which of the files that a run leaves become the version; the others stay with the run.
package struct OutputRule: Sendable, Equatable {
  /// Globs of paths that belong to the version although they would not.
  package var includes: [String] = []
  /// Globs of paths that do not belong to the version.
  package var excludes: [String] = []

  /// Everything except for folders `checkpoint-*/` and what no import takes, at any depth.
  package init() {}

  /// Reads what `json` wrote.
  package init(_ json: JSON) {
    includes = (json["includes"]?.array ?? []).compactMap(\.string)
    excludes = (json["excludes"]?.array ?? []).compactMap(\.string)
  }

  /// The rule as an object.
  package var json: JSON {
    [
      "includes": .array(includes.map(JSON.string)), "excludes": .array(excludes.map(JSON.string)),
    ]
  }

  /// Whether the file at a path belongs to the version; an exclusion wins.
  ///
  /// A glob matches the whole path or a folder above it; `*` matches `/` too.
  package func isOfVersion(_ path: String) -> Bool {
    func matches(_ globs: [String]) -> Bool {
      globs.contains { glob in
        let folder = glob.hasSuffix("/") ? String(glob.dropLast()) : glob
        return fnmatch(folder, path, 0) == 0 || fnmatch(folder + "/*", path, 0) == 0
      }
    }
    if matches(excludes) { return false }
    if matches(includes) { return true }
    if path.split(separator: "/").contains(where: { FolderFile.skipped.contains(String($0)) }) {
      return false
    }
    return fnmatch("checkpoint-*/*", path, 0) != 0 && fnmatch("*/checkpoint-*/*", path, 0) != 0
  }
}

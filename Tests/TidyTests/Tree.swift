import Foundation

/// The files of this checkout, as the rules see them.
enum Tree {
  /// A text file with its place.
  struct File {
    /// Relative to the root of the checkout: `Sources/Storage/Store.swift`.
    let path: String
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// The room of a source file: the folder below `Sources`.
    var room: String? {
      let parts = path.split(separator: "/")
      return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
  }

  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every text file below a folder with one of the endings.
  static func files(in folders: String..., endings: Set<String>) throws -> [File] {
    var files: [File] = []
    for folder in folders {
      let paths = try FileManager.default.subpathsOfDirectory(
        atPath: root.appending(path: folder).path)
      for path in paths where endings.contains((path as NSString).pathExtension) {
        let url = root.appending(path: folder).appending(path: path)
        files.append(
          File(path: folder + "/" + path, text: try String(contentsOf: url, encoding: .utf8)))
      }
    }
    return files.sorted { $0.path < $1.path }
  }

  /// All Swift of the product and its tests.
  static func swift() throws -> [File] {
    try files(in: "Sources", "Tests", "schema", endings: ["swift"]) + [file("Package.swift")]
  }

  /// The migrations.
  static func sql() throws -> [File] {
    try files(in: "schema", endings: ["sql"])
  }

  static func file(_ path: String) throws -> File {
    File(path: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
  }
}

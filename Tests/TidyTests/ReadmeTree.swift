import Foundation

/// The map in the README: the fenced block after the line `<!-- tree -->`.
///
/// Each of its lines is a path and what it is, two or more blanks apart; a line further in lies in the
/// folder above it. It names everything at the top, and every folder of `Sources` and `Tests`.
enum ReadmeTree {
  static let marker = "<!-- tree -->"

  static func paths(_ readme: String) -> [String]? {
    guard let start = readme.range(of: marker)?.upperBound,
      let block = readme[start...].firstMatch(of: #/```\w*\n([^`]*)```/#)
    else { return nil }
    var folders: [(indent: Int, path: String)] = []
    return block.1.split(separator: "\n").map { line in
      let indent = line.prefix { $0 == " " }.count
      let name = line.dropFirst(indent).prefix { $0 != " " }
      folders.removeAll { $0.indent >= indent }
      let path = (folders.last?.path ?? "") + (name.hasSuffix("/") ? name.dropLast() : name)
      folders.append((indent, path + "/"))
      return path
    }
  }

  static func faults(_ readme: String) -> [String] {
    guard let paths = paths(readme) else { return ["README.md has no tree after \(marker)"] }
    let files = FileManager.default
    func entries(_ folder: String) -> [String] {
      let all =
        (try? files.contentsOfDirectory(atPath: Tree.root.appending(path: folder).path)) ?? []
      let ignored = ["Package.resolved", "registry-demo"]  // by .gitignore
      return all.filter { !$0.hasPrefix(".") && !ignored.contains($0) }
    }
    func isFolder(_ path: String) -> Bool {
      let type = try? files.attributesOfItem(atPath: Tree.root.appending(path: path).path)[.type]
      return type as? FileAttributeType == .typeDirectory
    }
    let missing = paths.filter { !files.fileExists(atPath: Tree.root.appending(path: $0).path) }
    var expected = entries("").filter { $0 != "README.md" }
    for folder in ["Sources", "Tests"] {
      expected += entries(folder).map { folder + "/" + $0 }.filter(isFolder)
    }
    return missing.map { "README.md names \($0), which is not there" }
      + expected.filter { !paths.contains($0) }.sorted().map { "README.md does not name \($0)" }
  }
}

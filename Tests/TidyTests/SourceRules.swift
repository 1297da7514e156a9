import Foundation

/// The rules for one source file; each returns its faults as sentences with the place.
enum SourceRules {
  static let fileLinesMax = 500
  static let functionLinesMax = 60
  static let lineWidthMax = 100
  static let summaryWidthMax = 150  // a doc comment's first sentence stays on its line

  /// Sizes of files, functions and lines.
  static func sizes(_ file: Tree.File) -> [String] {
    var faults: [String] = []
    let lines = file.lines
    if lines.count - 1 > fileLinesMax {
      faults.append("\(file.path): \(lines.count - 1) lines, at most \(fileLinesMax)")
    }
    for (number, line) in lines.enumerated() {
      let isComment = line.drop { $0 == " " }.starts(with: "///")
      let width = isComment ? line.drop { $0 == " " }.dropFirst(4).count : line.count
      if width > (isComment ? summaryWidthMax : lineWidthMax) {
        faults.append("\(file.path):\(number + 1): \(width) columns")
      }
    }
    return faults + longFunctions(file)
  }

  /// A formatted function ends at the brace in its own column.
  private static func longFunctions(_ file: Tree.File) -> [String] {
    let lines = SwiftCode(file.text).lines
    return lines.indices.compactMap { start in
      let line = lines[start]
      guard line.contains(#/^ *(\w+(\(\w+\))? )*(func |init[?(<]|deinit|subscript[(<])/#),
        line.drop(while: { $0 == " " }).first != "."
      else { return nil }
      let indent = String(line.prefix { $0 == " " })
      let end = lines[start...].dropFirst().firstIndex { other in
        !other.isEmpty && !other.hasPrefix(indent + " ") && !other.hasPrefix(indent + ")")
      }
      guard let end, lines[end] == indent + "}", end - start + 1 > functionLinesMax else {
        return nil
      }
      return "\(file.path):\(start + 1): a function of \(end - start + 1) lines"
    }
  }

  private static let banned: [(pattern: String, reason: String)] = [
    (#"\btry!"#, "try!"), (#"\bas!"#, "as!"), (#"\bfatalError\b"#, "fatalError"),
    (#"@unchecked\b"#, "@unchecked"), (#"nonisolated\(unsafe\)"#, "nonisolated(unsafe)"),
    (#"@testable\b"#, "@testable"),
    (#"^\s*(public|open) (\w+ )*(class|func|var|let|init|struct|enum|protocol)\b"#, "public"),
    (#"\bPersistableRecord\b"#, "records that write tables behind SQL's back"),
    (#"\b(class|struct|enum|protocol|actor) \w*(Manager|Helper|Utils|Impl)\b"#, "an empty name"),
  ]

  /// Calls and words that are not used here.
  static func bannedCalls(_ file: Tree.File) -> [String] {
    var faults: [String] = []
    for (number, line) in SwiftCode(file.text).lines.enumerated() {
      for (pattern, reason) in banned
      where line.range(of: pattern, options: .regularExpression) != nil {
        faults.append("\(file.path):\(number + 1): \(reason)")
      }
      let mayPrint = file.room == nil || file.room == "RegistryCommand"
      if !mayPrint, line.contains(#/\b(print|debugPrint|dump|NSLog)\(/#) {
        faults.append("\(file.path):\(number + 1): only RegistryCommand prints")
      }
    }
    for (number, line) in file.lines.enumerated()
    where line.contains(#/\/\/.*\b(TO[D]O|FIX[M]E|XX[X])\b/#) {
      faults.append("\(file.path):\(number + 1): an unfinished thing belongs in an issue")
    }
    return faults
  }

  /// Witnesses of well-known protocols say nothing that the protocol does not say.
  private static let witness = [
    #"\b(var (description|databaseValue)\b"#, #"func (fromDatabaseValue|hash|encode|next)\b"#,
    #"func [<=]=? ?\("#, #"init\(\w+Literal\b)"#,
  ].joined(separator: "|")

  /// Every `package` declaration has a doc comment.
  static func undocumented(_ file: Tree.File) -> [String] {
    let lines = file.lines
    let code = SwiftCode(file.text).lines
    return code.indices.compactMap { index in
      let line = code[index].drop { $0 == " " }
      guard line.hasPrefix("package "), !line.hasPrefix("package import "),
        line.range(of: witness, options: .regularExpression) == nil
      else { return nil }
      let above = lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") }
      let isDocumented = above?.drop { $0 == " " }.hasPrefix("///") ?? false
      return isDocumented ? nil : "\(file.path):\(index + 1): no doc comment"
    }
  }
}

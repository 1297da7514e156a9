/// The rules for names of models, experiments and runs.
package enum Name {
  /// Words that a reference or a subcommand of `run` already means.
  package static let reserved: Set<String> = [
    "latest", "best", "last",
    "add", "adopt", "delete", "diff", "edit", "export", "finish", "help", "import", "list", "log",
    "ls", "restore", "rm", "scrape", "set", "show", "start", "tag",
  ]

  /// Refuses what no store may hold: a name is 1–255 bytes without control characters, `:`, `@`, `^`, `~`, `//`.
  ///
  /// - Parameters:
  ///   - name: The name as another tool's client may bring it.
  ///   - noun: What is named, for the message: `model`.
  /// - Throws: `invalidInput`.
  package static func check(_ name: String, noun: String) throws(RegistryError) {
    let bytes = name.utf8
    guard !bytes.isEmpty else { throw RegistryError(.invalidInput, "the \(noun)'s name is empty") }
    guard bytes.count <= 255 else {
      throw RegistryError(
        .invalidInput, "the \(noun)'s name has \(bytes.count) bytes, 255 are the most")
    }
    for scalar in name.unicodeScalars where isForbidden(scalar) {
      let shown =
        scalar.properties.generalCategory == .control
        ? "a control character" : "'\(Character(scalar))'"
      throw RegistryError(
        .invalidInput, "the \(noun) name \(quoted(name)) has \(shown), which references need")
    }
    guard !zip(bytes, bytes.dropFirst()).contains(where: { $0 == 47 && $1 == 47 }) else {
      throw RegistryError(
        .invalidInput, "the \(noun) name \(quoted(name)) has '//', which references need")
    }
  }

  /// Refuses what the command line does not create: other than `[org/]name` of letters, digits, `.`, `_`, `-`.
  ///
  /// - Parameters:
  ///   - name: The name that a person typed.
  ///   - noun: What is named, for the message: `model`.
  /// - Throws: `invalidInput` also for words with a meaning of their own (`reserved`, `v3`).
  package static func checkNew(_ name: String, noun: String) throws(RegistryError) {
    try check(name, noun: noun)
    let parts = name.utf8.split(separator: 47, omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy(isPlain), let last = parts.last else {
      throw RegistryError(
        .invalidInput, "\(quoted(name)) cannot be the name of a new \(noun)",
        hint: "use letters, digits, '.', '_' and '-', starting with a letter or digit; "
          + "'org/' may precede")
    }
    let word = String(decoding: last, as: UTF8.self)
    let isVersion = last.count > 1 && last.first == 118 && last.dropFirst().allSatisfy(isDigit)
    guard !isVersion, !reserved.contains(word) else {
      throw RegistryError(
        .invalidInput, "'\(word)' is reserved and cannot name a \(noun)",
        hint: "choose another name")
    }
  }

  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case ":", "@", "^", "~": true
    default: scalar.properties.generalCategory == .control
    }
  }

  private static func isPlain(_ part: Substring.UTF8View) -> Bool {
    guard let first = part.first, isAlphanumeric(first) else { return false }
    return part.allSatisfy { isAlphanumeric($0) || $0 == 46 || $0 == 95 || $0 == 45 }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

  /// The name in quotes, without what could disturb a terminal.
  private static func quoted(_ name: String) -> String {
    let visible = name.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(Character(scalar))
    }
    return "'" + visible.joined() + "'"
  }
}

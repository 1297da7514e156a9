import Catalog
import Storage

/// Cuts a reference from its outside to its inside: the scheme, the file, the parents, then what is left.
struct ReferenceParser {
  let text: String

  typealias Parts = (subject: Reference.Subject, parents: [Int64], path: String?)

  func parse() throws(RegistryError) -> Parts {
    let bytes = Array(text.utf8)
    if let rest = rest(of: bytes, after: "runs:/") { return try run(rest) }
    let models = rest(of: bytes, after: "models:/")
    let (body, path) = try cutPath(models ?? bytes)
    let (head, parents) = try cutParents(body)
    guard !head.isEmpty, models?.first != 47 else { throw fault("the name is missing") }
    let subject = try models == nil ? plain(head) : model(head)
    if case .content = subject, path != nil || !parents.isEmpty {
      throw fault("content by digest has no parents and no files")
    }
    return (subject, parents, path)
  }

  /// `runs:/id` or `runs:/id/path`.
  private func run(_ rest: [UInt8]) throws(RegistryError) -> Parts {
    let parts = rest.split(separator: 47, maxSplits: 1, omittingEmptySubsequences: false)
    let id = String(decoding: parts.first ?? [], as: UTF8.self).lowercased()
    guard (4...32).contains(id.utf8.count), id.utf8.allSatisfy(Self.isHex) else {
      throw fault("a run's id has 4 to 32 hex digits")
    }
    guard parts.count == 2, !parts[1].isEmpty else { return (.run(id), [], nil) }
    return (.run(id), [], try checked(path: parts[1]))
  }

  /// After `models:/`: `name`, `name/3`, `name/latest` or `name@alias`.
  private func model(_ head: [UInt8]) throws(RegistryError) -> Reference.Subject {
    if head.contains(64) { return try alias(head) }
    guard let slash = head.lastIndex(of: 47) else { return .model(try name(head[...])) }
    let last = head[(slash + 1)...]
    if last.elementsEqual("latest".utf8) { return .model(try name(head[..<slash])) }
    if let number = Self.number(last) {
      return .version(model: try name(head[..<slash]), number: number)
    }
    return .model(try name(head[...]))
  }

  private func plain(_ head: [UInt8]) throws(RegistryError) -> Reference.Subject {
    if let digits = rest(of: head, after: "sha256:") {
      guard (6...64).contains(digits.count), digits.allSatisfy(Self.isHex) else {
        throw fault("a digest has 6 to 64 lower-case hex digits")
      }
      return .content(String(decoding: digits, as: UTF8.self))
    }
    if head.contains(64) { return try alias(head) }
    if let colon = head.firstIndex(of: 58) {
      let model = try name(head[..<colon])
      var digits = head[(colon + 1)...]
      if digits.elementsEqual("latest".utf8) { return .model(model) }
      if digits.first == 118 { digits = digits.dropFirst() }
      guard let number = Self.number(digits) else {
        throw fault("after ':' comes a version's number")
      }
      return .version(model: model, number: number)
    }
    return try word(head)
  }

  /// `best`, `last`, `last~2`, these after a task, or a name.
  private func word(_ head: [UInt8]) throws(RegistryError) -> Reference.Subject {
    let (body, back) = try cutBack(head)
    let slash = body.lastIndex(of: 47)
    let word = slash.map { body[($0 + 1)...] } ?? body[...]
    let isLast = word.elementsEqual("last".utf8)
    guard isLast || back == nil else { throw fault("'~' follows an alias or 'last'") }
    guard isLast || word.elementsEqual("best".utf8) else { return .name(try name(body[...])) }
    var task: String?
    if let slash { task = try name(body[..<slash]) }
    return isLast ? .last(task: task, back: back ?? 0) : .best(task: task)
  }

  /// `name@alias` or `name@alias~n`.
  private func alias(_ head: [UInt8]) throws(RegistryError) -> Reference.Subject {
    let parts = head.split(separator: 64, omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw fault("'@' stands once") }
    let (word, back) = try cutBack(Array(parts[1]))
    let alias = String(decoding: word, as: UTF8.self)
    let model = try name(parts[0])
    if word.elementsEqual("latest".utf8), back == nil { return .model(model) }
    guard (try? Alias.checkName(alias)) != nil else {
      throw fault("after '@' comes an alias of letters, digits, '_' and '-'")
    }
    return .alias(model: model, name: alias, back: back ?? 0)
  }

  /// Cuts `//path` off.
  private func cutPath(_ bytes: [UInt8]) throws(RegistryError) -> ([UInt8], String?) {
    let slashes = bytes.indices.dropLast().first { bytes[$0] == 47 && bytes[$0 + 1] == 47 }
    guard let slashes else { return (bytes, nil) }
    return (Array(bytes[..<slashes]), try checked(path: bytes[(slashes + 2)...]))
  }

  /// Cuts `^`, `^2`, `^^2` off.
  private func cutParents(_ bytes: [UInt8]) throws(RegistryError) -> ([UInt8], [Int64]) {
    guard let first = bytes.firstIndex(of: 94) else { return (bytes, []) }
    var parents: [Int64] = []
    for digits in bytes[(first + 1)...].split(separator: 94, omittingEmptySubsequences: false) {
      guard let number = digits.isEmpty ? 1 : Self.number(digits) else {
        throw fault("after '^' comes nothing or a parent's number")
      }
      parents.append(number)
    }
    guard parents.count <= 100 else { throw fault("more than 100 parents") }
    return (Array(bytes[..<first]), parents)
  }

  /// Cuts `~` or `~n` off.
  private func cutBack(_ bytes: [UInt8]) throws(RegistryError) -> ([UInt8], Int64?) {
    guard let tilde = bytes.firstIndex(of: 126) else { return (bytes, nil) }
    let digits = bytes[(tilde + 1)...]
    if digits.isEmpty { return (Array(bytes[..<tilde]), 1) }
    if digits.elementsEqual([48]) { return (Array(bytes[..<tilde]), 0) }
    guard let number = Self.number(digits) else { throw fault("after '~' comes a number") }
    return (Array(bytes[..<tilde]), number)
  }

  private func name(_ bytes: ArraySlice<UInt8>) throws(RegistryError) -> String {
    let name = String(decoding: bytes, as: UTF8.self)
    do {
      try Name.check(name, noun: "model")
    } catch {
      throw fault(error.message)
    }
    return name
  }

  private func checked(path bytes: ArraySlice<UInt8>) throws(RegistryError) -> String {
    let path = String(decoding: bytes, as: UTF8.self)
    do { try VersionFile.checkPath(path) } catch { throw fault(error.message) }
    return path
  }

  private func fault(_ what: String) -> RegistryError {
    let shown = text.unicodeScalars.prefix(120).map { scalar in
      scalar.properties.generalCategory == .control ? "\u{FFFD}" : String(Character(scalar))
    }.joined()
    return RegistryError(
      .invalidInput, "'\(shown)' is no reference: \(what)",
      hint: "name, name:3, name@alias, name:3^, TASK/best, a run's name or id")
  }

  private func rest(of bytes: [UInt8], after prefix: String) -> [UInt8]? {
    bytes.starts(with: prefix.utf8) ? Array(bytes.dropFirst(prefix.utf8.count)) : nil
  }

  /// 1 to 18 digits that do not start with 0.
  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    guard (1...18).contains(digits.count), digits.first != 48,
      digits.allSatisfy({ (48...57).contains($0) })
    else { return nil }
    return Int64(String(decoding: digits, as: UTF8.self))
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte)
  }
}

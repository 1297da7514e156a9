import Foundation

/// The processes below one process, as the system shows them.
enum Descendants {
  /// Children, their children and so on; empty where there is no `/proc`.
  ///
  /// - Complexity: One small read a process of the machine.
  static func of(_ ancestor: pid_t) -> [pid_t] {
    var children = children()
    var found: [pid_t] = []
    var open = [ancestor]
    while let next = open.popLast() {
      let below = children.removeValue(forKey: next) ?? []
      found += below
      open += below
    }
    return found
  }

  /// Children alone; see the other.
  static func children(of parent: pid_t) -> [pid_t] { children()[parent] ?? [] }

  /// The process itself, its parent, its parent's parent and so on.
  static func ancestors(of process: pid_t) -> Set<pid_t> {
    var found: Set = [process]
    var next = process
    while let parent = parent(of: next), parent > 0, found.insert(parent).inserted { next = parent }
    return found
  }

  private static func children() -> [pid_t: [pid_t]] {
    var children: [pid_t: [pid_t]] = [:]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    for name in names {
      guard let process = pid_t(name), let parent = parent(of: process) else { continue }
      children[parent, default: []].append(process)
    }
    return children
  }

  /// The second number after the program's name, which may itself hold blanks and brackets.
  private static func parent(of process: pid_t) -> pid_t? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat"),
      let nameEnd = data.lastIndex(of: 41)
    else { return nil }
    let fields = data[nameEnd...].split(separator: 32)
    return fields.count > 2 ? pid_t(String(decoding: fields[2], as: UTF8.self)) : nil
  }
}

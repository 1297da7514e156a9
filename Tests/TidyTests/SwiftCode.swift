/// The code of a Swift file with the insides of comments and string literals blanked out.
///
/// Lines stay where they are. What is interpolated into a literal is code.
struct SwiftCode {
  private enum Context: Equatable {
    case code(parentheses: Int)
    case literal(hashes: Int, isMultiline: Bool)
  }

  let lines: [String]

  init(_ text: String) {
    var out: [Character] = []
    var contexts = [Context.code(parentheses: 0)]
    var rest = Array(text)[...]

    func take(_ count: Int, blank: Bool = false) {
      for character in rest.prefix(count) {
        out.append(blank && character != "\n" ? " " : character)
      }
      rest = rest.dropFirst(count)
    }

    while let next = rest.first {
      switch contexts.last ?? .code(parentheses: 0) {
      case .code(let depth):
        if rest.starts(with: "//") {
          take(rest.firstIndex(of: "\n").map { $0 - rest.startIndex } ?? rest.count, blank: true)
        } else if next == "\"" || (next == "#" && Self.opensRaw(rest)) {
          let hashes = rest.prefix { $0 == "#" }.count
          let isMultiline = rest.dropFirst(hashes).starts(with: "\"\"\"")
          take(hashes + (isMultiline ? 3 : 1))
          contexts.append(.literal(hashes: hashes, isMultiline: isMultiline))
        } else {
          if next == "(" { contexts[contexts.count - 1] = .code(parentheses: depth + 1) }
          if next == ")" {
            if depth == 0, contexts.count > 1 {
              contexts.removeLast()
            } else {
              contexts[contexts.count - 1] = .code(parentheses: depth - 1)
            }
          }
          take(1)
        }
      case .literal(let hashes, let isMultiline):
        let marks = String(repeating: "#", count: hashes)
        let close = (isMultiline ? "\"\"\"" : "\"") + marks
        if rest.starts(with: close) {
          take(close.count)
          contexts.removeLast()
        } else if rest.starts(with: "\\" + marks + "(") {
          take(hashes + 2, blank: true)
          contexts.append(.code(parentheses: 0))
        } else {
          take(hashes == 0 && next == "\\" ? 2 : 1, blank: true)
        }
      }
    }
    lines = String(out).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private static func opensRaw(_ rest: ArraySlice<Character>) -> Bool {
    rest.drop { $0 == "#" }.first == "\""
  }
}

import Storage

/// How an answer is written.
enum OutputFormat {
  /// Fitted tables, colours and signs.
  case people
  /// The same in ASCII, without colours, never fitted.
  case plain
  case json, csv, markdown
}

extension Report {
  /// The whole answer in a format.
  ///
  /// - Parameters:
  ///   - format: Which one.
  ///   - terminal: Where it goes to.
  /// - Returns: Lines, each ended by a newline; empty when there is nothing to say.
  func text(_ format: OutputFormat, _ terminal: Terminal) -> String {
    let lines =
      switch format {
      case .people, .plain: linesForPeople(terminal)
      case .json: [json.text(indent: 2).withEscapedControls]
      case .csv: csvLines(isTerminal: terminal.isTerminal)
      case .markdown: markdownLines()
      }
    return lines.map { $0 + "\n" }.joined()
  }

  /// `{"schema": 1, noun: {…}}` or `{"schema": 1, plural: […]}`.
  var json: JSON {
    var members: [JSON.Member] = []
    for part in parts {
      switch part {
      case .fields(let key?, _, let fields):
        members.append(JSON.Member(key, .object(fields.map(\.jsonMember))))
      case .fields(nil, _, let fields): members += fields.map(\.jsonMember)
      case .table(let table, _): members.append(JSON.Member(table.key, table.json))
      case .data(let key, let json): members.append(JSON.Member(key, json))
      case .line: break
      }
    }
    let schema = JSON.Member("schema", 1)
    if let key { return .object([schema, JSON.Member(key, .object(members))]) }
    return .object([schema] + members)
  }

  private func linesForPeople(_ terminal: Terminal) -> [String] {
    var lines: [String] = []
    func begin(_ title: String?) {
      guard let title else { return }
      if !lines.isEmpty { lines.append("") }
      lines.append(terminal.styled(title, .bold))
    }
    for part in parts {
      switch part {
      case .fields(_, let title, let fields) where !fields.isEmpty:
        begin(title)
        lines += Self.lines(of: fields, terminal, indent: title == nil ? 0 : 2)
      case .table(let table, let title) where !table.rows.isEmpty || title == nil:
        begin(title)
        lines += table.lines(terminal, indent: title == nil ? 0 : 2)
      case .line(let spans):
        lines.append(
          spans.map { span in
            terminal.styled(terminal.isASCII ? span.text.inASCII : span.text, span.style)
          }.joined())
      case .fields, .table, .data: break
      }
    }
    return lines
  }

  private static func lines(of all: [Field], _ terminal: Terminal, indent: Int) -> [String] {
    let fields = all.filter { !$0.cell.value.isForMachines }
    let labelWidth = fields.reduce(0) { max($0, $1.label.width) }
    let margin = String(repeating: " ", count: indent)
    return fields.flatMap { field in
      let text = field.cell.value.text(now: .now, ascii: terminal.isASCII)
      let room = terminal.width.map { max(20, $0 - indent - labelWidth - 2) }
      let pieces = room.map { text.wrapped(to: $0) } ?? [text]
      return pieces.enumerated().map { index, piece in
        let label = (index == 0 ? field.label : "").padded(to: labelWidth)
        return margin + terminal.styled(label, .dim) + "  "
          + terminal.styled(piece, field.cell.style)
      }
    }
  }

  /// A list as rows, or all that is told of one thing, a value of its JSON a row.
  private func csvLines(isTerminal: Bool) -> [String] {
    func line(_ texts: [String]) -> String {
      texts.map { (isTerminal ? $0.printable : $0).quotedForCSV }.joined(separator: ",")
    }
    if let key {
      let leaves = json[key]?.leaves() ?? []
      return [line(["key", "value"])] + leaves.map { line([$0.path, $0.value.exactText]) }
    }
    guard let table else { return [] }
    return [line(table.columns.map(\.heading))]
      + table.rows.map { row in line(row.map(\.value.exactText)) }
  }

  /// The list that the answer is.
  private var table: Table? {
    for case .table(let table, _) in parts { return table }
    return nil
  }

  private func markdownLines() -> [String] {
    var lines: [String] = []
    func line(_ cells: [String]) -> String {
      "| " + cells.map(\.escapedForMarkdown).joined(separator: " | ") + " |"
    }
    func begin(_ title: String?) {
      if !lines.isEmpty { lines.append("") }
      if let title { lines += ["### " + title, ""] }
    }
    for part in parts {
      switch part {
      case .fields(_, let title, let fields) where !fields.isEmpty:
        begin(title)
        lines += ["| field | value |", "|---|---|"]
        lines += fields.filter { !$0.cell.value.isForMachines }.map {
          line([$0.label, $0.cell.value.text(now: .now, ascii: false)])
        }
      case .table(let table, let title) where !table.rows.isEmpty || title == nil:
        begin(title)
        let shown = table.shownColumns
        lines.append(line(shown.map { table.columns[$0].title }))
        lines.append(
          "|"
            + shown.map { column in
              table.rows.contains { $0[column].value.isNumeric } ? "---:|" : "---|"
            }.joined())
        lines += table.rows.map { row in
          line(shown.map { row[$0].value.text(now: .now, ascii: false) })
        }
      case .fields, .table, .line, .data: break
      }
    }
    return lines
  }
}

extension JSON {
  /// Every value inside that holds no other, with the keys and numbers that lead to it.
  fileprivate func leaves(at path: String = "") -> [(path: String, value: JSON)] {
    let inside: [(key: String, value: JSON)] =
      switch self {
      case .array(let elements): elements.enumerated().map { ("\($0)", $1) }
      case .object(let members): members.map { ($0.key, $0.value) }
      default: []
      }
    guard !inside.isEmpty else { return [(path, self)] }
    return inside.flatMap { $0.value.leaves(at: path.isEmpty ? $0.key : "\(path).\($0.key)") }
  }

  /// The value without quotes; nothing for what is empty.
  var exactText: String {
    switch self {
    case .null, .array([]), .object([]): ""
    case .string(let text): text
    case .number(let number) where number.isNaN: "NaN"
    case .number(let number) where number.isInfinite: number < 0 ? "-Infinity" : "Infinity"
    default: text()
    }
  }
}

extension Report.Field {
  fileprivate var jsonMember: JSON.Member { JSON.Member(key, cell.value.json) }
}

extension String {
  /// RFC 4180.
  fileprivate var quotedForCSV: String {
    guard utf8.contains(where: { $0 == 44 || $0 == 34 || $0 == 10 || $0 == 13 }) else {
      return self
    }
    return "\"" + replacing("\"", with: "\"\"") + "\""
  }

  fileprivate var escapedForMarkdown: String {
    replacing("\\", with: "\\\\").replacing("|", with: "\\|")
  }

  /// JSON may hold C1 controls as they are; some terminals obey them.
  fileprivate var withEscapedControls: String {
    guard unicodeScalars.contains(where: { (0x7F...0x9F).contains($0.value) }) else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      if (0x7F...0x9F).contains(scalar.value) {
        text += "\\u00" + String(scalar.value, radix: 16)
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}

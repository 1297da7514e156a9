import Storage

extension Table {
  private static let gap = 2
  private static let flexibleWidthMin = 16
  private static let widthMin = 5

  /// The lines of this table in a terminal's width, its heading first.
  func lines(_ terminal: Terminal, now: Timestamp = .now, indent: Int = 0) -> [String] {
    guard !rows.isEmpty else { return [] }
    let shown = shownColumns
    let texts = rows.map { row in
      row.map { $0.value.text(now: now, ascii: terminal.isASCII) }
    }
    var widths = columns.indices.map { column in
      texts.reduce(title(column, terminal).width) { max($0, $1[column].width) }
    }
    let kept = fit(shown, &widths, in: terminal.width.map { $0 - indent })
    let isRight = columns.indices.map { column in
      rows.contains { $0[column].value.isNumeric }
        && rows.allSatisfy { row in
          row[column].value.isNone || row[column].value.isNumeric
        }
    }
    let margin = String(repeating: " ", count: indent)

    func line(_ cells: [(text: String, style: Style)]) -> String {
      let padded = zip(kept, cells).enumerated().map { position, pair in
        let (column, cell) = pair
        let cut = cell.text.cut(to: widths[column], ascii: terminal.isASCII)
        let blanks = String(repeating: " ", count: max(0, widths[column] - cut.width))
        let text = terminal.styled(cut, cell.style)
        if isRight[column] { return blanks + text }
        return position == kept.count - 1 ? text : text + blanks
      }
      let gap = String(repeating: " ", count: Self.gap)
      return (margin + padded.joined(separator: gap)).withoutTrailingBlanks
    }

    var lines: [String] = []
    if kept.contains(where: { !columns[$0].title.isEmpty }) {
      lines.append(line(kept.map { (title($0, terminal), .dim) }))
    }
    for (row, text) in zip(rows, texts) {
      lines.append(line(kept.map { (text[$0], row[$0].style) }))
    }
    let dropped = shown.count - kept.count
    if dropped > 0 {
      let note = "+\(dropped) column\(dropped == 1 ? "" : "s") (\(hint))"
      lines.append(margin + terminal.styled(note, .dim))
    }
    return lines
  }

  private func title(_ column: Int, _ terminal: Terminal) -> String {
    terminal.isASCII ? columns[column].title.inASCII : columns[column].title
  }

  /// The columns that people see; one without any value says nothing.
  var shownColumns: [Int] {
    columns.indices.filter { column in
      guard !columns[column].isHidden else { return false }
      return column == 0 || rows.isEmpty || rows.contains { !$0[column].value.isNone }
    }
  }

  /// Chooses columns that fit: sentences are cut first, then columns go, from right to left.
  private func fit(_ shown: [Int], _ widths: inout [Int], in width: Int?) -> [Int] {
    guard let width else { return shown }
    var kept = shown
    func excess(_ kept: [Int], _ widths: [Int]) -> Int {
      kept.reduce((kept.count - 1) * Self.gap) { $0 + widths[$1] } - width
    }
    while excess(kept, widths) > 0 {
      let flexible = kept.filter { columns[$0].isFlexible }
      let spare = flexible.reduce(0) { $0 + max(0, widths[$1] - Self.flexibleWidthMin) }
      if spare >= excess(kept, widths) { break }
      guard let last = kept.last(where: { !columns[$0].isPinned }) else { break }
      kept.removeAll { $0 == last }
    }
    // What still does not fit is cut where it is widest: sentences first, pinned columns at worst.
    for (flexibleOnly, least) in [(true, Self.flexibleWidthMin), (false, Self.widthMin)] {
      while excess(kept, widths) > 0,
        let widest = kept.filter({ widths[$0] > least && (columns[$0].isFlexible || !flexibleOnly) }
        )
        .max(by: { widths[$0] < widths[$1] })
      {
        widths[widest] -= 1
      }
    }
    return kept
  }
}

import Foundation
import Storage
import Weights

extension FeatureTable {
  /// Reads a CSV file: one column is the label, each other a feature.
  ///
  /// A number is decimal as C's `strtod` takes it, with blanks around it allowed; it is rounded to
  /// a Double and then to a Float, as pandas and numpy do. A label is its cell's text as it stands:
  /// `1` and `1.0` are two classes, and blanks count.
  static func readCSV(
    _ url: URL, delimiter: UInt8, _ options: ReadOptions
  ) throws -> FeatureTable {
    let window = try TextWindow(url)
    var reader = CSVReader(window, delimiter: delimiter)
    let name = window.file.name
    guard try reader.next() else { throw RegistryError(.invalidInput, "\(name) has no rows") }
    var names: [String]
    if options.hasHeader {
      names = []
      for cell in reader.cells { names.append(try reader.text(cell, number: names.count + 1)) }
      try TableBuilder.checkNames(names, of: name)
    } else {
      names = (1...max(reader.cells.count, 1)).map(String.init)
    }
    let label =
      options.hasHeader || options.labelColumn != nil
      ? try labelIndex(options.labelColumn, in: names, of: name) : names.count - 1
    let width = names.count
    let labelName = names.remove(at: label)
    var rows = CSVRows(
      builder: TableBuilder(name: name, columns: names, kind: options.kind, rowOrigin: .line),
      label: label, labelName: labelName, width: width)
    try rows.builder.checkColumnCount()
    var hasRow = options.hasHeader ? try reader.next() : true
    while hasRow {
      try rows.take(reader)
      if rows.builder.rowCount == 1000 {
        rows.builder.reserve(readBytes: reader.offset, ofBytes: window.file.sizeBytes)
      }
      hasRow = try reader.next()
    }
    try window.file.checkUnchanged()
    return rows.builder.table
  }
}

/// Makes records into rows.
private struct CSVRows {
  var builder: TableBuilder
  /// The place of the label among a record's cells.
  let label: Int
  let labelName: String
  /// How many cells a record has.
  let width: Int

  mutating func take(_ reader: CSVReader) throws {
    let line = reader.line
    let cells = reader.cells
    guard cells.count == width else {
      throw builder.fault(
        line, "\(Count(cells.count, "cell")) where the first row has \(width)",
        hint: "a comma inside of a cell needs quotes around the cell")
    }
    try builder.startRow(line)
    try reader.withBytes { bytes in
      for (index, cell) in cells.enumerated() where index != label {
        let value = try number(cell, in: bytes, reader, index)
        guard builder.add(value) else {
          let text = Excerpt(bytes[cell.start..<cell.end])
          throw builder.notFinite("\(text)", column: column(index), line)
        }
      }
      switch builder.kind {
      case .labels:
        try builder.add(label: reader.text(cells[label], number: label + 1), line)
      case .numbers:
        let value = try number(cells[label], in: bytes, reader, label)
        let text = bytes[cells[label].start..<cells[label].end]
        try builder.add(target: value, as: "\(Excerpt(text))", line)
      }
    }
  }

  private func column(_ index: Int) -> Int { index > label ? index - 1 : index }

  private func number(
    _ cell: CSVReader.Cell, in bytes: UnsafeRawBufferPointer, _ reader: CSVReader, _ index: Int
  ) throws -> Double {
    var (start, end) = (cell.start, cell.end)
    while start < end, bytes[start] == 32 || bytes[start] == 9 { start += 1 }
    while end > start, bytes[end - 1] == 32 || bytes[end - 1] == 9 { end -= 1 }
    let cellBytes = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    if end - start <= CSVReader.cellBytesMax, let number = DecimalNumber(cellBytes, at: 0),
      number.end == cellBytes.count
    {
      return number.value
    }
    let isTarget = index == label
    let place = "column \(Excerpt(isTarget ? labelName : builder.columns[column(index)]))"
    guard end > start else { throw builder.fault(reader.line, "\(place) is empty") }
    let text = try reader.text(cell, number: index + 1)
    guard !Self.isNonFinite(text) else {
      throw builder.fault(reader.line, "\(Excerpt(text)) in \(place) is not a finite 32-bit float")
    }
    throw builder.fault(
      reader.line, "\(Excerpt(text)) in \(place) is not a number",
      hint: isTarget ? "a text to predict is a class" : "leave out columns that are no features")
  }

  private static func isNonFinite(_ text: String) -> Bool {
    let word = text.lowercased().drop { $0 == "-" || $0 == "+" || $0 == " " }
    return ["nan", "inf", "infinity"].contains(word)
  }
}

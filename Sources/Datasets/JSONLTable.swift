import Foundation
import Storage
import Weights

/// Reads JSONL: on each line one object, in one of two forms, the first line's in all lines.
///
/// `{"width": 1.5, "height": 2, "label": "cat"}`: each member but the label is a feature.
/// `{"features": [1.5, 2], "label": "cat"}`: the features have no names.
///
/// A label is a text, a whole number or a boolean; the number 3 and the text `3` are one class.
struct JSONLTable {
  static let lineBytesMax = 16 << 20  // a million numbers; parsed, a line takes some 20 times that

  private var builder: TableBuilder
  private let label: String
  /// The features' places by name; nil in the form without names.
  private let placeOfKey: [[UInt8]: Int]?
  private var values: [Double] = []
  private var isGiven: [Bool] = []

  static func read(_ url: URL, _ options: FeatureTable.ReadOptions) throws -> FeatureTable {
    var lines = LineReader(try TextWindow(url))
    guard let first = try lines.next() else {
      throw RegistryError(.invalidInput, "\(lines.file.name) has no rows")
    }
    var table = try JSONLTable(first, options, of: lines.file.name)
    try table.take(first, line: lines.line)
    while let object = try lines.next() {
      try table.take(object, line: lines.line)
      if table.builder.rowCount == 1000 {
        table.builder.reserve(readBytes: lines.offset, ofBytes: lines.file.sizeBytes)
      }
    }
    try lines.file.checkUnchanged()
    return table.builder.table
  }

  private init(
    _ first: [JSON.Member], _ options: FeatureTable.ReadOptions, of name: String
  ) throws(RegistryError) {
    var keys = first.map(\.key)
    let index = try FeatureTable.labelIndex(options.labelColumn, in: keys, of: name)
    label = keys.remove(at: index)
    if keys.count == 1, keys[0] == Self.featuresKey, let array = JSON.object(first)[keys[0]]?.array
    {
      keys = array.indices.map(String.init)
      placeOfKey = nil
    } else {
      placeOfKey = Dictionary(
        zip(keys.map { Array($0.utf8) }, keys.indices), uniquingKeysWith: { first, _ in first })
    }
    builder = TableBuilder(name: name, columns: keys, kind: options.kind, rowOrigin: .line)
    try builder.checkColumns()
  }

  private static let featuresKey = "features"

  private mutating func take(_ object: [JSON.Member], line: Int) throws(RegistryError) {
    var label: JSON?
    if placeOfKey != nil {
      label = try takeNamed(object, line)
    } else {
      label = try takeArray(object, line)
    }
    guard let label else {
      throw builder.fault(line, "the member \(Excerpt(self.label)) is missing")
    }
    try builder.startRow(line)
    for (index, value) in values.enumerated() where !builder.add(value) {
      throw builder.notFinite("\(value)", column: index, line)
    }
    try add(label, line)
  }

  /// Collects the values of named members and returns the label's.
  private mutating func takeNamed(
    _ object: [JSON.Member], _ line: Int
  ) throws(RegistryError) -> JSON? {
    let columns = builder.columns
    values = [Double](repeating: 0, count: columns.count)
    isGiven = [Bool](repeating: false, count: columns.count)
    var label: JSON?
    var next = 0
    for member in object {
      if member.key.utf8.elementsEqual(self.label.utf8) {
        label = member.value
        continue
      }
      let isInOrder = next < columns.count && columns[next].utf8.elementsEqual(member.key.utf8)
      guard let place = isInOrder ? next : placeOfKey?[Array(member.key.utf8)] else {
        throw builder.fault(
          line, "the member \(Excerpt(member.key)) is not one of the first line's")
      }
      values[place] = try number(member.value, column: place, line)
      isGiven[place] = true
      next = place + 1
    }
    if let missing = isGiven.firstIndex(of: false) {
      throw builder.fault(line, "the member \(Excerpt(columns[missing])) is missing")
    }
    return label
  }

  /// Collects the values of the array and returns the label.
  private mutating func takeArray(
    _ object: [JSON.Member], _ line: Int
  ) throws(RegistryError) -> JSON? {
    var label: JSON?
    var features: [JSON]?
    for member in object {
      if member.key.utf8.elementsEqual(self.label.utf8) {
        label = member.value
      } else if member.key.utf8.elementsEqual(Self.featuresKey.utf8) {
        features = member.value.array
      } else {
        throw builder.fault(
          line, "the member \(Excerpt(member.key)) is not one of the first line's")
      }
    }
    guard let features else {
      throw builder.fault(line, "the member 'features' is missing or not an array")
    }
    guard features.count == builder.columns.count else {
      throw builder.fault(
        line,
        "\(Count(features.count, "feature")) where the first row has \(builder.columns.count)")
    }
    values.removeAll(keepingCapacity: true)
    for (index, value) in features.enumerated() {
      values.append(try number(value, column: index, line))
    }
    return label
  }

  private func number(_ value: JSON, column: Int, _ line: Int) throws(RegistryError) -> Double {
    guard let number = value.double else {
      throw builder.fault(
        line, "\(Self.shown(value)) in column \(Excerpt(builder.columns[column])) is not a number",
        hint: "leave out members that are no features")
    }
    return number
  }

  private mutating func add(_ label: JSON, _ line: Int) throws(RegistryError) {
    switch (builder.kind, label) {
    case (.numbers, _):
      guard let number = label.double else {
        throw builder.fault(line, "the target \(Self.shown(label)) is not a number")
      }
      try builder.add(target: number, as: Self.shown(label), line)
    case (.labels, .string(let text)): try builder.add(label: text, line)
    case (.labels, .integer(let whole)): try builder.add(label: String(whole), line)
    case (.labels, .number(let number)): try builder.add(label: number, line)
    case (.labels, .bool(let value)): try builder.add(label: value ? "true" : "false", line)
    case (.labels, _):
      throw builder.fault(
        line, "the label \(Self.shown(label)) is not a text, a whole number or a boolean")
    }
  }

  private static func shown(_ value: JSON) -> String {
    switch value {
    case .array: "an array"
    case .object: "an object"
    case .string(let text): "\(Excerpt(text))"
    case .number(let number): "\(number)"
    default: value.text()
    }
  }
}

/// Gives the objects of a JSONL file, one a line.
private struct LineReader {
  private var window: TextWindow
  /// The line of the last object, from 1.
  private(set) var line = 0

  init(_ window: TextWindow) {
    self.window = window
  }

  var file: SourceFile { window.file }
  var offset: Int64 { window.offset }

  /// The next line's members; nil at the end.
  mutating func next() throws -> [JSON.Member]? {
    line += 1
    let end = try lineEnd()
    let range = window.start..<end
    let isBlank = window.bytes[range].allSatisfy { $0 == 32 || $0 == 9 || $0 == 13 }
    if isBlank {
      guard try window.hasOnlyBlanksLeft() else { throw fault("the line is blank") }
      return nil
    }
    let value: JSON
    do throws(RegistryError) {
      value = try parse(range)
    } catch {
      throw fault(error.message)
    }
    window.start = min(end + 1, window.end)
    guard let members = value.members else {
      throw fault("the line is not a JSON object", hint: #"for example {"x": 1.5, "label": "a"}"#)
    }
    return members
  }

  private func parse(_ range: Range<Int>) throws(RegistryError) -> JSON {
    // A NaN is read so that it can be refused with its column.
    let result: Result<JSON, RegistryError> = window.bytes.withUnsafeBytes { bytes in
      let line = UnsafeRawBufferPointer(rebasing: bytes[range])
      do throws(RegistryError) {
        return .success(try JSON.parse(line, allowsNonFinite: true))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The place of the line's end, or of the file's.
  private mutating func lineEnd() throws -> Int {
    var searched = 0
    while true {
      let found = window.bytes[(window.start + searched)..<window.end].firstIndex(of: 10)
      if let found { return found }
      searched = window.end - window.start
      guard searched <= JSONLTable.lineBytesMax else {
        throw fault("the line is longer than \(JSONLTable.lineBytesMax >> 20) MiB")
      }
      guard try window.extend() else { return window.end }
    }
  }

  private func fault(_ what: String, hint: String? = nil) -> RegistryError {
    let place = FeatureTable.place(of: line, .line, in: window.file.name)
    return RegistryError(.invalidInput, "\(place): \(what)", hint: hint)
  }
}

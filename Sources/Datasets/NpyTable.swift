import Foundation
import Storage
import Weights

/// Reads features of shape (rows, columns) from one .npy file and their labels from a second.
///
/// Values become Floats, rounded as numpy's `astype('float32')` does, integers beyond 2^53 by way
/// of a Double. Labels have the shape (rows,) or (rows, 1): whole numbers, booleans or texts.
enum NpyTable {
  static func read(_ url: URL, _ options: FeatureTable.ReadOptions) throws -> FeatureTable {
    let file = try SourceFile(url)
    guard let labelURL = options.labelFile else {
      throw RegistryError(
        .invalidInput, "\(file.name) has no labels in it",
        hint: "give them as a second file: --labels y.npy")
    }
    let header = try NpyArray(file)
    guard header.shape.count == 2, case .number(let dtype) = header.element else {
      let found = header.shape.count == 2 ? "texts" : "the shape \(header.shapeText)"
      throw RegistryError(
        .invalidInput, "\(file.name) has \(found), where features are numbers of two dimensions",
        hint: "numpy.save(file, array.reshape(len(array), -1))")
    }
    let (rowCount, columnCount) = (header.shape[0], header.shape[1])
    try checkCounts(rowCount, columnCount, of: file.name)
    var builder = TableBuilder(
      name: file.name, columns: (0..<columnCount).map(String.init), kind: options.kind,
      rowOrigin: .row)
    try builder.checkColumns()
    let labels = try NpyLabels(
      SourceFile(labelURL), options.kind, rowCount: rowCount, of: file.name)
    builder.reserve(rowCount: rowCount)
    builder.set(features: try features(file, header, dtype, builder))
    for row in 0..<rowCount {
      try builder.startRow(row)
      try labels.add(row, to: &builder)
    }
    try file.checkUnchanged()
    return builder.table
  }

  private static func checkCounts(
    _ rowCount: Int, _ columnCount: Int, of name: String
  ) throws(RegistryError) {
    guard rowCount > 0 else { throw RegistryError(.invalidInput, "\(name) has no rows") }
    guard columnCount <= FeatureTable.columnCountMax else {
      throw RegistryError(
        .invalidInput,
        "\(name) has \(columnCount) columns, more than \(FeatureTable.columnCountMax)")
    }
    guard rowCount <= FeatureTable.rowCountMax,
      rowCount * columnCount <= FeatureTable.valueCountMax
    else {
      throw RegistryError(
        .invalidInput,
        "\(name) has \(rowCount) rows of \(columnCount) values, more than "
          + "\(FeatureTable.rowCountMax) rows or \(FeatureTable.valueCountMax) values")
    }
  }

  private static func features(
    _ file: SourceFile, _ header: NpyArray, _ dtype: DType, _ builder: TableBuilder
  ) throws -> [Float] {
    let (rowCount, columnCount) = (header.shape[0], header.shape[1])
    var features: [Float] = []
    if header.isFortran {
      features = [Float](repeating: 0, count: rowCount * columnCount)
    } else {
      features.reserveCapacity(rowCount * columnCount)
    }
    try forEachPiece(file, header, dtype) { first, values in
      for (offset, value) in values.enumerated() {
        let place = first + offset
        let feature = Float(value)
        guard feature.isFinite else {
          let (row, column) =
            header.isFortran
            ? (place % rowCount, place / rowCount) : (place / columnCount, place % columnCount)
          throw builder.notFinite("\(value)", column: column, row)
        }
        if header.isFortran {
          features[place % rowCount * columnCount + place / rowCount] = feature
        } else {
          features.append(feature)
        }
      }
    }
    return features
  }

  /// Gives out the numbers of a file in the order in which they lie there.
  static func forEachPiece(
    _ file: SourceFile, _ header: NpyArray, _ dtype: DType,
    _ body: (_ first: Int, _ values: [Double]) throws -> Void
  ) throws {
    try forEachPiece(file, header) { first, bytes in try body(first, dtype.values(bytes)) }
  }

  /// Gives out the elements of a file, little-endian, in the order in which they lie there.
  static func forEachPiece(
    _ file: SourceFile, _ header: NpyArray,
    _ body: (_ first: Int, _ bytes: [UInt8]) throws -> Void
  ) throws {
    let size = header.elementBytes
    let unit =
      switch header.element {
      case .number: size
      case .text: 4
      }
    let count = header.shape.reduce(1, *)
    var first = 0
    while first < count {
      let pieceCount = min(max(1, (1 << 20) / size), count - first)
      let place = Int64(header.dataOffset) + Int64(first) * Int64(size)
      var bytes = try file.read(at: place, sizeBytes: pieceCount * size)
      if header.isBigEndian, unit > 1 {
        for start in stride(from: 0, to: bytes.count, by: unit) {
          bytes[start..<start + unit].reverse()
        }
      }
      try body(first, bytes)
      first += pieceCount
    }
  }
}

/// The labels of a second file, one for each row.
private struct NpyLabels {
  private enum Values {
    case numbers([Double])
    case texts([String])
  }

  private let name: String
  private let values: Values

  init(
    _ file: SourceFile, _ kind: FeatureTable.TargetKind, rowCount: Int, of features: String
  ) throws {
    name = file.name
    let header = try NpyArray(file)
    let isColumn = header.shape.count == 1 || header.shape.count == 2 && header.shape[1] == 1
    guard isColumn else {
      throw RegistryError(
        .invalidInput,
        "\(file.name) has the shape \(header.shapeText), where labels have one dimension")
    }
    guard header.shape[0] == rowCount else {
      throw RegistryError(
        .invalidInput,
        "\(file.name) has \(Count(header.shape[0], "label")) for the "
          + "\(Count(rowCount, "row")) of \(features)")
    }
    switch header.element {
    case .text(let unitCount): values = .texts(try Self.texts(file, header, unitCount))
    case .number(let dtype): values = try Self.values(file, header, dtype, kind)
    }
    try file.checkUnchanged()
  }

  private static func values(
    _ file: SourceFile, _ header: NpyArray, _ dtype: DType, _ kind: FeatureTable.TargetKind
  ) throws -> Values {
    if kind == .labels, let text = exactText(dtype) {
      var texts: [String] = []
      texts.reserveCapacity(header.shape[0])
      try NpyTable.forEachPiece(file, header) { _, bytes in
        for start in stride(from: 0, to: bytes.count, by: dtype.sizeBytes) {
          let bits = bytes[start..<start + dtype.sizeBytes].reversed()
          texts.append(text(bits.reduce(0) { $0 << 8 | UInt64($1) }))
        }
      }
      return .texts(texts)
    }
    var numbers: [Double] = []
    numbers.reserveCapacity(header.shape[0])
    try NpyTable.forEachPiece(file, header, dtype) { _, values in numbers += values }
    return .numbers(numbers)
  }

  /// How a label is spelled of a type whose values are not all exact as Doubles, or no numbers.
  private static func exactText(_ dtype: DType) -> ((UInt64) -> String)? {
    switch dtype {
    case .bool: { $0 == 0 ? "false" : "true" }
    case .i64: { String(Int64(bitPattern: $0)) }
    case .u64: { String($0) }
    default: nil
    }
  }

  private static func texts(
    _ file: SourceFile, _ header: NpyArray, _ unitCount: Int
  ) throws -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(header.shape[0])
    try NpyTable.forEachPiece(file, header) { first, bytes in
      for start in stride(from: 0, to: bytes.count, by: 4 * unitCount) {
        guard let text = text(bytes[start..<start + 4 * unitCount]) else {
          let place = FeatureTable.place(
            of: first + start / (4 * unitCount), .row, in: file.name)
          throw RegistryError(.invalidInput, "\(place): the label is not UTF-32")
        }
        texts.append(text)
      }
    }
    return texts
  }

  /// The text of UTF-32 units up to the zeros at its end.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
    var text = String.UnicodeScalarView()
    var zeroCount = 0
    for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 4) {
      let unit = bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      if unit == 0 {
        zeroCount += 1
        continue
      }
      guard let scalar = Unicode.Scalar(unit) else { return nil }
      text += repeatElement("\0", count: zeroCount)
      zeroCount = 0
      text.append(scalar)
    }
    return String(text)
  }

  func add(_ row: Int, to builder: inout TableBuilder) throws(RegistryError) {
    let number = row
    switch (builder.kind, values) {
    case (.labels, .texts(let texts)): try builder.add(label: texts[row], number)
    case (.labels, .numbers(let numbers)): try builder.add(label: numbers[row], number)
    case (.numbers, .numbers(let numbers)):
      try builder.add(target: numbers[row], as: "\(numbers[row])", number)
    case (.numbers, .texts):
      throw RegistryError(
        .invalidInput, "\(name) holds no numbers, as the targets of a regression are")
    }
  }
}

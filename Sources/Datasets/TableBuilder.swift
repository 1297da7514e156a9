import Storage

/// Takes rows as a reader finds them, checks each, and gives the table.
struct TableBuilder {
  let name: String
  let columns: [String]
  let kind: FeatureTable.TargetKind
  let rowOrigin: FeatureTable.RowOrigin

  private var features: [Float] = []
  private var labels = LabelColumn()
  private var numbers: [Float] = []
  private var rowNumbers: [UInt32] = []

  static let labelBytesMax = 1024  // a class's name goes into config.json and into tables

  init(
    name: String, columns: [String], kind: FeatureTable.TargetKind,
    rowOrigin: FeatureTable.RowOrigin
  ) {
    self.name = name
    self.columns = columns
    self.kind = kind
    self.rowOrigin = rowOrigin
  }

  var rowCount: Int { rowNumbers.count }

  var table: FeatureTable {
    FeatureTable(
      name: name, columns: columns, features: features,
      target: kind == .labels ? .labels(labels) : .numbers(numbers), rowNumbers: rowNumbers,
      rowOrigin: rowOrigin)
  }

  /// Refuses no column, too many, one without a name, and two of one name.
  func checkColumns() throws(RegistryError) {
    try checkColumnCount()
    try TableBuilder.checkNames(columns, of: name)
  }

  func checkColumnCount() throws(RegistryError) {
    guard !columns.isEmpty else {
      throw RegistryError(.invalidInput, "\(name) has no feature column")
    }
    guard columns.count <= FeatureTable.columnCountMax else {
      throw RegistryError(
        .invalidInput,
        "\(name) has \(columns.count) columns, more than \(FeatureTable.columnCountMax)")
    }
  }

  static func checkNames(_ columns: [String], of name: String) throws(RegistryError) {
    var seen: Set<[UInt8]> = []
    for (index, column) in columns.enumerated() {
      guard !column.isEmpty else {
        throw RegistryError(
          .invalidInput, "column \(index + 1) of \(name) has no name",
          hint: "name it or leave it out; pandas writes such a column unless index=False")
      }
      guard column.utf8.count <= labelBytesMax else {
        throw RegistryError(
          .invalidInput,
          "the name of column \(index + 1) of \(name) is longer than \(labelBytesMax) bytes")
      }
      guard !column.utf8.contains(0) else {
        throw RegistryError(
          .invalidInput, "the name of column \(index + 1) of \(name) has a NUL byte in it")
      }
      guard seen.insert(Array(column.utf8)).inserted else {
        throw RegistryError(.invalidInput, "\(name) has two columns named \(Excerpt(column))")
      }
    }
  }

  /// Takes room at once for as many rows as the part of the file that was read lets expect.
  ///
  /// Growing by doubling would hold three times the table while it copies; memory that is reserved
  /// and not used costs nothing.
  mutating func reserve(readBytes: Int64, ofBytes: Int64) {
    guard readBytes > 0, rowCount > 0 else { return }
    let expected = Double(rowCount) * Double(ofBytes) / Double(readBytes) * 1.02 + 64
    guard expected * Double(columns.count) <= Double(FeatureTable.valueCountMax) else { return }
    reserve(rowCount: Int(expected))
  }

  mutating func reserve(rowCount: Int) {
    features.reserveCapacity(rowCount * columns.count)
    rowNumbers.reserveCapacity(rowCount)
  }

  /// The start of a sentence about a row that is being read.
  func place(_ number: Int) -> String { FeatureTable.place(of: number, rowOrigin, in: name) }

  func fault(_ number: Int, _ what: String, hint: String? = nil) -> RegistryError {
    RegistryError(.invalidInput, "\(place(number)): \(what)", hint: hint)
  }

  /// Starts a row; its features and its target are added next.
  mutating func startRow(_ number: Int) throws(RegistryError) {
    guard rowCount < FeatureTable.rowCountMax else {
      throw RegistryError(.invalidInput, "\(name) has more than \(FeatureTable.rowCountMax) rows")
    }
    guard (rowCount + 1) * columns.count <= FeatureTable.valueCountMax else {
      throw RegistryError(
        .invalidInput, "\(name) has more than \(FeatureTable.valueCountMax) values",
        hint: "train on a part of it: a table must fit the memory")
    }
    rowNumbers.append(UInt32(clamping: number))
  }

  /// Adds the next feature of the row; false where it is not finite as a 32-bit float.
  mutating func add(_ value: Double) -> Bool {
    let feature = Float(value)
    features.append(feature)
    return feature.isFinite
  }

  /// Takes the features of all rows at once; the rows are started afterwards.
  mutating func set(features: [Float]) {
    self.features = features
  }

  mutating func append(
    _ values: some Sequence<Double>, label: String, number: Int
  ) throws(RegistryError) {
    try startRow(number)
    for (index, value) in values.enumerated() where !add(value) {
      throw notFinite("\(value)", column: index, number)
    }
    try add(label: label, number)
  }

  /// Adds the row's class.
  mutating func add(label: String, _ number: Int) throws(RegistryError) {
    guard !label.isEmpty else { throw fault(number, "the label is empty") }
    guard label.utf8.count <= Self.labelBytesMax else {
      throw fault(number, "a label of more than \(Self.labelBytesMax) bytes: \(Excerpt(label))")
    }
    guard !label.utf8.contains(0) else {
      throw fault(number, "the label \(Excerpt(label)) has a NUL byte in it")
    }
    labels.append(label)
    guard labels.values.count <= LabelMap.classCountMax else {
      throw RegistryError(
        .invalidInput, "\(name) has more than \(LabelMap.classCountMax) classes",
        hint: "is the label a number to predict rather than a class?")
    }
  }

  /// Adds the row's class from a number, which must be whole: 1.0 is the class `1`.
  mutating func add(label value: Double, _ number: Int) throws(RegistryError) {
    guard let whole = Int64(exactly: value) else {
      throw fault(
        number, "the label \(value) is not a whole number",
        hint: "a class is a text or a whole number; other numbers are targets of a regression")
    }
    try add(label: String(whole), number)
  }

  /// Adds the number that is to be predicted of the row.
  mutating func add(target value: Double, as text: @autoclosure () -> String, _ number: Int)
    throws(RegistryError)
  {
    let target = Float(value)
    guard target.isFinite else {
      throw fault(number, "the target \(text()) is not a finite 32-bit float")
    }
    numbers.append(target)
  }

  func notFinite(_ text: String, column: Int, _ number: Int) -> RegistryError {
    fault(number, "\(text) in column \(Excerpt(columns[column])) is not a finite 32-bit float")
  }
}

package import Foundation
import Storage
import Weights

extension FeatureTable {
  /// How a file is to be read.
  package struct ReadOptions: Sendable {
    /// Whether rows have classes or numbers to predict.
    package var kind: TargetKind
    /// The column with them; nil for `label`, or else the one of `target`, `class` and `y` that is there.
    package var labelColumn: String?
    /// Whether a CSV file's first row names its columns; else they are `1`, `2` …, the last the label.
    package var hasHeader: Bool
    /// A second npy file with a label or number for each row of the first.
    package var labelFile: URL?

    /// Makes options; what is left out is what most files need.
    package init(
      kind: TargetKind = .labels, labelColumn: String? = nil, hasHeader: Bool = true,
      labelFile: URL? = nil
    ) {
      self.kind = kind
      self.labelColumn = labelColumn
      self.hasHeader = hasHeader
      self.labelFile = labelFile
    }
  }

  static let labelColumnsByDefault = ["target", "class", "y"]  // after `label`

  /// Reads a CSV (`.csv`, `.tsv`), JSONL (`.jsonl`, `.ndjson`) or npy (`.npy`) file.
  ///
  /// - Parameters:
  ///   - url: The file; its name's ending says what it is.
  ///   - options: Which column is the label, and the like.
  /// - Returns: A table with at least one row and one feature column.
  /// - Throws: `notFound` without the file; `invalidInput` naming the row and column that is no
  ///   number, lacks, or does not fit.
  /// - Complexity: O(file); besides the table, some MiB and what its longest row takes.
  package static func read(
    _ url: URL, _ options: ReadOptions = ReadOptions()
  ) throws -> FeatureTable {
    let ending = url.pathExtension.lowercased()
    let name = url.lastPathComponent
    if ending != "npy", let labels = options.labelFile {
      throw RegistryError(
        .invalidInput,
        "\(name) has its labels in a column, so \(labels.lastPathComponent) would not be used",
        hint: "a file of labels goes with features in a .npy file")
    }
    let table: FeatureTable
    switch ending {
    case "csv": table = try readCSV(url, delimiter: UInt8(ascii: ","), options)
    case "tsv": table = try readCSV(url, delimiter: UInt8(ascii: "\t"), options)
    case "jsonl", "ndjson": table = try JSONLTable.read(url, options)
    case "npy": table = try NpyTable.read(url, options)
    default:
      _ = try SourceFile(url)  // a file that is not there is said first
      throw RegistryError(
        .invalidInput, "\(name) does not end in .csv, .tsv, .jsonl, .ndjson or .npy",
        hint: "the ending says how a table is read")
    }
    guard table.rowCount > 0 else { throw RegistryError(.invalidInput, "\(name) has no rows") }
    return table
  }

  /// The place of the label among columns: by name, or by the names that are usual.
  static func labelIndex(
    _ wanted: String?, in columns: [String], of name: String
  ) throws(RegistryError) -> Int {
    func index(_ column: String) -> Int? {
      columns.firstIndex { $0.utf8.elementsEqual(column.utf8) }
    }
    if let wanted {
      if let index = index(wanted) { return index }
      throw RegistryError(
        .invalidInput, "\(name) has no column named \(Excerpt(wanted))", hint: known(columns))
    }
    if let index = index("label") { return index }
    let found = labelColumnsByDefault.filter { index($0) != nil }
    guard let first = found.first, let place = index(first) else {
      throw RegistryError(
        .invalidInput, "\(name) has no column named label, target, class or y",
        hint: "say which column is the label; \(known(columns))")
    }
    guard found.count == 1 else {
      let names = found.joined(separator: " and ")
      throw RegistryError(
        .invalidInput, "\(name) has columns named \(names), and each could be the label",
        hint: "say which column is the label")
    }
    return place
  }

  private static func known(_ columns: [String]) -> String {
    let shown = columns.prefix(8).map { "\(Excerpt($0))" }.joined(separator: ", ")
    let more = columns.count > 8 ? " and \(columns.count - 8) more" : ""
    return "its columns are \(shown)\(more)"
  }
}

package import Datasets
import Engine
package import Foundation
import Storage

/// Where rows come from.
package enum TableSource: Sendable {
  /// A file, and for npy features the file of their labels.
  case file(URL, labels: URL?)
  /// Rows in memory.
  case table(FeatureTable)
}

/// On which rows a network is judged after each epoch.
package enum ValidationSource: Sendable {
  /// On none.
  case none
  /// On rows of their own.
  case rows(TableSource)
  /// On this part of the training rows, the same for each seed so that runs can be compared.
  case holdOut(Double)
}

/// The rows of a run, read and checked.
struct TrainingData {
  let training: FeatureTable
  let validation: FeatureTable?
  /// The classes of the training rows; nil where numbers are predicted.
  let labels: LabelMap?

  private static let holdOutSeed: UInt64 = 0

  /// Reads the rows and refuses what nothing can be learned from.
  ///
  /// - Throws: `notFound`; `invalidInput` naming the row and column.
  init(
    _ rows: TableSource, validation: ValidationSource, kind: FeatureTable.TargetKind,
    labelColumn: String?, hasHeader: Bool
  ) throws {
    func read(_ source: TableSource) throws -> FeatureTable {
      switch source {
      case .table(let table):
        switch (table.target, kind) {
        case (.labels, .numbers):
          throw RegistryError(
            .invalidInput, "\(table.name) has classes, not numbers to predict")
        case (.numbers, .labels):
          throw RegistryError(
            .invalidInput, "\(table.name) has numbers to predict, not classes")
        default: return table
        }
      case .file(let url, let labels):
        return try FeatureTable.read(
          url,
          FeatureTable.ReadOptions(
            kind: kind, labelColumn: labelColumn, hasHeader: hasHeader, labelFile: labels))
      }
    }
    let all = try read(rows)
    switch validation {
    case .none:
      training = all
      self.validation = nil
    case .rows(let source):
      training = all
      let other = try read(source)
      try other.checkColumns(match: all)
      self.validation = other
    case .holdOut(let fraction):
      try all.checkLearnable()
      let split = try HoldOut(all, fraction: fraction, seed: Self.holdOutSeed)
      training = all.selecting(split.training)
      self.validation = all.selecting(split.validation)
    }
    try training.checkLearnable()
    labels = kind == .labels ? try LabelMap(training: training) : nil
    if let other = self.validation { _ = try labels?.encode(other) }
  }

  /// Refuses rows that a network would take for others.
  ///
  /// - Parameters:
  ///   - names: The network's names of its features; none are not compared.
  ///   - width: How many it takes.
  ///   - reference: How it is called.
  /// - Throws: `invalidInput` for another width, or the same names in another order.
  func check(features names: [String], width: Int, of reference: String) throws(RegistryError) {
    try training.checkColumnCount(width, of: reference)
    let (own, theirs) = (training.columns.map { Array($0.utf8) }, names.map { Array($0.utf8) })
    guard own != theirs, own.count == theirs.count, Set(own) == Set(theirs) else { return }
    let place = zip(own, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
    throw RegistryError(
      .invalidInput,
      "feature column \(place + 1) of \(training.name) is '\(training.columns[place])', but "
        + "'\(names[place])' in \(reference)",
      hint: "write the columns in the order in which \(reference) has them")
  }

  /// Rows as the engine takes them.
  func examples(
    _ table: FeatureTable, _ standardisation: Standardisation?
  ) throws(RegistryError) -> Examples<Float> {
    let features = try standardisation?.applied(to: table) ?? table.features
    let width = table.columnCount
    let classes = try labels?.encode(table)
    return try inPlace(table.name) { () throws(EngineError) in
      if let classes {
        return try Examples(features: features, width: width, classes: classes)
      }
      guard case .numbers(let values) = table.target else { throw .targets }
      return try Examples(features: features, width: width, values: values, valueWidth: 1)
    }
  }
}

extension TableSource {
  /// The name and the digest of what is read, for the run's record.
  func record() throws -> (name: String, digest: Digest?) {
    switch self {
    case .table(let table): return (table.name, nil)
    case .file(let url, _):
      let handle = try FileHandle(forReadingFrom: url)
      defer { try? handle.close() }
      var hasher = Digest.Hasher()
      while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty {
        part.withUnsafeBytes { hasher.update($0) }
      }
      return (url.relativePath, hasher.finalize())
    }
  }
}

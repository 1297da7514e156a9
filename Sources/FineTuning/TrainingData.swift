package import Datasets
import Engine
package import Foundation
import Storage
import Weights

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
  /// - Throws: `invalidInput` for another width, or a name of both at another place.
  func check(features names: [String], width: Int, of reference: String) throws(RegistryError) {
    try training.checkColumnCount(width, of: reference)
    let (own, theirs) = (training.columns.map { Array($0.utf8) }, names.map { Array($0.utf8) })
    let shared = Set(own).intersection(theirs)
    for (place, (column, name)) in zip(own, theirs).enumerated()
    where column != name && (shared.contains(column) || shared.contains(name)) {
      throw RegistryError(
        .invalidInput, difference(place, names, reference),
        hint: "write the columns in the order in which \(reference) has them")
    }
  }

  /// What warns of features that the network knows by other names; nil where there are none.
  func warning(features names: [String], of reference: String) -> String? {
    let differing = zip(training.columns, names).enumerated().filter {
      !$1.0.utf8.elementsEqual($1.1.utf8)
    }
    guard let place = differing.first?.offset else { return nil }
    let more = differing.count > 1 ? ", and \(differing.count - 1) more differ" : ""
    return difference(place, names, reference) + more
  }

  private func difference(_ place: Int, _ names: [String], _ reference: String) -> String {
    let own = Excerpt(training.columns[place])
    return "feature column \(place + 1) of \(training.name) is \(own), but "
      + "\(Excerpt(names[place])) in \(reference)"
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
  /// A file that was read, for the run's record.
  typealias Named = (name: String, digest: Digest?)

  /// The names and the digests of what is read: the rows, and the labels beside them.
  func record() throws(RegistryError) -> (rows: Named, labels: Named?) {
    switch self {
    case .table(let table): return ((table.name, nil), nil)
    case .file(let url, let labels):
      let labels = try labels.map { url throws(RegistryError) in try Self.named(url) }
      return (try Self.named(url), labels)
    }
  }

  private static func named(_ url: URL) throws(RegistryError) -> Named {
    let file = try SourceFile(url)
    var hasher = Digest.Hasher()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset: Int64 = 0
    while offset < file.sizeBytes {
      let size = Int(min(file.sizeBytes - offset, Int64(buffer.count)))
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<size])
      try file.read(into: part, at: offset)
      hasher.update(UnsafeRawBufferPointer(part))
      offset += Int64(size)
    }
    return (url.relativePath, hasher.finalize())
  }
}

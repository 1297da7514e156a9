import Datasets
import Foundation
import Storage
import Support
import Testing

/// Reads a file with this content.
func read(
  _ content: [UInt8], as name: String = "train.csv",
  _ options: FeatureTable.ReadOptions = .init(), labels: [UInt8]? = nil
) throws -> FeatureTable {
  try withTemporaryFolder { folder in
    let file = folder.appending(path: name)
    try Data(content).write(to: file)
    var options = options
    if let labels {
      options.labelFile = folder.appending(path: "y.npy")
      try Data(labels).write(to: folder.appending(path: "y.npy"))
    }
    return try FeatureTable.read(file, options)
  }
}

/// Reads a file with this text.
func read(
  _ text: String, as name: String = "train.csv", _ options: FeatureTable.ReadOptions = .init()
) throws -> FeatureTable {
  try read(Array(text.utf8), as: name, options)
}

/// The sentence with which something is refused; any error but `invalidInput` is recorded.
func fault(_ body: () throws -> Void, at place: SourceLocation = #_sourceLocation) -> String {
  do {
    try body()
    Issue.record("nothing was refused", sourceLocation: place)
    return ""
  } catch let error as RegistryError {
    #expect(error.kind == .invalidInput, sourceLocation: place)
    return error.message
  } catch {
    Issue.record(error, sourceLocation: place)
    return ""
  }
}

/// The sentence with which a file of this text is refused.
func fault(
  _ text: String, as name: String = "train.csv", _ options: FeatureTable.ReadOptions = .init(),
  at place: SourceLocation = #_sourceLocation
) -> String {
  fault({ _ = try read(text, as: name, options) }, at: place)
}

extension FeatureTable {
  /// The labels row by row; empty where there are numbers.
  var labels: [String] {
    guard case .labels(let column) = target else { return [] }
    return (0..<rowCount).map { column[$0] }
  }

  /// The numbers to predict; empty where there are labels.
  var numbers: [Float] {
    guard case .numbers(let numbers) = target else { return [] }
    return numbers
  }
}

package import Catalog
import GRDB
package import Storage
import Weights

/// What `version show` tells beside a version's row.
package struct VersionFacts: Sendable {
  /// The files, in byte order of their paths.
  package let files: [VersionFile]
  /// The tensors of the model; see `VersionFile.modelTensors`.
  package let tensorCount: Int
  /// The elements of all tensors.
  package let parameterCount: Int64
  /// What there is of each type, the most elements first.
  package let types: [TypeShare]
  /// `BertModel`: the first of `architectures` in config.json, or its `architecture`.
  package let architecture: String?
  /// `bert`: `model_type` in config.json.
  package let modelType: String?

  /// `linear 64 128`, `relu`: the `layers` of config.json; empty where it has none.
  package let layers: [String]

  /// The tensors of one element type.
  package struct TypeShare: Sendable, Equatable {
    /// As the file spells it: `F32`.
    package let dtypeName: String
    /// How many tensors.
    package let tensorCount: Int
    /// Their elements.
    package let parameterCount: Int64
  }

  /// The sizes of all files together.
  package var sizeBytes: Int64 { files.reduce(0) { $0 + $1.sizeBytes } }

  /// Reads the facts of a version.
  ///
  /// - Parameters:
  ///   - version: The version.
  ///   - store: An open store.
  /// - Throws: `corrupt`; SQLite's errors.
  package init(_ version: Version, _ store: Store) throws {
    let files = try store.read { try version.files($0) }
    var shares: [String: (tensors: Int, parameters: Int64)] = [:]
    var config: JSON?
    try store.read(.weights) { db in
      for tensor in try VersionFile.modelTensors(of: files, db).map(\.tensor) {
        let share = shares[tensor.dtypeName] ?? (0, 0)
        let (sum, _) = share.parameters.addingReportingOverflow(tensor.elementCount)
        shares[tensor.dtypeName] = (share.tensors + 1, sum)
      }
      let file = files.first { $0.path.utf8.elementsEqual("config.json".utf8) }
      if let file, file.sizeBytes <= Self.configBytesMax {
        config = try? JSON.parse(try Blob.content(file.digest, db), allowsNonFinite: true)
      }
    }
    self.files = files
    tensorCount = shares.values.reduce(0) { $0 + $1.tensors }
    parameterCount = shares.values.reduce(0) { $0.addingReportingOverflow($1.parameters).0 }
    types = shares.map {
      TypeShare(dtypeName: $0, tensorCount: $1.tensors, parameterCount: $1.parameters)
    }
    .sorted { ($1.parameterCount, $0.dtypeName) < ($0.parameterCount, $1.dtypeName) }
    architecture =
      config?["architectures"]?.array?.first?.string ?? config?["architecture"]?.string
    layers = (config?["layers"]?.array ?? []).map(Self.text)
    modelType = config?["model_type"]?.string
  }

  /// A layer in words: its keys and numbers.
  private static func text(_ layer: JSON) -> String {
    if let members = layer.members {
      return members.map { "\($0.key) \(text($0.value))" }.joined(separator: " ")
    }
    if let array = layer.array { return array.map(text).joined(separator: " ") }
    return layer.string ?? layer.text()
  }

  private static let configBytesMax = 1 << 20
}

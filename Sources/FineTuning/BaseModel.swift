import Catalog
import Datasets
import Engine
import Foundation
import GRDB
import Storage
import Weights

/// A version that training starts from, read from the store.
struct BaseModel {
  /// How it is referred to: `digits:1`.
  let reference: String
  let config: ModelConfig
  let architecture: Architecture
  /// The version's tensor of each of the architecture's parameters.
  let tensors: [Tensor]
  /// The numbers of each parameter; other floats are rounded to 32 bits.
  let numbers: [[Float]]

  /// Reads and checks a version.
  ///
  /// - Throws: `invalidInput` when it is no network that this trainer knows, or its tensors are not
  ///   those of its layers.
  init(_ version: Version, _ store: Store) throws {
    let reference = version.reference
    let files = try store.read { db in try version.files(db) }
    (config, architecture) = try store.read(.weights) { db in
      let config = try Self.config(of: reference, files, db)
      let architecture = try inPlace("config.json of \(reference)") {
        () throws(EngineError) in try Architecture(config.layers)
      }
      return (config, architecture)
    }
    let architecture = self.architecture
    (tensors, numbers) = try store.read(.weights) { db in
      let all = try VersionFile.modelTensors(of: files, db).map(\.tensor)
      let tensors = try Self.tensors(all, of: architecture, reference)
      return (tensors, try tensors.map { try Self.numbers(of: $0, reference, db) })
    }
    self.reference = reference
  }

  private static func config(
    of reference: String, _ files: [VersionFile], _ db: Database
  ) throws -> ModelConfig {
    let file = files.first { $0.path.utf8.elementsEqual("config.json".utf8) }
    let json = try file.map { file in
      try JSON.parse(try Blob.content(file.digest, db), allowsNonFinite: true)
    }
    let name = json?["architecture"]?.string
    guard let json, name == ModelConfig.architectureName else {
      let other =
        name ?? json?["architectures"]?.array?.first?.string ?? json?["model_type"]?.string
      throw RegistryError(
        .invalidInput,
        "the built-in trainer trains mlp only, and "
          + (other.map { "\(reference) is a \(Excerpt($0))" }
            ?? "no config.json of \(reference) says that it is one"),
        hint: "train it with a command: registry run TASK -- python train.py")
    }
    return try ModelConfig(json, of: "config.json of \(reference)")
  }

  /// Finds the tensor of each parameter, and refuses any other.
  private static func tensors(
    _ all: [Tensor], of architecture: Architecture, _ reference: String
  ) throws(RegistryError) -> [Tensor] {
    var rest = all
    var tensors: [Tensor] = []
    for parameter in architecture.parameters {
      guard let place = rest.firstIndex(where: { $0.bareName == TensorName.bare(parameter.name) })
      else {
        throw RegistryError(
          .invalidInput, "\(reference) has no tensor \(parameter.name), which its layers need")
      }
      let tensor = rest.remove(at: place)
      guard tensor.shape == parameter.shape else {
        throw RegistryError(
          .invalidInput,
          "tensor \(tensor.name) of \(reference) has the shape \(tensor.shape), its layer "
            + "\(parameter.shape)")
      }
      guard tensor.dtype?.isFloat == true else {
        throw RegistryError(
          .invalidInput, "tensor \(tensor.name) of \(reference) is \(tensor.dtypeName), no float")
      }
      tensors.append(tensor)
    }
    if let other = rest.first {
      throw RegistryError(
        .invalidInput, "tensor \(other.name) of \(reference) belongs to none of its layers")
    }
    return tensors
  }

  private static func numbers(
    of tensor: Tensor, _ reference: String, _ db: Database
  ) throws -> [Float] {
    guard let dtype = tensor.dtype else { return [] }
    var numbers: [Float] = []
    try tensor.forEachChunk(db) { chunk in
      for value in dtype.values(chunk) { numbers.append(Float(value)) }
    }
    guard numbers.allSatisfy(\.isFinite) else {
      throw RegistryError(
        .invalidInput,
        "tensor \(tensor.name) of \(reference) holds a number that is not finite in 32 bits")
    }
    return numbers
  }
}

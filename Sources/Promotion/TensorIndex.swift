import Storage
import Weights

/// A tensor of a version, with the path of the file it is in.
struct VersionTensor {
  let path: String
  let tensor: Tensor
}

/// Finds a version's tensors under the names of another version's: as they are, then prefixes aside.
struct TensorIndex {
  private var byPath: [[UInt8]: Tensor] = [:]
  private var byName: [[UInt8]: Tensor] = [:]
  private var byBareName: [[UInt8]: Tensor] = [:]

  init(_ tensors: [VersionTensor]) {
    for entry in tensors {
      let tensor = entry.tensor
      byPath[Self.key(entry)] = tensor
      // The first of equal names counts, so that the order of the files decides and not chance.
      if byName[Array(tensor.name.utf8)] == nil { byName[Array(tensor.name.utf8)] = tensor }
      if byBareName[tensor.bareName] == nil { byBareName[tensor.bareName] = tensor }
    }
  }

  /// The tensor that means the same weights: of the same file and name, else of the name, else prefixes aside.
  func find(_ other: VersionTensor) -> Tensor? {
    byPath[Self.key(other)] ?? byName[Array(other.tensor.name.utf8)]
      ?? byBareName[other.tensor.bareName]
  }

  private static func key(_ entry: VersionTensor) -> [UInt8] {
    Array(entry.path.utf8) + [0] + entry.tensor.name.utf8
  }
}

import Storage
import Weights

/// Tensors that the producing run declared frozen are still the parent's, byte for byte.
///
/// No byte is read: equal chunk ids are equal content.
struct FrozenGate {
  /// The globs that the run declared.
  let globs: [String]
  /// The version the run started from: `sections:1`.
  let parent: String

  private static let namesMax = 20

  /// A result for versions that declare nothing frozen.
  static func notApplicable(_ reason: String) -> Gate.Result {
    Gate.Result(.frozen, .notApplicable, reason, ["reason": .string(reason)])
  }

  /// A failure for a version that declares tensors frozen and has no parent that could prove it.
  static func failed(_ globs: [String]) -> Gate.Result {
    Gate.Result(
      .frozen, .fail, "no parent to compare the frozen tensors with",
      ["globs": .array(globs.map(JSON.string))])
  }

  /// Compares what the globs match.
  ///
  /// A tensor is still there if the version's of its path and name is it, else any of its name.
  ///
  /// - Parameters:
  ///   - tensors: The version's.
  ///   - parentTensors: The parent's, whose names the globs match.
  /// - Returns: `ok`, or `fail` naming the first tensor that differs or glob that matches nothing.
  func judge(_ tensors: [FileTensor], against parentTensors: [FileTensor]) -> Gate.Result {
    let names = parentTensors.map(\.tensor.name)
    let matches = globs.map { TensorGlob($0).matches(in: names) }
    let unmatched = zip(globs, matches).filter { $1.isEmpty }.map { $0.0 }
    let indices = matches.reduce(into: Set()) { $0.formUnion($1) }.sorted()
    let frozen = indices.map { parentTensors[$0] }
    let copies = FileTensor.copies(of: frozen, in: tensors)
    let faults = zip(frozen, copies).compactMap { original, copies in
      Self.fault(copies.map { tensors[$0].tensor }, original.tensor)
        .map { (tensor: original.tensor.name, fault: $0) }
    }
    let evidence: JSON = [
      "globs": .array(self.globs.map(JSON.string)), "parent": .string(parent),
      "tensors": JSON(frozen.count), "identical": JSON(frozen.count - faults.count),
      "different": .array(
        faults.prefix(Self.namesMax).map {
          ["tensor": .string($0.tensor), "fault": .string($0.fault)]
        }),
      "globsWithoutTensor": .array(unmatched.map(JSON.string)),
    ]
    if let first = unmatched.first {
      return Gate.Result(
        .frozen, .fail, "glob '\(first)' matches no tensor of \(parent)", evidence)
    }
    if let first = faults.first {
      let others = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
      return Gate.Result(.frozen, .fail, "\(first.tensor) \(first.fault)\(others)", evidence)
    }
    return Gate.Result(
      .frozen, .ok, "\(frozen.count)/\(frozen.count) tensors identical to \(parent)", evidence)
  }

  /// What keeps all of the version's copies from being the parent's tensor; nil if one is it.
  private static func fault(_ copies: [Tensor], _ original: Tensor) -> String? {
    let faults = copies.map { fault($0, original) }
    return faults.contains(nil) ? nil : faults.first ?? "is missing"
  }

  private static func fault(_ tensor: Tensor, _ original: Tensor) -> String? {
    guard tensor.dtypeName.utf8.elementsEqual(original.dtypeName.utf8) else {
      return "is \(tensor.dtypeName), was \(original.dtypeName)"
    }
    guard tensor.shape == original.shape else {
      return "has shape \(tensor.shape), was \(original.shape)"
    }
    return tensor.chunkIds == original.chunkIds ? nil : "has other bytes"
  }
}

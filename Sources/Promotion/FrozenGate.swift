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
  /// - Parameters:
  ///   - tensors: The version's.
  ///   - parentTensors: The parent's, whose names the globs match.
  /// - Returns: `ok`, or `fail` naming the first tensor that differs or glob that matches nothing.
  func judge(_ tensors: [Tensor], against parentTensors: [Tensor]) -> Gate.Result {
    let globs = self.globs.map(TensorGlob.init)
    let unmatched = globs.filter { glob in
      !parentTensors.contains { glob.matches($0.name) }
    }
    let partners = Tensor.partners(of: parentTensors, in: tensors)
    let frozen = zip(parentTensors, partners).filter { original, _ in
      globs.contains { $0.matches(original.name) }
    }
    let faults = frozen.compactMap { original, place in
      Self.fault(place.map { tensors[$0] }, original).map { (tensor: original.name, fault: $0) }
    }
    let evidence: JSON = [
      "globs": .array(self.globs.map(JSON.string)), "parent": .string(parent),
      "tensors": JSON(frozen.count), "identical": JSON(frozen.count - faults.count),
      "different": .array(
        faults.prefix(Self.namesMax).map {
          ["tensor": .string($0.tensor), "fault": .string($0.fault)]
        }),
      "globsWithoutTensor": .array(unmatched.map { .string($0.text) }),
    ]
    if let first = unmatched.first {
      return Gate.Result(
        .frozen, .fail, "glob '\(first.text)' matches no tensor of \(parent)", evidence)
    }
    if let first = faults.first {
      let others = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
      return Gate.Result(.frozen, .fail, "\(first.tensor) \(first.fault)\(others)", evidence)
    }
    return Gate.Result(
      .frozen, .ok, "\(frozen.count)/\(frozen.count) tensors identical to \(parent)", evidence)
  }

  /// What keeps the version's tensor from being the parent's; nil if nothing does.
  private static func fault(_ tensor: Tensor?, _ original: Tensor) -> String? {
    guard let tensor else { return "is missing" }
    guard tensor.dtypeName.utf8.elementsEqual(original.dtypeName.utf8) else {
      return "is \(tensor.dtypeName), was \(original.dtypeName)"
    }
    guard tensor.shape == original.shape else {
      return "has shape \(tensor.shape), was \(original.shape)"
    }
    return tensor.chunkIds == original.chunkIds ? nil : "has other bytes"
  }
}

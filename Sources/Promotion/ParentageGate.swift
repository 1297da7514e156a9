import Foundation
import Storage
import Weights

/// The claimed parent is plausible: enough values have a counterpart there, and they go together.
struct ParentageGate {
  /// The least part of the version's float values that must match the parent's by name and shape.
  static let matchedFractionMin = 0.5
  /// The least correlation over all matched values: fine-tuning keeps it near 1, chance gives 0.
  static let correlationMin = 0.5

  /// The version: `sections:2`.
  let version: String
  /// The claimed parent: `sections:1`.
  let parent: String
  /// What the edge between them says: `finetune` or `fork`.
  let relation: String

  /// A result for versions whose claim says nothing about likeness.
  static func notApplicable(_ reason: String, relation: String? = nil) -> Gate.Result {
    Gate.Result(
      .parentage, .notApplicable, reason,
      ["relation": JSON(relation), "reason": .string(reason)])
  }

  /// Judges a scan of the version beside the parent.
  ///
  /// - Parameters:
  ///   - scan: Of the version's tensors beside the parent's.
  ///   - parentHasFloats: Whether the parent has float tensors at all.
  /// - Returns: `ok` or `fail` with the values; `notApplicable` when neither has floats.
  func judge(_ scan: WeightScan, parentHasFloats: Bool) -> Gate.Result {
    let values = scan.entries.reduce(0) { $0 + $1.tensor.elementCount }
    if values == 0 && !parentHasFloats {
      return Self.notApplicable(
        "neither \(version) nor \(parent) has float tensors", relation: relation)
    }
    let matched = scan.entries.filter { ($0.partner?.commonCount ?? 0) > 0 }
    let matchedCount = matched.reduce(0) { $0 + ($1.partner?.commonCount ?? 0) }
    let fraction = values == 0 ? 0 : Double(matchedCount) / Double(values)
    var pairs = Moments()
    for entry in matched where !entry.sums.isConstant { pairs.add(entry.sums.moments) }
    let isEqual = matched.allSatisfy(\.sums.isEqual)
    let correlation = pairs.correlation
    let constants = matched.filter(\.sums.isConstant).count
    let evidence: JSON = [
      "relation": .string(relation), "parent": .string(parent),
      "values": JSON(values), "matchedValues": JSON(matchedCount),
      "matchedFraction": JSON(fraction), "matchedFractionMin": JSON(Self.matchedFractionMin),
      "matchedTensors": JSON(matched.count), "constantTensors": JSON(constants),
      "skippedValues": JSON(matched.reduce(0) { $0 + $1.sums.skippedCount }),
      "correlation": JSON(correlation), "correlationMin": JSON(Self.correlationMin),
      "equal": .bool(isEqual), "decidedBy": correlation == nil ? "equality" : "correlation",
    ]
    let share = "\(Self.percent(fraction)) of the values match \(parent)"
    guard fraction >= Self.matchedFractionMin else {
      return Gate.Result(
        .parentage, .fail, "only \(share); \(Self.percent(Self.matchedFractionMin)) needed",
        evidence)
    }
    guard let correlation else {
      return Gate.Result(
        .parentage, isEqual ? .ok : .fail,
        "\(share); all constant, and \(isEqual ? "equal" : "different")", evidence)
    }
    let shown = "\(share), correlation " + String(format: "%.4f", correlation)
    guard correlation >= Self.correlationMin else {
      return Gate.Result(
        .parentage, .fail, "\(shown); \(Self.correlationMin) needed", evidence)
    }
    return Gate.Result(.parentage, .ok, shown, evidence)
  }

  private static func percent(_ fraction: Double) -> String {
    String(format: "%.4g %%", fraction * 100)
  }
}

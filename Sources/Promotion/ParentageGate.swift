import Catalog
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
  /// The parent: `sections:1`.
  let parent: String
  /// What the edge between them says.
  let relation: Parentage.Relation

  /// Whether the edge claims that the version's weights continue the parent's.
  static func isClaim(_ relation: Parentage.Relation) -> Bool {
    relation == .finetune || relation == .fork
  }

  /// What is said of the edge to one parent.
  struct Edge {
    let outcome: Gate.Result.Outcome
    let finding: String
    /// An object with the parent, the relation, values and thresholds.
    let evidence: JSON
  }

  /// Judges a version by its edges: each that claims likeness must pass, and all are evidence.
  static func judge(_ edges: [Edge]) -> Gate.Result {
    let evidence: JSON = ["edges": .array(edges.map(\.evidence))]
    for outcome in [Gate.Result.Outcome.fail, .ok, .notApplicable] {
      let found = edges.filter { $0.outcome == outcome }
      guard !found.isEmpty else { continue }
      let finding = found.map(\.finding).joined(separator: "; ")
      return Gate.Result(.parentage, outcome, finding, evidence)
    }
    return Gate.Result(.parentage, .notApplicable, "no parent is claimed", evidence)
  }

  /// The edge of a relation that claims no likeness.
  func notApplicable() -> Edge {
    edge(.notApplicable, "\(relation.rawValue) of \(parent) may change any weight")
  }

  /// Judges the edge by a scan of the version beside the parent.
  ///
  /// - Parameters:
  ///   - scan: Of the version's tensors beside the parent's.
  ///   - hasSameFiles: Whether the version's files are the parent's, byte for byte.
  /// - Returns: `ok` or `fail` with the values.
  func judge(_ scan: WeightScan, hasSameFiles: Bool) -> Edge {
    let values = scan.entries.reduce(0) { $0 + $1.tensor.elementCount }
    guard values > 0 else {
      let what = "\(version) has no float tensors in a format that is read"
      return hasSameFiles
        ? edge(.ok, "\(what), and the same files as \(parent)", ["decidedBy": "files"])
        : edge(.fail, what)
    }
    let matched = scan.entries.filter { ($0.partner?.commonCount ?? 0) > 0 }
    let matchedCount = matched.reduce(0) { $0 + ($1.partner?.commonCount ?? 0) }
    let fraction = Double(matchedCount) / Double(values)
    let varied = matched.filter { !$0.sums.isConstant }
    var pairs = Moments()
    for entry in varied { pairs.add(entry.sums.moments) }
    let isEqual = matched.allSatisfy(\.sums.isEqual)
    let correlation = pairs.correlation
    let evidence: JSON = [
      "values": JSON(values), "matchedValues": JSON(matchedCount),
      "matchedFraction": JSON(fraction), "matchedFractionMin": JSON(Self.matchedFractionMin),
      "matchedTensors": JSON(matched.count),
      "constantTensors": JSON(matched.count - varied.count),
      "skippedValues": JSON(matched.reduce(0) { $0 + $1.sums.skippedCount }),
      "correlation": JSON(correlation), "correlationMin": JSON(Self.correlationMin),
      "equal": .bool(isEqual), "decidedBy": varied.isEmpty ? "equality" : "correlation",
    ]
    let share = "\(Self.percent(fraction)) of the values match \(parent)"
    guard fraction >= Self.matchedFractionMin else {
      return edge(
        .fail, "only \(share); \(Self.percent(Self.matchedFractionMin)) needed", evidence)
    }
    guard !varied.isEmpty else {
      return edge(
        isEqual ? .ok : .fail,
        "\(share); all constant, and \(isEqual ? "equal" : "different")", evidence)
    }
    guard let correlation else {
      return edge(.fail, "\(share); their correlation cannot be computed", evidence)
    }
    let shown = "\(share), correlation " + String(format: "%.4f", correlation)
    guard correlation >= Self.correlationMin else {
      return edge(.fail, "\(shown); \(Self.correlationMin) needed", evidence)
    }
    return edge(.ok, shown, evidence)
  }

  private func edge(
    _ outcome: Gate.Result.Outcome, _ finding: String, _ values: JSON = [:]
  ) -> Edge {
    let head: [JSON.Member] = [
      .init("parent", .string(parent)), .init("relation", .string(relation.rawValue)),
      .init("outcome", .string(outcome.rawValue)), .init("finding", .string(finding)),
    ]
    return Edge(
      outcome: outcome, finding: finding, evidence: .object(head + (values.members ?? [])))
  }

  private static func percent(_ fraction: Double) -> String {
    String(format: "%.4g %%", fraction * 100)
  }
}

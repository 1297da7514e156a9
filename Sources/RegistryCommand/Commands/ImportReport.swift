import Catalog
import Foundation
import Storage
import Workspace

/// What an import or a version tells of its files and tensors.
enum ImportReport {
  static func make(_ made: VersionImport, noun: String, _ store: Store) throws -> Report {
    let facts = try VersionFacts(made.version, store)
    var report = Report("version")
    report.add(
      [.init("reference", noun, .text(made.version.reference), .bold)] + fields(facts)
        + [
          .init(
            "storedBytes", "stored",
            .structure(.integer(made.storedBytes), text: stored(made, facts))),
          .init("isNewModel", "model", .structure(.bool(made.isNewModel), text: "")),
          .init("sameAs", "same files as", .init(made.sameAs?.reference)),
        ].filter { !$0.isEmpty })
    if noun == "base" {
      report.next = "registry fork \(made.version.modelName) TASK --metric NAME:max"
    }
    return report
  }

  /// Files, tensors and architecture.
  static func fields(_ facts: VersionFacts) -> [Report.Field] {
    let types = facts.types.map { type in
      facts.types.count == 1
        ? type.dtypeName : "\(type.dtypeName) \(count(type.parameterCount))"
    }
    let tensors =
      "\(facts.tensorCount), \(count(facts.parameterCount)) parameters, "
      + types.joined(separator: ", ")
    let shares = JSON.array(
      facts.types.map {
        [
          "dtype": .string($0.dtypeName), "tensors": JSON($0.tensorCount),
          "parameters": .integer($0.parameterCount),
        ]
      })
    return [
      .init("architecture", nil, .init(facts.architecture ?? facts.modelType)),
      .init(
        "layers", nil,
        facts.layers.isEmpty
          ? .none
          : .structure(
            .array(facts.layers.map(JSON.string)), text: facts.layers.joined(separator: ", "))),
      .init(
        "fileCount", "files",
        .structure(
          JSON(facts.files.count), text: "\(facts.files.count), \(Value.size(facts.sizeBytes))")),
      .init("sizeBytes", nil, .structure(.integer(facts.sizeBytes), text: "")),
      .init(
        "tensorCount", "tensors",
        facts.tensorCount == 0 ? .none : .structure(JSON(facts.tensorCount), text: tensors)),
      .init("parameterCount", nil, .structure(.integer(facts.parameterCount), text: "")),
      .init("types", nil, .structure(shares, text: "")),
    ].filter { !$0.isEmpty }
  }

  /// A large number in thousands, millions or billions, as models are spoken of.
  static func count(_ number: Int64) -> String {
    let amount = Double(number)
    return switch number {
    case ..<10_000: String(number)
    case ..<1_000_000: (amount / 1e3).shortText + " k"
    case ..<1_000_000_000: (amount / 1e6).shortText + " M"
    default: (amount / 1e9).shortText + " B"
    }
  }

  private static func stored(_ made: VersionImport, _ facts: VersionFacts) -> String {
    guard made.storedBytes > 0 else { return "0 B, everything was here already" }
    let percent = Double(made.storedBytes) / Double(max(1, facts.sizeBytes)) * 100
    return "\(Value.size(made.storedBytes)), \(percent.shortText) % of its size"
  }
}

extension Double {
  /// Three digits, without zeros after the point.
  var shortText: String {
    let tenths = (self * 10).rounded() / 10
    return tenths == tenths.rounded() || tenths >= 100
      ? String(format: "%.0f", self) : String(format: "%.1f", tenths)
  }
}

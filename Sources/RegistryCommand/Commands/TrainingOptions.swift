import ArgumentParser
import Datasets
import FineTuning
import Foundation
import Storage

/// What `registry run` takes when it trains by itself.
struct TrainingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Trains on these rows: .csv, .tsv, .jsonl or .npy.", valueName: "file"),
    completion: .file())
  var data: String?
  @Option(help: ArgumentHelp("Rows to judge by.", valueName: "file"), completion: .file())
  var validation: String?
  @Option(
    help: ArgumentHelp("Judges by this part of the rows instead.", valueName: "fraction"))
  var holdOut: Double?
  @Option(help: ArgumentHelp("The column of the labels.", valueName: "column"))
  var label: String?
  @Option(
    help: ArgumentHelp("Labels for features in .npy.", valueName: "file"), completion: .file())
  var labels: String?
  @Option(
    help: ArgumentHelp("Labels for validation features in .npy.", valueName: "file"),
    completion: .file())
  var validationLabels: String?
  @Flag(help: "The first row of the CSV file is no header.") var noHeader = false
  @Option(help: ArgumentHelp("Threads; the result does not depend on them.", valueName: "n"))
  var threads: Int?

  /// The first option that is given, as typed; nil if none is.
  var given: String? {
    [
      ("--data", data != nil), ("--validation", validation != nil), ("--hold-out", holdOut != nil),
      ("--label", label != nil), ("--labels", labels != nil),
      ("--validation-labels", validationLabels != nil), ("--no-header", noHeader),
      ("--threads", threads != nil),
    ].first(where: \.1)?.0
  }

  /// The rows to learn from.
  func rows() throws(RegistryError) -> TableSource {
    guard let data else {
      throw RegistryError(
        .invalidInput, "nothing to train on",
        hint: "registry run TASK --data FILE, or registry run TASK -- COMMAND")
    }
    return .file(URL(filePath: data), labels: labels.map { URL(filePath: $0) })
  }

  /// The rows to judge by.
  func validationRows() throws(RegistryError) -> ValidationSource {
    guard validation == nil || holdOut == nil else {
      throw RegistryError(.invalidInput, "--validation and --hold-out exclude each other")
    }
    guard validation != nil || validationLabels == nil else {
      throw RegistryError(.invalidInput, "--validation-labels needs --validation")
    }
    if let validation {
      return .rows(
        .file(
          URL(filePath: validation), labels: validationLabels.map { URL(filePath: $0) }))
    }
    return holdOut.map { .holdOut($0) } ?? .none
  }

  /// The hyperparameters for help: a line each.
  static var hyperparameters: String {
    Hyperparameters.Key.all.map { key in
      "  " + key.name.padded(to: 17) + "\(key.meaning) (\(key.usual))"
    }.joined(separator: "\n")
  }
}

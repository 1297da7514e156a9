package import Storage

/// A rule that a version must pass before it may hold an alias; these need no dataset.
package enum Gate: String, Sendable, CaseIterable {
  /// Every float value of every tensor is a finite number.
  case finite
  /// Tensors that the producing run declared frozen are the parent's, byte for byte.
  case frozen
  /// The claimed parent is plausibly where the weights come from.
  case parentage
  /// The task's primary metric is present and better than the holder's and the parent's.
  case metric

  /// The name, as in `--waive frozen`.
  package var name: String { rawValue }

  /// Finds a gate by its name.
  ///
  /// - Parameter name: What the user typed.
  /// - Returns: The gate.
  /// - Throws: `invalidInput` with the list of gates for any other name.
  package static func get(_ name: String) throws(RegistryError) -> Gate {
    let found = allCases.first { $0.name.utf8.elementsEqual(name.utf8) }
    guard let found else {
      throw RegistryError(
        .invalidInput, "no gate named '\(name)'",
        hint: "the gates are " + allCases.map(\.name).joined(separator: ", "))
    }
    return found
  }

  /// What a gate said about one version.
  package struct Result: Sendable, Equatable {
    /// The classes of what a gate says; only `fail` keeps an alias from moving.
    package enum Outcome: String, Sendable {
      case ok, fail, notApplicable, waived
    }

    /// The gate.
    package let gate: Gate
    /// What it said; a waived failure is `waived`.
    package let outcome: Outcome
    /// The reason in one line, for people.
    package let finding: String
    /// Values and thresholds, an object, for programs.
    package let evidence: JSON

    /// Makes a result from all of its parts.
    package init(_ gate: Gate, _ outcome: Outcome, _ finding: String, _ evidence: JSON) {
      self.gate = gate
      self.outcome = outcome
      self.finding = finding
      self.evidence = evidence
    }

    /// Reads a result that was stored.
    init(json: JSON) throws(RegistryError) {
      guard let gate = json["gate"]?.string.flatMap(Gate.init(rawValue:)),
        let outcome = json["outcome"]?.string.flatMap(Outcome.init(rawValue:)),
        let finding = json["finding"]?.string, let evidence = json["evidence"]
      else { throw RegistryError(.corrupt, "the evidence of a promotion is damaged") }
      self.init(gate, outcome, finding, evidence)
    }

    /// The same finding, waived if it is a failure.
    func waived() -> Result {
      outcome == .fail ? Result(gate, .waived, finding, evidence) : self
    }

    /// The result as it is stored and printed.
    package var json: JSON {
      [
        "gate": .string(gate.name), "outcome": .string(outcome.rawValue),
        "finding": .string(finding), "evidence": evidence,
      ]
    }
  }
}

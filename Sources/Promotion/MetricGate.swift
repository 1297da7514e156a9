import Catalog
import Foundation
import Storage
import Tracking
import Workspace

/// Judges a version's primary metric: present, a number, and better than the holder's and parent's.
struct MetricGate {
  /// A version that the candidate has to beat.
  struct Rival {
    /// Why it counts: `holder` or `parent`.
    let role: String
    let scores: VersionScores
  }

  /// The metric's key: `val/f1`.
  let metric: String
  /// Which end of it is better.
  let direction: Experiment.Direction

  /// A result for versions of models that are no task's.
  static func notApplicable(_ reason: String) -> Gate.Result {
    Gate.Result(.metric, .notApplicable, reason, ["reason": .string(reason)])
  }

  /// Judges a candidate against its rivals.
  func judge(_ candidate: VersionScores, against rivals: [Rival]) -> Gate.Result {
    let own = candidate.find(metric)
    let comparisons = rivals.map { compare(candidate, with: $0) }
    let evidence: JSON = [
      "metric": .string(metric), "direction": .string(direction.rawValue),
      "value": JSON(own?.value), "source": JSON(own?.source),
      "against": .array(comparisons.map(\.json)),
    ]
    guard let own else {
      return Gate.Result(
        .metric, .fail, "\(metric) is not present on \(candidate.version.reference)", evidence)
    }
    guard !own.value.isNaN else {
      return Gate.Result(.metric, .fail, "\(metric) is NaN, which is never better", evidence)
    }
    let failures = comparisons.filter { $0.verdict == .worse || $0.verdict == .tie }
    let shown = failures.isEmpty ? comparisons : failures
    let finding = ["\(metric) \(Self.text(own.value))"] + shown.map(\.text)
    return Gate.Result(
      .metric, failures.isEmpty ? .ok : .fail, finding.joined(separator: "; "), evidence)
  }

  private enum Verdict: String {
    case better, tie, worse
    case notComparable = "not comparable"
  }

  private struct Duel {
    let rival: Rival
    let value: Double?
    let source: String?
    let verdict: Verdict
    /// Why the two are not compared.
    let reason: String?

    var text: String {
      let name = "\(rival.role) \(rival.scores.version.reference)"
      let value = value.map { " (\(MetricGate.text($0)))" } ?? ""
      return switch verdict {
      case .better: "better than \(name)\(value)"
      case .tie: "a tie with \(name), not better"
      case .worse: "worse than \(name)\(value)"
      case .notComparable: "\(name) not comparable: \(reason ?? "")"
      }
    }

    var json: JSON {
      [
        "role": .string(rival.role), "version": .string(rival.scores.version.reference),
        "value": JSON(value), "source": JSON(source), "verdict": .string(verdict.rawValue),
        "reason": JSON(reason),
      ]
    }
  }

  private func compare(_ candidate: VersionScores, with rival: Rival) -> Duel {
    let other = rival.scores.find(metric)
    func judged(_ verdict: Verdict, _ reason: String? = nil) -> Duel {
      Duel(
        rival: rival, value: other?.value, source: other?.source, verdict: verdict,
        reason: reason)
    }
    guard let own = candidate.find(metric) else {
      return judged(.notComparable, "this version has no \(metric)")
    }
    guard let other else { return judged(.notComparable, "it has no \(metric)") }
    guard candidate.isComparable(with: rival.scores) else {
      return judged(.notComparable, "its \(metric) comes from another task")
    }
    if direction.isBetter(own.value, than: other.value) { return judged(.better) }
    return judged(direction.isBetter(other.value, than: own.value) ? .worse : .tie)
  }

  private static func text(_ value: Double) -> String {
    String(format: "%.6g", value)
  }
}

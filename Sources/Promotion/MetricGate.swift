import Foundation
import Storage
import Tracking

/// Judges a version's primary metric: present, a number, and better than that of the versions it follows.
struct MetricGate {
  /// A version's value of the metric, as far as there is one.
  struct Score {
    /// The version's reference: `sections:2`.
    let version: String
    /// The value; nil where the version has none.
    let value: Double?
    /// The experiment that the value comes from; only values of one experiment are compared.
    let experimentId: Int64?
    /// The run that logged it, or what `version add --metric` gave as its source.
    let source: String?
  }

  /// A version that the candidate has to beat.
  struct Rival {
    /// Why it counts: `holder` or `parent`.
    let role: String
    let score: Score
  }

  /// The metric's key: `val/f1`.
  let metric: String
  /// Which end of it is better.
  let direction: Experiment.Direction

  /// Judges a candidate against its rivals.
  func judge(_ candidate: Score, against rivals: [Rival]) -> Gate.Result {
    let comparisons = rivals.map { compare(candidate, with: $0) }
    let evidence: JSON = [
      "metric": .string(metric), "direction": .string(direction.rawValue),
      "value": JSON(candidate.value), "source": JSON(candidate.source),
      "against": .array(comparisons.map(\.json)),
    ]
    guard let value = candidate.value else {
      return Gate.Result(
        .metric, .fail, "\(metric) is not present on \(candidate.version)", evidence)
    }
    guard !value.isNaN else {
      return Gate.Result(.metric, .fail, "\(metric) is NaN, which is never better", evidence)
    }
    let failures = comparisons.filter { $0.verdict == .worse || $0.verdict == .tie }
    let shown = failures.isEmpty ? comparisons : failures
    let finding = ([Self.text(metric, value)] + shown.map(\.text)).joined(separator: "; ")
    return Gate.Result(.metric, failures.isEmpty ? .ok : .fail, finding, evidence)
  }

  private enum Verdict: String {
    case better, tie, worse, notComparable
  }

  private struct Comparison {
    let rival: Rival
    let verdict: Verdict
    /// Why the two are not compared.
    let reason: String?

    var text: String {
      let rivalName = "\(rival.role) \(rival.score.version)"
      let value = rival.score.value.map { " (\(MetricGate.text($0)))" } ?? ""
      return switch verdict {
      case .better: "better than \(rivalName)\(value)"
      case .tie: "a tie with \(rivalName), not better"
      case .worse: "worse than \(rivalName)\(value)"
      case .notComparable: "\(rivalName) not comparable: \(reason ?? "")"
      }
    }

    var json: JSON {
      [
        "role": .string(rival.role), "version": .string(rival.score.version),
        "value": JSON(rival.score.value), "source": JSON(rival.score.source),
        "verdict": .string(verdict == .notComparable ? "not comparable" : verdict.rawValue),
        "reason": JSON(reason),
      ]
    }
  }

  private func compare(_ candidate: Score, with rival: Rival) -> Comparison {
    func incomparable(_ reason: String) -> Comparison {
      Comparison(rival: rival, verdict: .notComparable, reason: reason)
    }
    guard let own = candidate.value else { return incomparable("the version has no \(metric)") }
    guard let other = rival.score.value else { return incomparable("it has no \(metric)") }
    guard candidate.experimentId == rival.score.experimentId else {
      return incomparable("its \(metric) comes from another task")
    }
    let verdict: Verdict =
      direction.isBetter(own, than: other)
      ? .better : direction.isBetter(other, than: own) ? .worse : .tie
    return Comparison(rival: rival, verdict: verdict, reason: nil)
  }

  private static func text(_ value: Double) -> String {
    String(format: "%.6g", value)
  }

  private static func text(_ metric: String, _ value: Double) -> String {
    "\(metric) \(text(value))"
  }
}

import Foundation
import GRDB
import Storage
import Support
import Tracking

/// A run in memory with its own evaluation of filters and orders, independent of SQL.
struct NaiveRun {
  let run: Run
  var metrics: [String: Double] = [:]
  var parameters: [String: String] = [:]
  var tags: [String: String] = [:]

  static func add(
    count: Int, _ generator: inout SeededGenerator, _ db: Database
  ) throws -> [NaiveRun] {
    let experiment = try Experiment.add("naive", db)
    return try (0..<count).map { index in
      var start = Run.Start(experimentId: experiment.id)
      start.name = "run-\(index)"
      start.startTime = Timestamp(milliseconds: .random(in: 0...9, using: &generator))
      start.seed = [nil, 1, 2, 3][Int.random(in: 0..<4, using: &generator)]
      var naive = NaiveRun(run: try Run.add(start, db))
      let losses: [Double?] = [nil, .nan, 0.25, 0.5, 0.5, 0.75, -.infinity, .infinity]
      naive.metrics["loss"] = losses[Int.random(in: 0..<losses.count, using: &generator)]
      let rates = [nil, "0.01", "1e-2", "1e-5", "auto", "3", "b", "inf"]
      naive.parameters["lr"] = rates[Int.random(in: 0..<rates.count, using: &generator)]
      let owners = [nil, "ann", "Ann", "ben", "Alan", "a*n"]
      naive.tags["owner"] = owners[Int.random(in: 0..<owners.count, using: &generator)]
      var batch = PointBatch()
      for (key, value) in naive.metrics {
        batch.add(try batch.key(key), step: 1, time: 1, value: value)
        batch.add(try batch.key(key), step: 0, time: 1, value: 77)
      }
      try naive.run.append(batch, db)
      try naive.run.logParameters(naive.parameters.map { Parameter($0.key, $0.value) }, db)
      try naive.run.setTags(naive.tags.map { Tag($0.key, $0.value) }, db)
      return naive
    }
  }

  func matches(_ filter: Filter) -> Bool {
    switch filter {
    case .all(let parts): parts.allSatisfy(matches)
    case .any(let parts): parts.contains(where: matches)
    case .not(let inner): !matches(inner)
    case .clause(let clause): matches(clause)
    }
  }

  private enum Value {
    case number(Double)
    case text(String)
  }

  private func value(_ field: RunField) -> Value? {
    switch field {
    case .metric(let key): metrics[key].map(Value.number)
    case .parameter(let key): parameters[key].map(Value.text)
    case .tag(let key): tags[key].map(Value.text)
    case .attribute(.seed): run.seed.map { .number(Double($0)) }
    case .attribute(.name): .text(run.name)
    case .attribute(.status): .text(run.status.rawValue)
    case .attribute: nil
    }
  }

  private func matches(_ clause: Filter.Clause) -> Bool {
    let value = value(clause.field)
    if case .isNull(let isNegated) = clause.test { return (value == nil) != isNegated }
    guard let value else { return false }
    switch clause.test {
    case .compare(let comparison, let literal): return compare(comparison, value, literal)
    case .isIn(let literals, let isNegated):
      return literals.contains { compare(.equal, value, $0) } != isNegated
    case .like(let pattern, let ignoresCase, let isNegated):
      guard case .text(let text) = value else { return false }
      let isLike =
        ignoresCase ? like(text.lowercased(), pattern.lowercased()) : like(text, pattern)
      return isLike != isNegated
    case .isNaN(let isNegated):
      guard case .number(let number) = value else { return false }
      return number.isNaN != isNegated
    case .isNull: return false
    }
  }

  private func compare(_ comparison: Comparison, _ value: Value, _ literal: Filter.Literal) -> Bool
  {
    switch literal {
    case .number(let wanted):
      let number: Double? =
        switch value {
        case .number(let number): number
        case .text(let text): Double(text)
        }
      guard let number else { return comparison == .notEqual }
      return apply(comparison, number, wanted)
    case .text(let wanted):
      guard case .text(let text) = value else { return false }
      return apply(comparison, text, wanted)
    }
  }

  private func apply<Operand: Comparable>(
    _ comparison: Comparison, _ left: Operand, _ right: Operand
  ) -> Bool {
    switch comparison {
    case .equal: left == right
    case .notEqual: left != right
    case .less: left < right
    case .lessOrEqual: left <= right
    case .greater: left > right
    case .greaterOrEqual: left >= right
    }
  }

  private func like(_ text: String, _ pattern: String) -> Bool {
    let escaped = NSRegularExpression.escapedPattern(for: pattern)
    let regex = escaped.replacing("%", with: ".*").replacing("_", with: ".")
    return text.range(of: "^\(regex)$", options: .regularExpression) != nil
  }

  func precedes(_ other: NaiveRun, _ keys: [RunSearch.SortKey]) -> Bool {
    for key in keys {
      let mine = rank(key.field)
      let theirs = other.rank(key.field)
      if mine.group != theirs.group { return mine.group < theirs.group }
      if mine.number != theirs.number {
        return (mine.number < theirs.number) != key.isDescending
      }
      if mine.text != theirs.text { return (mine.text < theirs.text) != key.isDescending }
    }
    if run.startTime != other.run.startTime { return run.startTime > other.run.startTime }
    return run.id.hex < other.run.id.hex
  }

  /// Numbers, then what is no number, then what is missing.
  private func rank(_ field: RunField) -> (group: Int, number: Double, text: String) {
    switch value(field) {
    case nil: (2, 0, "")
    case .number(let number): number.isNaN ? (1, 0, "") : (0, number, "")
    case .text(let text):
      if case .parameter = field {
        Double(text).map { (0, $0, text) } ?? (1, 0, text)
      } else {
        (0, 0, text)
      }
    }
  }
}

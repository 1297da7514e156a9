import Storage
import Tracking

/// Turns lines into points that wait for a commit.
struct Intake {
  var batch = PointBatch()
  /// What was wrong with lines.
  private(set) var faults = LineFaults()

  private var reader = MetricsLine()
  private var scrape = Scrape()
  private var scrapedKeyCount = 0

  /// More are no metrics but a program that prints ever new words before its numbers.
  static let scrapedKeysMax = 1000

  /// Takes a line of `REGISTRY_METRICS`.
  mutating func readMetrics(_ line: UnsafeRawBufferPointer, _ number: Int) {
    guard line.count <= LineSplitter.lineLengthMax else {
      return faults.add(line, number, "longer than 1 MiB")
    }
    var keyFault: String?
    let result = reader.points(in: line) { key, value, result in
      do throws(RegistryError) {
        batch.add(
          try batch.key(key), step: result.step, time: result.timeMilliseconds, value: value)
      } catch {
        keyFault = error.message
      }
    }
    faults.otherCount += result.otherCount
    if let reason = result.fault ?? keyFault { faults.add(line, number, reason) }
  }

  /// Takes a line of output; a key that cannot be one is no metric.
  ///
  /// Of keys that stood in no line of metrics the first are taken, counted from the start of this.
  mutating func readOutput(_ line: UnsafeRawBufferPointer) {
    if line.count > LineSplitter.lineLengthMax { faults.cutOutputCount += 1 }
    scrape.points(in: line) { bytes, value, step in
      if let key = batch.find(bytes) { return batch.add(key, step: step, time: nil, value: value) }
      guard scrapedKeyCount < Self.scrapedKeysMax else { return faults.leftOutCount += 1 }
      guard let key = try? batch.key(bytes) else { return }
      scrapedKeyCount += 1
      batch.add(key, step: step, time: nil, value: value)
    }
  }

  /// Forgets the points, which are stored except for those that a series refused.
  mutating func noteCommit(_ refused: [PointBatch.Refusal]) {
    for refusal in refused { faults.add(refusal) }
    batch.removeAll()
  }
}

/// The lines of `REGISTRY_METRICS` and of output that were not what they should be.
struct LineFaults {
  /// Malformed lines.
  private(set) var count = 0
  /// Members that are no number.
  var otherCount = 0
  /// Points of output whose key came after the most that are taken.
  var leftOutCount = 0
  /// Lines of output whose end was not read.
  var cutOutputCount = 0
  private var first: [JSON] = []
  private var refused: [String: PointBatch.Refusal] = [:]

  private static let shownMax = 10
  private static let excerptMax = 200

  mutating func add(_ line: UnsafeRawBufferPointer, _ number: Int, _ reason: String) {
    count += 1
    guard first.count < Self.shownMax else { return }
    first.append([
      "line": JSON(number), "reason": .string(reason),
      "text": .string(String(decoding: line.prefix(Self.excerptMax), as: UTF8.self)),
    ])
  }

  mutating func add(_ refusal: PointBatch.Refusal) {
    guard refused.count < Self.shownMax || refused[refusal.key] != nil else { return }
    refused[refusal.key, default: PointBatch.Refusal(key: refusal.key, reason: refusal.reason)]
      .count += refusal.count
  }

  /// The checks that keep them with the run.
  var checks: [RunCheck] {
    var checks: [RunCheck] = []
    func add(_ rule: String, _ outcome: RunCheck.Outcome, _ evidence: JSON) {
      checks.append(RunCheck(rule: rule, outcome, evidence: evidence))
    }
    if count > 0 || otherCount > 0 {
      add(
        "metrics-line", count > 0 ? .warn : .ok,
        [
          "malformedCount": JSON(count), "notNumberCount": JSON(otherCount), "first": .array(first),
        ])
    }
    if leftOutCount > 0 {
      add(
        "scrape", .warn,
        [
          "reason": .string("more than \(Intake.scrapedKeysMax) different keys in the output"),
          "leftOutCount": JSON(leftOutCount),
        ])
    }
    if cutOutputCount > 0 {
      add(
        "scrape", .warn,
        ["reason": "lines of output longer than 1 MiB", "cutCount": JSON(cutOutputCount)])
    }
    for refusal in refused.values.sorted(by: { $0.key < $1.key }) {
      add(
        "point", .warn, ["reason": .string(refusal.reason), "leftOutCount": JSON(refusal.count)])
    }
    return checks
  }
}

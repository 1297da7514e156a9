import Storage
import Tracking

/// Turns lines into points that wait for a commit.
struct Intake {
  var batch = PointBatch()
  /// What was wrong with lines of metrics.
  private(set) var faults = LineFaults()

  private var reader = MetricsLine()
  private var scrape = Scrape()

  /// Takes a line of `REGISTRY_METRICS`.
  mutating func readMetrics(_ line: UnsafeRawBufferPointer, _ number: Int) {
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
  mutating func readOutput(_ line: UnsafeRawBufferPointer) {
    scrape.points(in: line) { key, value, step in
      guard let key = try? batch.key(key) else { return }
      batch.add(key, step: step, time: nil, value: value)
    }
  }
}

/// The lines of `REGISTRY_METRICS` that were not what they should be.
struct LineFaults {
  /// Malformed lines.
  private(set) var count = 0
  /// Members that are no number.
  var otherCount = 0
  private var first: [JSON] = []

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

  /// The check that keeps them with the run; nil when there is nothing to say.
  var check: RunCheck? {
    guard count > 0 || otherCount > 0 else { return nil }
    return RunCheck(
      rule: "metrics-line", count > 0 ? .warn : .ok,
      evidence: [
        "malformedCount": JSON(count), "notNumberCount": JSON(otherCount), "first": .array(first),
      ])
  }
}

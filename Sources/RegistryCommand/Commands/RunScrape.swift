import ArgumentParser
import Runner
import Storage

struct RunScrape: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scrape",
    abstract: "Shows the rule that finds metrics in output, and what it finds.",
    discussion: """
      Examples:
        registry run scrape
        registry run scrape --test train.log
        python train.py | registry run scrape --test -
      """)

  @Option(
    help: ArgumentHelp("Tries the rule on a file; - is the standard input.", valueName: "file"),
    completion: .file())
  var test: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Shows at most so many points.", valueName: "n"))
  var limit = 20
  @OptionGroup var globals: Globals

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit \(limit) is not a positive number") }
  }

  func run() throws {
    guard let test else {
      var report = Report("scrape")
      report.add([.init("rule", "rule", .text(Scrape.rule))])
      report.next = "registry run scrape --test FILE"
      return globals.show(report)
    }
    var finding = Finding(limit: globals.isForPeople ? limit : .max)
    finding.lineCount = try Scrape.test(path: test) { finding.take($0) }
    globals.show(finding.report)
  }
}

/// What the rule found so far.
private struct Finding {
  private struct Key {
    var count: Int64 = 0
    var firstLine: Int
    var firstValue: Double
    var lastValue: Double
  }

  private let limit: Int
  var lineCount = 0
  private var order: [String] = []
  private var keys: [String: Key] = [:]
  private var points = Table(
    "points", [.init("line"), .init("step"), .init("key", "metric"), .init("value")])

  init(limit: Int) {
    self.limit = limit
  }

  mutating func take(_ point: Scrape.Finding) {
    if keys[point.key] == nil {
      order.append(point.key)
      keys[point.key] = Key(
        firstLine: point.line, firstValue: point.value, lastValue: point.value)
    }
    keys[point.key]?.count += 1
    keys[point.key]?.lastValue = point.value
    if points.rows.count < limit {
      points.add(
        .init(point.line), .integer(point.step), .text(point.key), .number(point.value))
    }
  }

  var report: Report {
    var summary = Table(
      "metrics",
      [
        .init("key", "metric", pinned: true), .init("count", "points"), .init("first"),
        .init("last"), .init("firstLine", "first line"),
      ], emptyText: "no metric in \(lineCount) line\(lineCount == 1 ? "" : "s")")
    for name in order {
      guard let key = keys[name] else { continue }
      summary.add(
        .text(name), .integer(key.count), .number(key.firstValue), .number(key.lastValue),
        .init(key.firstLine))
    }
    var report = Report()
    report.add(summary)
    report.add(points, title: "the first points")
    return report
  }
}

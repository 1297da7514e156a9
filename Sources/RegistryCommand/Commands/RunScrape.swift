import ArgumentParser
import Foundation
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
  @Option(help: ArgumentHelp("Shows at most so many points.", valueName: "n")) var limit = 20
  @OptionGroup var globals: Globals

  func run() throws {
    guard let test else {
      var report = Report("scrape")
      report.add([.init("rule", "rule", .text(Scrape.rule))])
      report.next = "registry run scrape --test FILE"
      return globals.show(report)
    }
    var finding = Finding(limit: globals.isForPeople ? limit : .max)
    try Self.forEachLine(of: test) { finding.take($0) }
    globals.show(finding.report)
  }

  /// Gives out each line without its end; a carriage return ends one as in a run.
  private static func forEachLine(
    of path: String, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws {
    let file = path == "-" ? .standardInput : FileHandle(forReadingAtPath: path)
    guard let file else {
      throw RegistryError(.notFound, "no file \(path)", hint: "registry run scrape --test FILE")
    }
    var line: [UInt8] = []
    do {
      while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
        for byte in piece {
          guard byte == 10 || byte == 13 else {
            line.append(byte)
            continue
          }
          line.withUnsafeBytes(body)
          line.removeAll(keepingCapacity: true)
        }
      }
    } catch {
      throw RegistryError(.invalidInput, "\(path) cannot be read")
    }
    if !line.isEmpty { line.withUnsafeBytes(body) }
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
  private var scrape = Scrape()
  private var line = 0
  private var order: [String] = []
  private var keys: [String: Key] = [:]
  private var points = Table(
    "points", [.init("line"), .init("step"), .init("key", "metric"), .init("value")])

  init(limit: Int) {
    self.limit = limit
  }

  mutating func take(_ bytes: UnsafeRawBufferPointer) {
    line += 1
    var found: [(key: String, value: Double, step: Int64?)] = []
    scrape.points(in: bytes) { key, value, step in
      found.append((String(decoding: key, as: UTF8.self), value, step))
    }
    for point in found {
      if keys[point.key] == nil {
        order.append(point.key)
        keys[point.key] = Key(firstLine: line, firstValue: point.value, lastValue: point.value)
      }
      let count = keys[point.key]?.count ?? 0
      keys[point.key]?.count = count + 1
      keys[point.key]?.lastValue = point.value
      if points.rows.count < limit {
        points.add(
          .init(line), .integer(point.step ?? count), .text(point.key), .number(point.value))
      }
    }
  }

  var report: Report {
    var summary = Table(
      "metrics",
      [
        .init("key", "metric", pinned: true), .init("count", "points"), .init("first"),
        .init("last"), .init("firstLine", "first line"),
      ], emptyText: "no metric in \(line) lines")
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

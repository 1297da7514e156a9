import ArgumentParser
import Foundation
import Storage
import Tracking
import Weights
import Workspace

struct RunShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows a run, a plot of its metrics, its points or its output.",
    discussion: """
      Examples:
        registry run show 7f3a
        registry run show reviews/best --plot val/loss
        registry run show 7f3a 41d0 --plot val/loss --plot lr
        registry run show 7f3a --points loss --csv > loss.csv
        registry run show last --output | less
      """)

  @Argument(help: "The run; several for a plot.") var runs: [String]
  @Option(
    help: ArgumentHelp("Draws a metric over its steps; may be repeated.", valueName: "metric"))
  var plot: [String] = []
  @Option(help: ArgumentHelp("Lists every point of a metric, all digits.", valueName: "metric"))
  var points: String?
  @Flag(help: "Prints the complete output of the command, byte for byte.") var output = false
  @OptionGroup var globals: Globals

  func validate() throws {
    if runs.count > 1, plot.isEmpty {
      throw ValidationError(
        "several runs are shown by --plot; "
          + "registry compare \(runs.joined(separator: " ")) shows differences")
    }
    if [!plot.isEmpty, points != nil, output].count(where: { $0 }) > 1 {
      throw ValidationError("--plot, --points and --output exclude each other")
    }
    if !plot.isEmpty, !globals.isForPeople {
      throw ValidationError("a plot is for people; --points METRIC has the numbers")
    }
  }

  func run() throws {
    try globals.reading { store in
      if !plot.isEmpty {
        try showPlots(store)
      } else if let key = points {
        try showPoints(key, store)
      } else if output {
        try RunOutput(globals).show(runs[0], store)
      } else {
        globals.show(try RunDetails.report(runs[0], store))
      }
    }
  }

  private func showPlots(_ store: Store) throws {
    let terminal = globals.output
    let room = 2 * Plot.width(terminal)
    for (index, key) in plot.enumerated() {
      let curves = try store.read { db in
        try runs.map { reference in
          let run = try Reference(reference).run(db)
          let buckets = try run.buckets(key, countMax: room, db)
          if buckets.isEmpty {
            throw RegistryError(
              .notFound, "run \(run.id.short) has no metric '\(key)'",
              hint: "registry run show \(run.id.short)")
          }
          return Plot.Curve(name: "\(run.id.short) \(run.name)", buckets)
        }
      }
      let title =
        curves.count == 1 ? "\(key.printable)  \(curves[0].name.printable)" : key.printable
      let lines = Plot(title: title, curves: curves).lines(terminal)
      terminal.write((index > 0 ? "\n" : "") + lines.map { $0 + "\n" }.joined())
    }
  }

  private func showPoints(_ key: String, _ store: Store) throws {
    var table = Table(
      "points", [.init("step"), .init("time"), .init("value")])
    try store.read { db in
      let run = try Reference(runs[0]).run(db)
      guard try run.findSeries(key, db) != nil else {
        throw RegistryError(
          .notFound, "run \(run.id.short) has no metric '\(key)'",
          hint: "registry run show \(run.id.short)")
      }
      let points = try run.points(key, db)
      while let point = try points.next() {
        table.add(
          .integer(point.step), .time(Timestamp(milliseconds: point.time)),
          .structure(.number(point.value), text: "\(point.value)"))
      }
    }
    globals.show(Report(table))
  }
}

extension Plot.Curve {
  /// A curve over buckets: where one holds several points, a line from its least to its greatest.
  init(name: String, _ buckets: [PointBucket]) {
    var points: [(x: Double, y: Double)] = []
    var lost = 0
    for bucket in buckets {
      let middle = (Double(bucket.minStep) + Double(bucket.maxStep)) / 2
      if let low = bucket.min, let high = bucket.max {
        points.append((middle, low))
        if high != low { points.append((middle, high)) }
        lost += (low == high ? [low] : [low, high]).count { !$0.isFinite }
      }
      if bucket.nanCount > 0 { points.append((middle, .nan)) }
      lost += bucket.nanCount
    }
    self.init(name: name, points: points, lostCount: lost)
  }
}

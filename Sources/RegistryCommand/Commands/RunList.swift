import ArgumentParser
import Catalog
import Runner
import Storage
import Tracking
import Workspace

struct RunList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists runs, the latest first.",
    discussion: """
      Examples:
        registry run ls reviews
        registry run ls reviews --sort -val/f1 --limit 10
        registry run ls --where 'val/f1 > 0.8 and params.lr < 1e-4'
        registry run ls --where 'tags.owner = "ann" or name like "brave%"'
        registry run ls reviews --columns params.lr,val/f1,duration --csv
      """)

  @Argument(help: "Only runs of this task or experiment.") var experiment: String?
  @Option(
    help: ArgumentHelp(
      "A condition over metrics, params.KEY, tags.KEY and attributes (name, status, started, …).",
      valueName: "filter"))
  var `where`: String?
  @Option(
    help: ArgumentHelp(
      "The order: a column, from the greatest with '-'; may be repeated.", valueName: "column"),
    transform: { $0 })
  var sort: [String] = []
  @Option(help: ArgumentHelp("The columns, parted by commas.", valueName: "list"))
  var columns: [String] = []
  @Option(help: ArgumentHelp("At most so many runs.", valueName: "n")) var limit = 50
  @Flag(help: "Only runs that were removed.") var removed = false
  @OptionGroup var globals: Globals

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit \(limit) is not a positive number") }
  }

  func run() throws {
    var search = RunSearch()
    search.filter = try `where`.map(Filter.parse)
    search.sort = try sort.map(RunSearch.SortKey.init)
    search.limit = limit
    search.view = removed ? .deleted : .active
    let fields = try columns.flatMap { $0.split(separator: ",") }.map { column in
      try RunField(column.trimmingPrefix(while: \.isWhitespace).description)
    }
    search.columns = fields.isEmpty ? nil : fields
    let found = try globals.reading { store in
      try store.read { db in
        let experiment = try experiment.map { try Reference.experiment($0, db) }
        search.experimentIds = experiment.map { [$0.id] }
        let task = experiment?.task
        var best: Run?
        if let metric = task?.metric, let direction = task?.direction, let experiment {
          best = try Run.best(experimentId: experiment.id, metric: metric, direction, db)
        }
        let page = try search.page(db)
        return RunTable(
          page: page, total: page.nextOffset == nil ? page.rows.count : try search.count(db),
          fields: search.columns, experiment: experiment, best: best?.id,
          lost: Set(page.rows.map(\.run).filter { Spool.isLost($0, store) }.map(\.id)),
          versions: try page.rows.reduce(into: [:]) { versions, row in
            versions[row.run.id] = try row.run.outputVersionId
              .flatMap { try Version.find(id: $0, db)?.reference }
          })
      }
    }
    globals.show(found.report)
  }
}

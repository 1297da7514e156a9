import ArgumentParser
import Catalog
import GRDB
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
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "The order: a column, from the greatest with '-'; may be repeated.", valueName: "column"))
  var sort: [String] = []
  @Option(help: ArgumentHelp("The columns, parted by commas.", valueName: "list"))
  var columns: [String] = []
  @Option(parsing: .unconditional, help: ArgumentHelp("At most so many runs.", valueName: "n"))
  var limit = 50
  @Flag(help: "Only runs that were removed.") var removed = false
  @OptionGroup var globals: Globals

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit \(limit) is not a positive number") }
    if !columns.isEmpty, columns.allSatisfy({ $0.allSatisfy { $0 == "," || $0.isWhitespace } }) {
      throw ValidationError("--columns names no column")
    }
  }

  func run() throws {
    var search = RunSearch()
    search.filter = try `where`.map(Filter.parse)
    search.sort = try sort.map(RunSearch.SortKey.init)
    search.limit = limit
    search.view = removed ? .deleted : .active
    let chosen = try columns.flatMap { $0.split(separator: ",") }.map { text in
      try RunColumn(text.trimmingPrefix(while: \.isWhitespace).description)
    }
    let fields = chosen.compactMap { column in
      if case .field(let field) = column { field } else { nil }
    }
    search.columns = columns.isEmpty ? nil : fields
    let table = try globals.reading { store in
      try store.read { db in
        let given = try experiment.map { try Reference.experiment($0, db) }
        search.experimentIds = given.map { [$0.id] }
        let asked = search.sort.map(\.field) + (search.filter.map(Self.fields) ?? [])
        try Self.check(fields + asked, search, db)
        let page = try search.page(db)
        let only = Set(page.rows.map(\.run.experimentId))
        let shown =
          try given ?? (only.count == 1 ? only.first : nil).map { try Experiment.get(id: $0, db) }
        var best: Run?
        if let shown, let metric = shown.task?.metric, let direction = shown.task?.direction {
          best = try Run.best(experimentId: shown.id, metric: metric, direction, db)
        }
        return RunTable(
          page: page, total: page.nextOffset == nil ? page.rows.count : try search.count(db),
          columns: columns.isEmpty ? nil : chosen, experiment: shown,
          asked: asked.filter { if case .attribute = $0 { false } else { true } },
          isNamed: given != nil, best: best?.id,
          lost: Set(page.rows.map(\.run).filter { Spool.isLost($0, store) }.map(\.id)),
          versions: try page.rows.reduce(into: [:]) { versions, row in
            versions[row.run.id] = try row.run.outputVersionId
              .flatMap { try Version.find(id: $0, db)?.reference }
          }, emptyText: emptyText)
      }
    }
    globals.show(table.report)
  }

  private var emptyText: String {
    if removed { return "no run was removed" }
    return `where` == nil
      ? "no run yet; registry run \(experiment ?? "TASK") -- COMMAND" : "no run matches"
  }

  /// The keys that a filter looks at; that a key is missing may be asked of any.
  private static func fields(of filter: Filter) -> [RunField] {
    switch filter {
    case .all(let parts), .any(let parts): parts.flatMap(fields)
    case .not(let inner): fields(of: inner)
    case .clause(let clause):
      if case .isNull = clause.test { [] } else { [clause.field] }
    }
  }

  /// Refuses a key that no run of the question has, instead of an empty column or an order by nothing.
  private static func check(_ fields: [RunField], _ search: RunSearch, _ db: Database) throws {
    var seen: Set<RunField> = []
    for field in fields where seen.insert(field).inserted {
      if case .attribute = field { continue }
      var question = search
      question.filter = try Filter.parse("\(field.name) is not null")
      question.sort = []
      question.columns = []
      question.limit = 1
      guard try question.page(db).rows.isEmpty else { continue }
      var all = search
      all.filter = nil
      guard try all.count(db) > 0 else { return }
      throw RegistryError(
        .notFound, "no run has '\(field.name)'", hint: "registry run ls --json tells the names")
    }
  }
}

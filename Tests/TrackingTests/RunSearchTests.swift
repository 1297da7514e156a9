import GRDB
import Storage
import Support
import Testing
import Tracking

@Suite struct RunSearches {
  @Test(arguments: 1...4)
  func `results equal a naive evaluation in memory`(seed: UInt64) throws {
    try withTemporaryStore { store in
      var generator = SeededGenerator(seed: seed)
      let runs = try store.write { db in try NaiveRun.add(count: 60, &generator, db) }
      for _ in 0..<80 {
        let filter = randomFilter(depth: 0, &generator)
        let fields: [RunField] = [
          .metric("loss"), .parameter("lr"), .tag("owner"), .attribute(.seed), .attribute(.name),
          .metric("none"),
        ]
        let sort = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
          RunSearch.SortKey(
            fields[Int.random(in: 0..<fields.count, using: &generator)],
            isDescending: Bool.random(using: &generator))
        }
        var search = RunSearch()
        search.filter = filter
        search.sort = sort
        search.limit = 1000
        let (found, count) = try store.read { db in (try search.page(db), try search.count(db)) }
        let expected = runs.filter { $0.matches(filter) }.sorted { $0.precedes($1, sort) }
        #expect(
          found.rows.map(\.run.id) == expected.map(\.run.id), "seed \(seed): \(filter) \(sort)")
        #expect(count == expected.count)
      }
    }
  }

  @Test func `pages follow one another without gap or overlap`() throws {
    try withTemporaryStore { store in
      var generator = SeededGenerator(seed: 5)
      _ = try store.write { db in try NaiveRun.add(count: 25, &generator, db) }
      var search = RunSearch()
      search.sort = [.init(.metric("loss"), isDescending: true)]
      search.limit = 1000
      let all = try store.read { db in try search.page(db).rows.map(\.run.id) }
      search.limit = 10
      var paged: [RunID] = []
      var offset: Int? = 0
      while let next = offset {
        search.offset = next
        let page = try store.read { db in try search.page(db) }
        paged += page.rows.map(\.run.id)
        offset = page.nextOffset
      }
      #expect(all.count == 25)
      #expect(paged == all)
    }
  }

  @Test func `only the chosen columns are read, and all without a choice`() throws {
    try withRun { (store, run) throws in
      try run.log("loss", values: [3, 2, .nan], in: store)
      try run.log("other", values: [1], in: store)
      try store.write { db in
        try run.logParameters([Parameter("lr", "1e-4"), Parameter("wd", "0")], db)
        try run.setTags([Tag("owner", "ann")], db)
      }
      var search = RunSearch()
      let all = try #require(try store.read { db in try search.page(db) }.rows.first)
      #expect(all.metrics.map(\.key) == ["loss", "other"])
      #expect(all.parameters.map(\.key) == ["lr", "wd"])
      #expect(all.tags == [Tag("owner", "ann")])
      search.columns = [.metric("loss"), .parameter("wd"), .parameter("none")]
      let row = try #require(try store.read { db in try search.page(db) }.rows.first)
      #expect(row.metrics.map(\.key) == ["loss"])
      #expect(row.metrics.first?.latest.step == 2)
      #expect(row.value(.metric("loss"))?.text() == "\"NaN\"")
      #expect(row.parameters == [Parameter("wd", "0")])
      #expect(row.tags.isEmpty)
      #expect(row.value(.tag("owner")) == nil)
      #expect(row.value(.attribute(.experiment)) == "plain")
    }
  }

  @Test func `a list of thousands of values is answered`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.logParameters([Parameter("lr", "auto")], db) }
      try run.log("a", values: [2990], in: store)
      let numbers = (0..<3000).map(String.init).joined(separator: ",")
      for (filter, count) in [
        ("a in (\(numbers))", 1), ("a not in (\(numbers))", 0),
        ("params.lr in (\(numbers))", 0), ("params.lr not in (\(numbers))", 1),
        ("params.lr in ('auto',\(numbers))", 1), ("params.lr not in ('auto',\(numbers))", 0),
      ] {
        var search = RunSearch()
        search.filter = try Filter.parse(filter)
        #expect(try store.read { db in try search.count(db) } == count, "\(filter.prefix(20))")
      }
    }
  }

  @Test func `a page without columns has the primary metric and what most of its runs have`() throws
  {
    try withTemporaryStore { store in
      let page = try store.write { db in
        let task = Experiment.Task(
          type: "other", metric: "primary", direction: .max, modelId: 1, baseVersionId: nil)
        let experiment = try Experiment.add("many", task: task, db)
        for number in 0..<4 {
          let run = try Run.add(Run.Start(experimentId: experiment.id), db)
          var batch = PointBatch()
          for name in (0..<300).map({ "\(number)-\($0)" }) + ["zz", number == 0 ? "primary" : "x"] {
            batch.add(try batch.key(name), step: 0, time: 0, value: 1)
          }
          try run.append(batch, db)
        }
        return try RunSearch().page(db)
      }
      let keys = Set(page.rows.flatMap { $0.metrics.map(\.key) })
      #expect(keys.count == 200 && keys.isSuperset(of: ["primary", "zz", "x"]))
      for row in page.rows {
        for key in keys.union(["none"]) {
          let isThere = row.metrics.contains { $0.key == key }
          #expect((row.value(.metric(key)) != nil) == isThere)
        }
      }
    }
  }

  @Test func `deleted runs and those of deleted experiments are not listed`() throws {
    try withRun { (store, run) throws in
      func names(_ view: RunSearch.View) throws -> [String] {
        var search = RunSearch()
        search.view = view
        return try store.read { db in try search.page(db).rows.map(\.run.name) }
      }
      #expect(try names(.active) == [run.name])
      try store.write { db in try run.set(.deleted, db) }
      #expect(try names(.active).isEmpty)
      #expect(try names(.deleted) == [run.name])
      try store.write { db in
        try run.set(.active, db)
        try Experiment.get("plain", db).set(.deleted, db)
      }
      #expect(try names(.all).isEmpty)
    }
  }

  @Test func `values reach SQLite bound, whatever they say`() throws {
    try withRun { (store, run) throws in
      let text = "x' OR 1=1; DROP TABLE run; --"
      try store.write { db in try run.setTags([Tag(text, text)], db) }
      func count(_ filter: String) throws -> Int {
        var search = RunSearch()
        search.filter = try Filter.parse(filter)
        return try store.read { db in try search.count(db) }
      }
      #expect(try count("tags.`\(text)` = \"\(text)\"") == 1)
      #expect(try count("tags.`\(text)` = \"y\(text)\"") == 0)
      #expect(try count("tags.`y\(text)` is null") == 1)
    }
  }

  @Test(arguments: ["(", "not ("])
  func `the deepest filter that is read is also answered`(opening: String) throws {
    try withRun { (store, run) throws in
      try run.log("a", values: [2], in: store)
      var text = "a > 1"
      for level in 0..<49 { text = "a > 9 \(level % 2 == 0 ? "or" : "and") \(opening)\(text))" }
      var search = RunSearch()
      search.filter = try Filter.parse(text)
      _ = try store.read { db in try search.count(db) }
    }
  }

  @Test func `filters and sorts on keys go through indexes`() throws {
    try withRun { (store, run) throws in
      try run.log("val/f1", values: [0.5], in: store)
      try store.write { db in try run.logParameters([Parameter("lr", "1")], db) }
      var search = RunSearch()
      search.filter = try Filter.parse("val/f1 > 0.1 and params.lr < 2 and tags.x = 'y'")
      search.sort = [.init(.metric("val/f1"), isDescending: true)]
      let plan = try store.read { db in try search.plan(db) }
      #expect(plan.contains { $0.contains("seriesByValue (keyNameId=? AND latestValue>?)") })
      #expect(plan.contains { $0.contains("parameterByNumber (keyNameId=? AND number<?)") })
      #expect(plan.contains { $0.contains("tagByKey (keyNameId=?)") })
      let scans = plan.filter { $0.hasPrefix("SCAN") && !$0.contains("experiment") }
      #expect(scans.isEmpty, "\(plan)")
    }
  }

  private func randomFilter(depth: Int, _ generator: inout SeededGenerator) -> Filter {
    let kind = depth < 3 ? Int.random(in: 0..<6, using: &generator) : 5
    switch kind {
    case 0, 1:
      let parts = (0..<Int.random(in: 2...3, using: &generator)).map { _ in
        randomFilter(depth: depth + 1, &generator)
      }
      return kind == 0 ? .all(parts) : .any(parts)
    case 2: return .not(randomFilter(depth: depth + 1, &generator))
    default:
      let texts = [
        "loss > 0.5", "loss != 0.5", "loss <= 0.25", "loss = 0.75", "loss is nan",
        "loss is not nan", "loss is null", "loss in (0.5, 0.25)", "loss not in (0.5, 1)",
        "none > 1", "none != 1", "params.lr < 0.01", "params.lr != 0.01", "params.lr = '1e-2'",
        "params.lr in (0.01, 'auto')", "params.lr not in ('auto')", "params.lr like '1e%'",
        "params.lr >= 'b'", "params.lr is not null", "tags.owner = 'ann'", "tags.owner != 'ann'",
        "tags.owner like 'A%'", "tags.owner ilike 'A_n'", "tags.owner not like '%n'",
        "tags.owner is null", "seed > 2", "seed != 2", "seed is null", "seed not in (1, 2)",
        "name like 'run-1%'", "status = 'RUNNING'",
      ]
      let text = texts[Int.random(in: 0..<texts.count, using: &generator)]
      return (try? Filter.parse(text)) ?? .all([])
    }
  }
}

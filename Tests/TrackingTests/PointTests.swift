import GRDB
import Storage
import Support
import Testing
import Tracking

@Suite struct Points {
  @Test(arguments: 1...12)
  func `any order in any batches gives back the same points and summary`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var points: Set<Point> = []
    for _ in 0..<Int.random(in: 1...3000, using: &generator) {
      points.insert(
        Point(
          step: .random(in: -500...2000, using: &generator),
          time: .random(in: 0...3, using: &generator),
          value: [0.5, .nan, -0.0, 0, .infinity, 1.25, -3][Int.random(in: 0..<7, using: &generator)]
        )
      )
    }
    let sent = (Array(points) + points.prefix(200)).shuffled(using: &generator)
    try withRun { (store, run) throws in
      var rest = sent[...]
      var kept = 0
      while !rest.isEmpty {
        let size = Int.random(in: 1...900, using: &generator)
        kept += try run.log("loss", rest.prefix(size), in: store)
        if Int.random(in: 0..<5, using: &generator) == 0 {
          try store.write { db in _ = try run.finish(.finished, db) }
        }
        rest = rest.dropFirst(size)
      }
      let ordered = points.sorted()
      #expect(kept == points.count, "seed \(seed)")
      #expect(try run.allPoints("loss", in: store) == ordered, "seed \(seed)")
      let series = try #require(try store.read { db in try run.findSeries("loss", db) })
      #expect(series.count == ordered.count, "seed \(seed)")
      #expect(series.latest.step == ordered.last?.step, "seed \(seed)")
      #expect(series.latest.value.isNaN == ordered.last?.value.isNaN, "seed \(seed)")
      let numbers = ordered.filter { !$0.value.isNaN }
      #expect(series.nanCount == ordered.count - numbers.count, "seed \(seed)")
      let least = numbers.map(\.value).min()
      #expect(series.min?.value == least, "seed \(seed)")
      #expect(series.min?.step == numbers.first { $0.value == least }?.step, "seed \(seed)")
      #expect(try store.read { db in try SeriesFault.all(db) }.isEmpty, "seed \(seed)")
    }
  }

  @Test func `a metric logged twice without steps keeps both points`() throws {
    try withRun { (store, run) throws in
      try run.log("loss", values: [0.5, 0.5], in: store)
      try run.log("loss", values: [0.5], in: store)
      #expect(try run.allPoints("loss", in: store).map(\.step) == [0, 1, 2])
    }
  }

  @Test func `a point without a step follows the greatest step, not the last`() throws {
    try withRun { (store, run) throws in
      try run.log(
        "a", [Point(step: 9, time: 0, value: 1), Point(step: 4, time: 0, value: 1)], in: store)
      try run.log("a", values: [2], in: store)
      #expect(try run.allPoints("a", in: store).map(\.step) == [4, 9, 10])
      try run.log("b", [Point(step: -7, time: 0, value: 1)], in: store)
      try run.log("b", values: [2], in: store)
      #expect(try run.allPoints("b", in: store).map(\.step) == [-7, -6])
    }
  }

  @Test func `there is no step after the greatest integer`() throws {
    try withRun { (store, run) throws in
      try run.log("a", [Point(step: .max, time: 0, value: 1)], in: store)
      #expect(try errorKind { try run.log("a", values: [2], in: store) } == .invalidInput)
      #expect(try run.allPoints("a", in: store).count == 1)
    }
  }

  @Test func `of a batch with points that no step is left for, the others can be stored`() throws {
    try withRun { (store, run) throws in
      try run.log("a", [Point(step: .max, time: 0, value: 1)], in: store)
      var batch = PointBatch()
      for (key, step) in [("a", nil), ("a", 5), ("b", nil), ("a", nil)] as [(String, Int64?)] {
        batch.add(try batch.key(key), step: step, time: 0, value: 2)
      }
      let refused = try store.write { db in try run.appendWhatFits(batch, db) }
      #expect(refused.map(\.key) == ["a"] && refused.map(\.count) == [2])
      #expect(try run.allPoints("a", in: store).map(\.step) == [5, .max])
      #expect(try run.allPoints("b", in: store).map(\.step) == [0])
    }
  }

  @Test func `a point without a time has the time at which it is stored`() throws {
    try withRun { (store, run) throws in
      var batch = PointBatch()
      batch.add(try batch.key("a"), step: 3, time: nil, value: 1)
      try store.write { db in
        _ = try run.append(batch, now: Timestamp(milliseconds: 77), db)
      }
      #expect(try run.allPoints("a", in: store) == [Point(step: 3, time: 77, value: 1)])
    }
  }

  @Test func `equal points with a given step are one, also against stored blocks`() throws {
    try withRun { (store, run) throws in
      let points = (0..<5000).map { Point(step: $0, time: $0 * 3, value: Double($0) / 7) }
      #expect(try run.log("a", points, in: store) == 5000)
      #expect(try run.log("a", points.reversed(), in: store) == 0)
      let other = points.map { Point(step: $0.step, time: $0.time, value: $0.value + 1) }
      #expect(try run.log("a", other, in: store) == 5000)
      #expect(try run.allPoints("a", in: store).count == 10000)
    }
  }

  @Test func `the latest point is the greatest by step, then time, then value with NaN above`()
    throws
  {
    try withRun { (store, run) throws in
      let points = [
        Point(step: 2, time: 5, value: 1), Point(step: 2, time: 5, value: 7),
        Point(step: 2, time: 4, value: 9), Point(step: 1, time: 9, value: 99),
      ]
      try run.log("a", points, in: store)
      func latest() throws -> Point? {
        try store.read { db in try run.findSeries("a", db)?.latest }
      }
      #expect(try latest() == points[1])
      try run.log("a", [Point(step: 2, time: 5, value: .nan)], in: store)
      #expect(try latest() == Point(step: 2, time: 5, value: .nan))
      try run.log("a", [Point(step: 0, time: 50, value: 3)], in: store)
      #expect(try latest() == Point(step: 2, time: 5, value: .nan))
    }
  }

  @Test func `a batch of fifty thousand points needs no statement a point`() throws {
    try withRun { (store, run) throws in
      var batch = PointBatch()
      let key = try batch.key("a")
      for step in 0..<50_000 { batch.add(key, step: Int64(step), time: 0, value: 1) }
      let statements = try store.write { db in
        let counter = StatementCounter()
        db.trace { _ in counter.count += 1 }
        _ = try run.append(batch, db)
        db.trace(nil)
        return counter.count
      }
      #expect(statements < 150)  // 98 blocks and a few look-ups
    }
  }

  @Test func `five metrics of random six-digit numbers cost at most 15 bytes a point`() throws {
    try withRun { (store, run) throws in
      var generator = SeededGenerator(seed: 7)
      let start = store.sizeBytes(.catalog)
      var batch = PointBatch()
      let count = 100_000
      for index in 0..<count / 5 {
        for name in ["loss", "val/f1", "lr", "norm", "tokens"] {
          let value = Double(Int.random(in: 0...999_999, using: &generator)) * 1e-6
          batch.add(
            try batch.key(name), step: Int64(index), time: Int64(index * 37 + index % 5),
            value: value)
        }
      }
      try store.write { db in
        _ = try run.append(batch, db)
        _ = try run.finish(.finished, db)
      }
      try store.checkpoint(.catalog)
      #expect(store.sizeBytes(.catalog) - start < Int64(15 * count))
    }
  }

  @Test func `logging to a deleted run is refused and keeps nothing`() throws {
    try withRun { (store, run) throws in
      try store.write { db in try run.set(.deleted, db) }
      #expect(try errorKind { try run.log("a", values: [1], in: store) } == .refused)
      #expect(try run.allPoints("a", in: store).isEmpty)
    }
  }

  @Test(arguments: ["", "a\nb", String(repeating: "k", count: 256)])
  func `a key that no table can show is refused`(key: String) throws {
    var batch = PointBatch()
    #expect(try errorKind { _ = try batch.key(key) } == .invalidInput)
  }

  @Test func `keys found by bytes and by text are the same`() throws {
    var batch = PointBatch()
    for name in ["a", "b", "a", "c", "b", "b", "é", "e\u{301}", "a"] {
      let byText = try batch.key(name)
      let byBytes = try Array(name.utf8).withUnsafeBytes { try batch.key($0) }
      #expect(byText == byBytes)
    }
    #expect(try batch.key("é") != batch.key("e\u{301}"))
    #expect(
      try errorKind { _ = try [0xff, 0xfe].withUnsafeBytes { try batch.key($0) } } == .invalidInput)
  }
}

private final class StatementCounter {
  var count = 0
}

@Suite struct Buckets {
  @Test(arguments: [1, 7, 100, 5000])
  func `every point is in exactly one bucket`(countMax: Int) throws {
    try withRun { (store, run) throws in
      var generator = SeededGenerator(seed: 3)
      let points = (0..<60_000).map {
        Point(
          step: $0 * 2, time: 0,
          value: $0 % 1000 == 5 ? .nan : .random(in: -1...1, using: &generator))
      }
      try run.log("a", points, in: store)
      let buckets = try store.read { db in try run.buckets("a", countMax: countMax, db) }
      #expect(buckets.count <= countMax)
      #expect(buckets.count > countMax / 2)
      #expect(buckets.reduce(0) { $0 + $1.count } == 60_000)
      #expect(buckets.reduce(0) { $0 + $1.nanCount } == 60)
      #expect(buckets.compactMap(\.min).min() == points.map(\.value).filter { !$0.isNaN }.min())
      #expect(buckets.compactMap(\.max).max() == points.map(\.value).filter { !$0.isNaN }.max())
      #expect(buckets.map(\.minStep) == buckets.map(\.minStep).sorted())
    }
  }

  @Test func `an unknown metric has no buckets and no points`() throws {
    try withRun { (store, run) throws in
      #expect(try store.read { db in try run.buckets("a", countMax: 9, db) }.isEmpty)
      #expect(try run.allPoints("a", in: store).isEmpty)
    }
  }

  @Test func `steps at the ends of the integers fall into buckets`() throws {
    try withRun { (store, run) throws in
      try run.log(
        "a", [Point(step: .min, time: 0, value: 1), Point(step: .max, time: 0, value: 2)], in: store
      )
      let buckets = try store.read { db in try run.buckets("a", countMax: 10, db) }
      #expect(buckets.map(\.count) == [1, 1])
    }
  }
}

import Storage
import Support
import Testing
import Tracking

/// Runs a body with a store that has one run.
func withRun<Result>(_ body: (Store, Run) throws -> Result) throws -> Result {
  try withTemporaryStore { store in
    let run = try store.write { db in
      try Run.add(.init(experimentId: Experiment.add("plain", db).id), db)
    }
    return try body(store, run)
  }
}

extension Run {
  /// Stores points whose step and time are given.
  @discardableResult
  func log(_ key: String, _ points: some Sequence<Point>, in store: Store) throws -> Int {
    var batch = PointBatch()
    let key = try batch.key(key)
    for point in points { batch.add(key, step: point.step, time: point.time, value: point.value) }
    return try store.write { db in try append(batch, db) }
  }

  /// Stores values without steps.
  func log(_ key: String, values: [Double], in store: Store) throws {
    var batch = PointBatch()
    let key = try batch.key(key)
    for value in values { batch.add(key, step: nil, time: nil, value: value) }
    try store.write { db in _ = try append(batch, db) }
  }

  /// Reads a whole series.
  func allPoints(_ key: String, in store: Store) throws -> [Point] {
    try store.read { db in
      let cursor = try points(key, db)
      var points: [Point] = []
      while let point = try cursor.next() { points.append(point) }
      return points
    }
  }
}

/// The kind of the error that a body throws; nil for none.
func errorKind(_ body: () throws -> Void) throws -> RegistryError.Kind? {
  do {
    try body()
    return nil
  } catch let error as RegistryError {
    return error.kind
  }
}

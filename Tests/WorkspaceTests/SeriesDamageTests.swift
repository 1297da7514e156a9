import Foundation
import GRDB
import Storage
import Support
import Testing
import Tracking
import Workspace

@Suite struct SeriesDamageTests {
  /// 700 points, so that some are in a block and some in rows, NaN and infinities among them.
  private func log(to store: Store) throws {
    try store.write { db in
      let values = (0..<700).map { step -> Double in
        switch step {
        case 100: .nan
        case 200: .infinity
        case 300: -0.0
        default: Double(step) * 0.1 - 20
        }
      }
      try Experiment.add("plain", db).addRun(metric: values, db)
      var batch = PointBatch()
      let key = try batch.key("tail")
      for step in 0..<5 { batch.add(key, step: Int64(step), time: 0, value: Double(step)) }
      let run = try Experiment.get("plain", db).addRun(metric: [-0.0], db)
      _ = try run.append(batch, db)
    }
  }

  @Test(arguments: [
    "UPDATE series SET count = count + 1", "UPDATE series SET tailCount = 1 - tailCount",
    "UPDATE series SET nanCount = nanCount + 1", "UPDATE series SET minStep = minStep - 1",
    "UPDATE series SET maxStep = maxStep + 1", "UPDATE series SET latestStep = latestStep - 1",
    "UPDATE series SET latestTime = latestTime + 1",
    "UPDATE series SET latestValue = latestValue + 1",
    "UPDATE series SET minValue = minValue - 1", "UPDATE series SET maxValue = 7",
    "UPDATE series SET minValueStep = minValueStep + 1",
    "UPDATE series SET maxValueStep = maxValueStep + 1",
    "UPDATE series SET sum = sum + 0.001 WHERE nanCount = 0", "DELETE FROM pointTail",
    "UPDATE pointTail SET bits = bits + 1", "DELETE FROM pointBlock",
    "UPDATE pointBlock SET minValue = 0", "UPDATE pointBlock SET nanCount = 9",
    "UPDATE pointBlock SET maxTime = 9", "UPDATE pointBlock SET content = zeroblob(40)",
  ]) func `points that are not what they were are found by the full look`(damage: String) throws {
    try withWorkspace { store, _ in
      try log(to: store)
      #expect(try Verification.run(store, full: true).faults == [])
      try store.writeWithoutTransaction(.catalog) { try $0.execute(sql: damage) }
      let found = try Verification.run(store, full: true).faults
      #expect(found.contains { $0.kind == "series" }, "\(found)")
    }
  }
}

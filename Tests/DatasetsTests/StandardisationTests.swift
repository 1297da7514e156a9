import Datasets
import Storage
import Support
import Testing

@Suite struct StandardisationTests {
  private func table(_ columnCount: Int, _ features: [Float]) throws -> FeatureTable {
    try FeatureTable(
      name: "train.csv", columns: (0..<columnCount).map(String.init), features: features,
      labels: (0..<features.count / columnCount).map(String.init))
  }

  @Test func `means and deviations are those of numpy`() throws {
    let table = try table(3, [1, 10, 7, 2, 20, 7, 4, 60, 7])
    let scale = Standardisation(table)
    // x.mean(0), x.std(0) and (x - x.mean(0)) / x.std(0) of numpy, the last as float32
    #expect(scale.means == [2.3333333333333335, 30, 7])
    #expect(scale.scales == [1.247219128924647, 21.602468994692867, 1])
    #expect(
      try scale.applied(to: table) == [
        -1.069045, -0.9258201, 0, -0.26726124, -0.46291006, 0, 1.3363062, 1.3887302, 0,
      ])
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `columns come out with mean 0 and deviation 1`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let columnCount = 4
    let offsets: [Float] = [0, 1e6, -3, 1e-20]
    let widths: [Float] = [1, 10, 1e-3, 1e-21]
    let features = (0..<1000).flatMap { _ in
      (0..<columnCount).map { offsets[$0] + widths[$0] * Float.random(in: -1...1, using: &random) }
    }
    let table = try table(columnCount, features)
    let scaled = try Standardisation(table).applied(to: table)
    for column in 0..<columnCount {
      let values = stride(from: column, to: scaled.count, by: columnCount).map {
        Double(scaled[$0])
      }
      let mean = values.reduce(0, +) / 1000
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1000
      // Each value was rounded to a Float below 2 once: 2^-24 of it at most.
      #expect(abs(mean) < 1.2e-7, "seed \(seed)")
      #expect(abs(variance - 1) < 1e-6, "seed \(seed)")
    }
  }

  @Test func `a constant column becomes zero and divides by nothing`() throws {
    for value: Float in [0, 0.1, -1e-30, 3e38, .leastNonzeroMagnitude] {
      let table = try table(1, [Float](repeating: value, count: 7))
      let scale = Standardisation(table)
      #expect(scale.scales == [1])
      #expect(try scale.applied(to: table) == [Float](repeating: 0, count: 7))
    }
  }

  @Test func `extreme values stay finite, and rows too far away are refused`() throws {
    let extreme = try table(1, [-3.4e38, 3.4e38])
    #expect(try Standardisation(extreme).applied(to: extreme) == [-1, 1])
    let tiny = Standardisation(try table(1, [0, .leastNonzeroMagnitude]))
    let far = try FeatureTable(
      name: "val.csv", columns: ["0"], features: [0, 1e30], labels: ["a", "b"])
    #expect(
      fault { _ = try tiny.applied(to: far) }
        == "row 1 of val.csv: 1e+30 in column '0' is too far from the training rows")
    #expect(
      fault { _ = try tiny.applied(to: try table(2, [1, 2])) }
        == "train.csv has 2 feature columns, but the standardisation takes 1")
  }

  @Test func `it goes to JSON and back bit by bit`() throws {
    let features = SafetensorsFixture.noise(3000, seed: 4)
    let scale = Standardisation(try table(3, features))
    let text = Array(scale.json.text().utf8)
    #expect(try Standardisation(json: JSON.parse(text)) == scale)
    for wrong: JSON in [
      [], ["means": [0]], ["means": [0], "scales": []], ["means": [0], "scales": [0]],
      ["means": [0], "scales": [-1]], ["means": ["x"], "scales": [1]],
      ["means": [0], "scales": [.number(.infinity)]],
    ] {
      #expect(fault { _ = try Standardisation(json: wrong) }.hasPrefix("a standardisation w"))
    }
  }
}

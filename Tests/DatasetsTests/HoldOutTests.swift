import Datasets
import Storage
import Support
import Testing

@Suite struct HoldOutTests {
  private func table(_ labels: [String]) throws -> FeatureTable {
    try FeatureTable(
      name: "train.csv", columns: ["a"], features: labels.indices.map(Float.init), labels: labels)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func `rows are parted in proportion, and every class keeps one to learn from`(seed: UInt64)
    throws
  {
    var random = SeededGenerator(seed: seed)
    let sizes = (0..<Int.random(in: 1...6, using: &random)).map { _ in
      Int.random(in: 1...40, using: &random)
    }
    let labels = sizes.enumerated().flatMap { Array(repeating: "c\($0)", count: $1) }
    let table = try table(labels.shuffled(using: &random))
    let fraction = Double.random(in: 0.01...0.99, using: &random)
    guard sizes.contains(where: { $0 > 1 }) else { return }
    let split = try HoldOut(table, fraction: fraction, seed: seed)
    #expect((split.training + split.validation).sorted() == Array(0..<table.rowCount))
    #expect(split.training == split.training.sorted())
    #expect(split.validation == split.validation.sorted())
    #expect(!split.validation.isEmpty)
    let map = try LabelMap(training: table)
    #expect(try LabelMap(training: table.selecting(split.training)) == map)
    let held = try map.counts(table.selecting(split.validation))
    for (index, size) in try map.counts(table).enumerated() {
      #expect(abs(Double(held[index]) - Double(size) * fraction) <= 1, "seed \(seed)")
    }
  }

  @Test func `the same seed sets the same rows aside, another seed others`() throws {
    let table = try table((0..<100).map { "\($0 % 4)" })
    let split = try HoldOut(table, fraction: 0.2, seed: 7)
    #expect(try HoldOut(table, fraction: 0.2, seed: 7) == split)
    #expect(try HoldOut(table, fraction: 0.2, seed: 8) != split)
    #expect(split.validation.count == 20)
    // Recorded: these are the same on every machine, for ever.
    #expect(Array(split.validation.prefix(6)) == [1, 12, 16, 18, 19, 27])
  }

  @Test func `each row is set aside as often as another`() throws {
    let table = try table((0..<20).map { "\($0 % 2)" })
    var counts = [Int](repeating: 0, count: 20)
    for seed in 0..<2000 {
      for row in try HoldOut(table, fraction: 0.2, seed: UInt64(seed)).validation {
        counts[row] += 1
      }
    }
    // Binomial: 400 expected, standard deviation 18; five of them either way.
    #expect(counts.allSatisfy { (310...490).contains($0) })
  }

  @Test func `rows of a regression are one class`() throws {
    let table = try read("a,y\n1,1\n2,2\n3,3\n4,4\n", .init(kind: .numbers))
    let split = try HoldOut(table, fraction: 0.5, seed: 0)
    #expect(split.validation.count == 2)
    #expect(table.selecting(split.validation).numbers == split.validation.map { Float($0 + 1) })
  }

  @Test func `what cannot be parted is refused`() throws {
    let single = try table(["a", "b"])
    #expect(
      fault { _ = try HoldOut(single, fraction: 0.5, seed: 0) }
        == "train.csv has no class of two rows, so that none can be held out for validation")
    for fraction in [0, 1, -0.1, 1.5, Double.nan, .infinity] {
      #expect(
        fault { _ = try HoldOut(single, fraction: fraction, seed: 0) }
          == "\(fraction) of the rows cannot be held out")
    }
  }

  @Test func `a small fraction of few rows holds out one`() throws {
    let split = try HoldOut(try table(["a", "a", "b", "b"]), fraction: 0.01, seed: 0)
    #expect(split.validation.count == 1)
  }
}

import Datasets
import Storage
import Support
import Testing

@Suite struct FeatureTableTests {
  private func table(
    _ columns: [String], _ features: [Float], _ labels: [String], name: String = "train.csv"
  ) throws -> FeatureTable {
    try FeatureTable(name: name, columns: columns, features: features, labels: labels)
  }

  @Test func `a table in memory is checked as a file is`() throws {
    let good = try table(["a", "b"], [1, 2, 3, 4], ["x", "y"])
    #expect(good.rowCount == 2)
    #expect(good.columnCount == 2)
    #expect(good.labels == ["x", "y"])
    #expect(
      fault { _ = try table(["a", "b"], [1, 2, 3], ["x", "y"]) }
        == "train.csv has 3 values for 2 rows of 2 columns")
    #expect(fault { _ = try table([], [], []) } == "train.csv has no feature column")
    #expect(
      fault { _ = try table(["a", "a"], [], []) } == "train.csv has two columns named 'a'")
    #expect(
      fault { _ = try table(["a"], [.nan], ["x"]) }
        == "row 0 of train.csv: nan in column 'a' is not a finite 32-bit float")
    #expect(fault { _ = try table(["a"], [1], [""]) } == "row 0 of train.csv: the label is empty")
  }

  @Test func `chosen rows keep their features, labels and places`() throws {
    let whole = try read("a,b,label\n1,2,x\n3,4,y\n5,6,z\n")
    let part = whole.selecting([2, 0])
    #expect(part.features == [5, 6, 1, 2])
    #expect(part.labels == ["z", "x"])
    #expect(part.place(ofRow: 0) == "line 4 of train.csv")
  }

  @Test func `another width or another column is refused by name`() throws {
    let training = try table(["a", "b"], [1, 2], ["x"])
    let narrow = try table(["a"], [1], ["x"], name: "val.csv")
    #expect(
      fault { try narrow.checkColumns(match: training) }
        == "val.csv has 1 feature column, but train.csv has 2")
    let turned = try table(["b", "a"], [1, 2], ["x"], name: "val.csv")
    #expect(
      fault { try turned.checkColumns(match: training) }
        == "feature column 1 of val.csv is 'b', but 'a' in train.csv")
    try training.checkColumns(match: training)
    #expect(
      fault { try training.checkColumnCount(64, of: "digits:1") }
        == "train.csv has 2 feature columns, but digits:1 takes 64")
    try training.checkColumnCount(2, of: "digits:1")
  }

  @Test func `constant columns are found and told`() throws {
    let some = try table(["a", "b", "c"], [0.5, 1, 2, 0.5, 1, 3], ["x", "y"])
    #expect(some.constantColumns == [0, 1])
    #expect(some.constantColumnsWarning == "2 columns of train.csv never change: 'a', 'b'")
    #expect(
      some.selecting([0]).constantColumnsWarning
        == "3 columns of train.csv never change: 'a', 'b', 'c'")
    let one = try table(["a", "b"], [0.5, 1, 0.5, 3], ["x", "y"])
    #expect(one.constantColumnsWarning == "column 'a' of train.csv is 0.5 in every row")
    #expect(try table(["a"], [1, 2], ["x", "y"]).constantColumnsWarning == nil)
    let many = try table((0..<5).map { "c\($0)" }, [Float](repeating: 0, count: 10), ["x", "y"])
    #expect(
      many.constantColumnsWarning
        == "5 columns of train.csv never change: 'c0', 'c1', 'c2' and 2 more")
  }

  @Test func `a table that teaches nothing is refused`() throws {
    #expect(
      fault { try table(["a"], [], []).checkLearnable() } == "train.csv has no rows")
    #expect(
      fault { try table(["a"], [1, 2], ["x", "x"]).checkLearnable() }
        == "every row of train.csv has the label 'x', so there is nothing to tell apart")
    let two = try table(["a"], [1, 2, 3], ["x", "x", "y"])
    try two.checkLearnable()
    #expect(
      fault { try two.selecting([0, 1]).checkLearnable() }.hasPrefix("every row of train.csv"))
    #expect(
      fault { try table(["a"], [1, 1], ["x", "y"]).checkLearnable() }
        == "column 'a' of train.csv, the only one, is 1 in every row")
    #expect(
      fault { try table(["a", "b"], [1, 2, 1, 2], ["x", "y"]).checkLearnable() }
        == "each of the 2 feature columns of train.csv holds one value in every row")
    let flat = try read("a,y\n1,7\n2,7\n", .init(kind: .numbers))
    #expect(fault { try flat.checkLearnable() } == "every row of train.csv has the target 7")
  }

  @Test func `what a file holds is shown short and on one line`() {
    let cell = "x\u{202E}\t" + String(repeating: "é", count: 100)
    let shown = "x\\u{202e}\\t" + String(repeating: "é", count: 37) + "…"
    #expect(
      fault("a,label\n\(cell),x\n")
        == "line 2 of train.csv: '\(shown)' in column 'a' is not a number")
  }
}

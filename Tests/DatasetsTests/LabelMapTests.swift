import Datasets
import Storage
import Support
import Testing

@Suite struct LabelMapTests {
  private func table(_ labels: [String], name: String = "train.csv") throws -> FeatureTable {
    try FeatureTable(
      name: name, columns: ["a"], features: labels.indices.map(Float.init), labels: labels)
  }

  @Test(arguments: [
    (["b", "a", "B", "a"], ["B", "a", "b"]),
    (["10", "9", "-2", "9"], ["-2", "9", "10"]),
    (["10", "9", "x"], ["10", "9", "x"]),
    (["10", "9", "09"], ["09", "10", "9"]),
    (["1", "+1", "2"], ["+1", "1", "2"]),
    (["\u{fc}", "z"], ["z", "\u{fc}"]),
  ])
  func `classes are in the order of whole numbers, else of bytes`(labels: [String], order: [String])
    throws
  {
    #expect(try LabelMap(training: table(labels)).labels == order)
    #expect(try LabelMap(training: table(labels.reversed())).labels == order)
  }

  @Test func `each row gets its class, and classes their numbers of rows`() throws {
    let training = try table(["b", "a", "b"])
    let map = try LabelMap(training: training)
    #expect(try map.encode(training) == [1, 0, 1])
    #expect(try map.counts(training) == [1, 2])
    #expect(map.find("b") == 1)
    #expect(map.find("c") == nil)
  }

  @Test func `a label of a validation row that is not in the map is refused with its row`() throws {
    let map = try LabelMap(training: table(["b", "a"]))
    let validation = try read("a,label\n1,a\n2,c\n", as: "val.csv")
    #expect(
      throws: RegistryError(
        .invalidInput, "line 3 of val.csv: the label 'c' is not in the label map",
        hint: "the training rows have 'a', 'b'")
    ) { try map.encode(validation) }
  }

  @Test func `rows that were set aside give no class`() throws {
    let whole = try table(["a", "b", "c", "c"])
    #expect(try LabelMap(training: whole.selecting([0, 2])).labels == ["a", "c"])
  }

  @Test func `maps are equal when entries and order are, byte by byte`() throws {
    #expect(try LabelMap(labels: ["a", "b"]) == LabelMap(training: table(["b", "a"])))
    #expect(try LabelMap(labels: ["a", "b"]) != LabelMap(labels: ["b", "a"]))
    #expect(try LabelMap(labels: ["a", "b"]) != LabelMap(labels: ["a", "b", "c"]))
    #expect(try LabelMap(labels: ["\u{e9}"]) != LabelMap(labels: ["e\u{301}"]))
    #expect(fault { _ = try LabelMap(labels: []) } == "a label map without classes")
    #expect(fault { _ = try LabelMap(labels: ["a", "a"]) } == "a label map with one label twice")
    #expect(fault { _ = try LabelMap(labels: [""]) } == "a label map with an empty label")
  }

  @Test func `id2label goes to JSON and back`() throws {
    let map = try LabelMap(labels: (0..<12).map { "c\(11 - $0)" })
    #expect(try LabelMap(id2label: map.id2label) == map)
    #expect(try LabelMap(id2label: ["1": "b", "0": "a"]).labels == ["a", "b"])
    #expect(try LabelMap(labels: ["a", "b"]).id2label.text() == #"{"0":"a","1":"b"}"#)
    #expect(try LabelMap(labels: ["a", "b"]).label2id.text() == #"{"a":0,"b":1}"#)
    #expect(fault { _ = try LabelMap(id2label: []) } == "id2label is not a JSON object")
    for wrong: JSON in [
      ["0": "a", "2": "b"], ["0": 1], ["-1": "a"], ["x": "a"], ["0": "a", "00": "b"],
      ["99999999999999999999": "a"],
    ] {
      #expect(fault { _ = try LabelMap(id2label: wrong) }.hasPrefix("id2label has the entry '"))
    }
  }
}

import Datasets
import Foundation
import Storage
import Support
import Testing

@Suite struct JSONLTests {
  private func fault(_ text: String, _ options: FeatureTable.ReadOptions = .init()) -> String {
    DatasetsTests.fault(text, as: "train.jsonl", options)
  }

  @Test func `named members are features, in the first line's order`() throws {
    let text =
      #"{"a": 1, "label": "x", "b": 2.5}"# + "\n" + #"{"label":"y","b":-4e1,"a":3}"# + "\r\n\n"
    let table = try read(text, as: "train.jsonl")
    #expect(table.columns == ["a", "b"])
    #expect(table.features == [1, 2.5, 3, -40])
    #expect(table.labels == ["x", "y"])
    #expect(table.rowNumbers == [1, 2])
  }

  @Test func `an array of features has numbered columns`() throws {
    let table = try read(#"{"features": [1, 2], "label": 3}"#, as: "train.ndjson")
    #expect(table.columns == ["0", "1"])
    #expect(table.features == [1, 2])
    #expect(table.labels == ["3"])
  }

  @Test func `a member named features that is a number is one feature`() throws {
    #expect(try read(#"{"features": 1, "label": 3}"#, as: "a.jsonl").columns == ["features"])
  }

  @Test func `labels are texts, whole numbers or booleans`() throws {
    let lines = ["\"x\"", "3", "3.0", "\"3\"", "true", "-1"].map { "{\"a\": 1, \"label\": \($0)}" }
    let table = try read(lines.joined(separator: "\n"), as: "train.jsonl")
    #expect(table.labels == ["x", "3", "3", "3", "true", "-1"])
    #expect(
      fault(#"{"a": 1, "label": 0.5}"#)
        == "line 1 of train.jsonl: the label 0.5 is not a whole number")
    #expect(
      fault(#"{"a": 1, "label": null}"#)
        == "line 1 of train.jsonl: the label null is not a text, a whole number or a boolean")
    let numbers = FeatureTable.ReadOptions(kind: .numbers)
    #expect(try read(#"{"a": 1, "y": 0.5}"#, as: "a.jsonl", numbers).numbers == [0.5])
    #expect(
      fault(#"{"a": 1, "y": "x"}"#, numbers)
        == "line 1 of train.jsonl: the target 'x' is not a number")
  }

  @Test(arguments: [
    (#"{"a": "x", "label": "y"}"#, "'x' in column 'a' is not a number"),
    (#"{"a": true, "label": "y"}"#, "true in column 'a' is not a number"),
    (#"{"a": null, "label": "y"}"#, "null in column 'a' is not a number"),
    (#"{"a": [1], "label": "y"}"#, "an array in column 'a' is not a number"),
    (#"{"a": NaN, "label": "y"}"#, "nan in column 'a' is not a finite 32-bit float"),
    (#"{"a": 1e999, "label": "y"}"#, "inf in column 'a' is not a finite 32-bit float"),
    (#"{"a": 1e39, "label": "y"}"#, "1e+39 in column 'a' is not a finite 32-bit float"),
    (#"{"label": "y"}"#, "the member 'a' is missing"),
    (#"{"a": 1}"#, "the member 'label' is missing"),
    (#"{"a": 1, "b": 2, "label": "y"}"#, "the member 'b' is not one of the first line's"),
    (#"{"a": 1, "a": 2, "label": "y"}"#, "malformed JSON at byte 12: the key 'a' stands twice"),
    (#"{"a": 1, "label": ""}"#, "the label is empty"),
    (#"{"a": 1, "label": "y"} x"#, "malformed JSON at byte 23: unexpected content after the value"),
    (#"[1, "y"]"#, "the line is not a JSON object"),
    ("\n{}", "the line is blank"),
    ("{", "malformed JSON at byte 1: expected a key in quotes"),
  ])
  func `a fault in the second line says so`(line: String, sentence: String) {
    let text = #"{"a": 1, "label": "x"}"# + "\n" + line + "\n"
    #expect(fault(text) == "line 2 of train.jsonl: " + sentence)
  }

  @Test(arguments: [
    (#"{"features": [1], "label": "y"}"#, "1 feature where the first row has 2"),
    (#"{"features": [1, 2, 3], "label": "y"}"#, "3 features where the first row has 2"),
    (#"{"features": [1, "x"], "label": "y"}"#, "'x' in column '1' is not a number"),
    (#"{"features": 1, "label": "y"}"#, "the member 'features' is missing or not an array"),
    (#"{"label": "y"}"#, "the member 'features' is missing or not an array"),
    (#"{"features": [1, 2]}"#, "the member 'label' is missing"),
    (
      #"{"features": [1, 2], "id": 7, "label": "y"}"#,
      "the member 'id' is not one of the first line's"
    ),
  ])
  func `a fault in an array of features says so`(line: String, sentence: String) {
    let text = #"{"features": [1, 2], "label": "x"}"# + "\n" + line + "\n"
    #expect(fault(text) == "line 2 of train.jsonl: " + sentence)
  }

  @Test func `files without rows, features or label are refused`() {
    #expect(fault("") == "train.jsonl is empty")
    #expect(fault("\n \n") == "train.jsonl has no rows")
    #expect(fault(#"{"label": 1}"#) == "train.jsonl has no feature column")
    #expect(fault(#"{"features": [], "label": 1}"#) == "train.jsonl has no feature column")
    #expect(fault("{}") == "train.jsonl has no column named label, target, class or y")
  }

  @Test func `huge and deep lines are refused or read, and nothing traps`() throws {
    let long = String(repeating: " ", count: 19 << 20)
    #expect(fault(long + "{}") == "line 1 of train.jsonl: the line is longer than 16 MiB")
    let deep = String(repeating: "[", count: 100_000)
    #expect(
      fault("{\"a\": \(deep)").hasPrefix("line 1 of train.jsonl: malformed JSON at byte"))
    let wide = String(repeating: "1,", count: 1_000_000) + "1"
    let table = try read("{\"features\": [\(wide)], \"label\": 0}", as: "a.jsonl")
    #expect(table.columnCount == 1_000_001)
    let wider = String(repeating: "1,", count: 1_100_000) + "1"
    #expect(
      fault("{\"features\": [\(wider)], \"label\": 0}")
        == "train.jsonl has 1100001 columns, more than 1048576")
    let invalid = Array(#"{"a": 1, "label": ""#.utf8) + [0xFF] + Array("\"}".utf8)
    #expect(
      DatasetsTests.fault({ _ = try read(invalid, as: "train.jsonl") })
        == "line 1 of train.jsonl: malformed JSON at byte 20: a string is not UTF-8")
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `what is written is read, number by number`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var features: [Float] = []
    var labels: [String] = []
    var text = ""
    for _ in 0..<10_000 {
      let row = (0..<5).map { _ in
        let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
        return value.isFinite ? value : 0
      }
      let label = ["a", "\u{1}", "d\"e", "f\ng", "\u{1F600}"].randomElement(using: &random) ?? ""
      features += row
      labels.append(label)
      var members = row.enumerated().map { JSON.Member("c\($0)", .number(Double($1))) }
      if seed == 0 {
        members = [.init("features", .array(members.map(\.value)))]
      }
      members.append(JSON.Member("label", .string(label)))
      text += JSON.object(members).text() + "\n"
    }
    let table = try read(text, as: "train.jsonl")
    #expect(table.features.map(\.bitPattern) == features.map(\.bitPattern), "seed \(seed)")
    #expect(table.labels == labels, "seed \(seed)")
  }
}

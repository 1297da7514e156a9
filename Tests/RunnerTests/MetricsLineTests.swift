import Foundation
import Runner
import Storage
import Support
import Testing

@Suite struct MetricsLineTests {
  private func read(_ text: String) -> (MetricsLine.Result, [String: Double]) {
    var reader = MetricsLine()
    var points: [String: Double] = [:]
    let result = Array(text.utf8).withUnsafeBytes { line in
      reader.points(in: line) { key, value, _ in
        points[String(decoding: key, as: UTF8.self)] = value
      }
    }
    return (result, points)
  }

  @Test func `numbers are points and step and time are not`() {
    let (result, points) = read(
      #" {"loss": 0.5, "step": 12, "val/f1":-1e-3 ,"time": 1700000000.125, "n":3} "#)
    #expect(points == ["loss": 0.5, "val/f1": -0.001, "n": 3])
    #expect(result.step == 12 && result.timeMilliseconds == 1_700_000_000_125)
    #expect(result.fault == nil && result.otherCount == 0)
  }

  @Test func `NaN and infinities are points bare and as strings`() {
    let (result, points) = read(
      #"{"a": NaN, "b": "NaN", "c": Infinity, "d": "-Infinity", "e": -Infinity, "f": "inf"}"#)
    #expect(result.fault == nil && result.otherCount == 0)
    #expect(points["a"]?.isNaN == true && points["b"]?.isNaN == true)
    #expect(points["c"] == .infinity && points["d"] == -.infinity && points["f"] == .infinity)
  }

  @Test func `what is no number is counted beside the points`() {
    let (result, points) = read(
      #"{"note": "hi \" }", "ok": true, "x": null, "deep": {"a": [1, "]"]}, "loss": 1}"#)
    #expect(points == ["loss": 1] && result.otherCount == 4 && result.fault == nil)
  }

  @Test func `escaped keys are read as JSON says`() {
    #expect(read(#"{"a\u002fb": 1, "\"": 2}"#).1 == ["a/b": 1, "\"": 2])
  }

  @Test func `a blank line holds nothing`() {
    let (result, points) = read(" \t\r")
    #expect(result.fault == nil && points.isEmpty)
  }

  @Test(arguments: [
    "x", "{", "{}x", "[1]", #"{"a" 1}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1 "b":2}"#, #"{"a":01}"#,
    #"{"a":+1}"#, #"{"a":.5}"#, #"{"a":5.}"#, #"{"a":1"#, #"{"a":"x}"#, #"{"a":[1"#, #"{a:1}"#,
    #"{"step":1.5,"a":1}"#, #"{"step":"x"}"#, #"{"step":9007199254740993}"#, #"{"time":"x"}"#,
    #"{"time":1e300}"#, #"{"":1}"#,
    #"{"a":tru}"#, #"{"a":nan}"#, #"{"a":1}{"a":2}"#, #"{"\q":1}"#, "{\"a\u{1}\":1}",
  ])
  func `a malformed line has a reason and no points`(line: String) {
    let (result, points) = read(line)
    #expect(result.fault != nil && points.isEmpty)
  }

  @Test func `every double survives its shortest and its longest spelling`() {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<20_000 {
      let value = Double(bitPattern: UInt64.random(in: .min ... .max, using: &generator))
      guard value.isFinite else { continue }
      let points = read("{\"a\":\(value),\"b\":\(String(format: "%.25e", value))}").1
      #expect(points["a"] == value && points["b"] == value, "\(value)")
    }
  }
}

import Promotion
import Storage
import Support
import Testing

@Suite struct FiniteGateTests {
  @Test func `finite weights pass and the values are counted`() throws {
    try TaskFixture.with { fixture in
      let result = try fixture.judge(.finite, fixture.tuned())
      #expect(result.outcome == .ok)
      #expect(result.evidence["values"]?.integer == 456)
    }
  }

  @Test(
    arguments: [
      ("F32", [0, 0, 0xC0, 0x7F]), ("F32", [0, 0, 0x80, 0x7F]), ("F32", [0, 0, 0x80, 0xFF]),
      ("BF16", [0xC0, 0x7F]), ("BF16", [0x80, 0xFF]), ("F16", [0, 0x7E]), ("F16", [0, 0x7C]),
      ("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0x7F]),
    ] as [(String, [UInt8])])
  func `one NaN or infinity fails and its tensor is named`(
    _ dtype: String, _ value: [UInt8]
  ) throws {
    try TaskFixture.with { fixture in
      var weights = TaskFixture.tune(TaskFixture.baseWeights)
      var bytes = [UInt8](repeating: 0, count: 5 * value.count)
      bytes.replaceSubrange(3 * value.count..<4 * value.count, with: value)
      weights.add("head.weight", dtype, [5], bytes: bytes)
      let result = try fixture.judge(.finite, fixture.tuned(weights))
      #expect(result.outcome == .fail)
      #expect(result.finding == "1 value of head.weight not finite")
      let named = try #require(result.evidence["notFinite"]?.array?.first)
      #expect(named["tensor"]?.string == "head.weight")
      #expect(named["values"]?.integer == 1)
    }
  }

  @Test func `NaN in the second chunk of a tensor is found`() throws {
    try TaskFixture.with { fixture in
      var weights = TaskFixture.baseWeights
      weights.add("long", "BF16", [300_000], bytes: [UInt8](repeating: 0, count: 600_000))
      weights = weights.changing("long") {
        $0.bytes.replaceSubrange(599_998..., with: [0xC0, 0x7F])
      }
      let result = try fixture.judge(.finite, fixture.tuned(weights))
      #expect(result.outcome == .fail)
    }
  }

  @Test func `integers are no floats`() throws {
    try TaskFixture.with { fixture in
      var weights = SafetensorsFixture()
      weights.add("ids", "I64", [2], bytes: [UInt8](repeating: 0xFF, count: 16))
      let result = try fixture.judge(.finite, fixture.tuned(weights))
      #expect(result.outcome == .notApplicable)
      #expect(result.finding == "no float tensors in a format that is read")
    }
  }

  @Test func `tensors of unknown types are told, beside others and alone`() throws {
    try TaskFixture.with { fixture in
      var weights = TaskFixture.baseWeights
      weights.add("scale", "F8_E8M0", [3], bytes: [1, 2, 255])
      weights.add("packed", "F4", [4], bytes: [1, 2])
      let result = try fixture.judge(.finite, fixture.tuned(weights))
      #expect(result.outcome == .ok)
      #expect(
        result.finding
          == "456 values of 4 tensors; 2 tensors not read, of unknown types F4, F8_E8M0")
      #expect(result.evidence["notReadTensors"]?.integer == 2)
      #expect(result.evidence["notRead"]?.array?.first?["tensor"]?.string == "scale")
      weights.entries.removeAll { $0.dtype != "F4" }
      let alone = try fixture.judge(.finite, fixture.tuned(weights))
      #expect(alone.outcome == .notApplicable)
      #expect(alone.finding.hasSuffix("; 1 tensor not read, of unknown type F4"))
    }
  }
}

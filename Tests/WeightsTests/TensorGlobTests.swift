import Testing
import Weights

@Suite struct TensorGlobTests {
  @Test(arguments: [
    ("encoder.layer.0.*", "encoder.layer.0.attention.weight", true),
    ("encoder.layer.0.*", "encoder.layer.10.attention.weight", false),
    ("encoder.layer.[0-2].*", "encoder.layer.2.norm", true),
    ("encoder.layer.[0-2].*", "encoder.layer.3.norm", false),
    ("encoder.layer.[!0-2].*", "encoder.layer.3.norm", true),
    ("encoder.layer.?.norm", "encoder.layer.11.norm", false),
    ("*", "anything", true), ("**a**", "bab", true), ("*a*b*c", "xaybzc", true),
    ("*a*b*c", "xaybz", false), ("a[", "a[", true), ("a[]]", "a]", true), ("", "", true),
    ("", "a", false), ("embeddings", "embeddings.weight", false), ("[a-]", "-", true),
  ])
  func `a glob matches whole names`(_ glob: String, _ name: String, _ matches: Bool) {
    #expect(TensorGlob(glob).matches(in: [name]).isEmpty == !matches)
  }

  @Test(arguments: [
    ("encoder.*", "bert.encoder.x"), ("bert.encoder.*", "encoder.x"),
    ("bert.encoder.*", "model.encoder.x"), ("bert.*", "bert.encoder.x"),
  ])
  func `known prefixes are put aside on both sides`(_ glob: String, _ name: String) {
    #expect(TensorGlob(glob).matches(in: [name]) == [0])
  }

  @Test(arguments: [
    ("bert.*", "bert.encoder.x bert.pooler.y | classifier.weight"),
    ("model.*", "model.encoder.x | lm_head.weight"),
    ("bert.*", "model.bert.encoder.x | model.classifier.weight"),
    ("model.bert.*", "bert.encoder.x | classifier.weight"),
    ("model.bert.encoder.*", "encoder.x | pooler.y"), ("bert.*", "encoder.x pooler.y |"),
    ("bert.pooler.*", "| bert.encoder.x classifier.weight"),
  ])
  func `a glob keeps its prefix where that matches, so that what is outside stays outside`(
    _ glob: String, _ names: String
  ) {
    let parts = names.split(separator: "|", omittingEmptySubsequences: false)
      .map { $0.split(separator: " ").map(String.init) }
    let found = TensorGlob(glob).matches(in: Array(parts.joined()))
    #expect(found == Set(parts[0].indices))
  }

  @Test func `many stars take no exponential time`() {
    let glob = TensorGlob(String(repeating: "*a", count: 60) + "b")
    #expect(glob.matches(in: [String(repeating: "a", count: 4000)]).isEmpty)
  }
}

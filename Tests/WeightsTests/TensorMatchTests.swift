import Foundation
import GRDB
import Storage
import Testing
import Weights

/// A child's tensors find those of its parent whatever a library did to their names.
@Suite struct TensorMatchTests {
  private func layout(_ name: String, _ shape: [Int] = [4, 4], _ dtype: String = "F32")
    -> TensorMatch.Layout
  {
    TensorMatch.Layout(name: name, dtypeName: dtype, shape: shape)
  }

  /// The matches of one tensor, without similar content.
  private func match(_ tensor: TensorMatch.Layout, _ others: [TensorMatch.Layout]) -> [TensorMatch]
  {
    TensorMatch.list([tensor], in: others)[0]
  }

  @Test func `the name comes first, of several files the nearest`() {
    let others = [layout("a.w", [5, 4]), layout("a.w"), layout("bert.a.w"), layout("a.w")]
    #expect(
      match(layout("a.w"), others) == [1, 3, 2].map { TensorMatch(index: $0, ground: .name) })
    #expect(match(layout("b.w"), others) == [])
  }

  @Test func `known prefixes are gained and lost`() {
    let names = ["a.w", "bert.a.w", "module.model.a.w", "base_model.model.roberta.a.w"]
    for child in names {
      for parent in names {
        let found = match(layout(child), [layout("b.w"), layout(parent)])
        #expect(found == [TensorMatch(index: 1, ground: .name)], "\(child) \(parent)")
      }
    }
  }

  @Test func `unknown prefixes are gained and lost where the rest of the name is unique`() {
    let parents = ["layer.0.w", "layer.1.w", "head.w"].map { layout($0) }
    let child = ["net.inner.layer.1.w", "net.head.w", "net.layer.2.w"].map { layout($0) }
    let there = TensorMatch.list(child, in: parents)
    #expect(there[0] == [TensorMatch(index: 1, ground: .suffix)])
    #expect(there[1] == [TensorMatch(index: 2, ground: .suffix)])
    #expect(there[2] == [])  // "w" alone says nothing
    let back = TensorMatch.list(parents, in: child)
    #expect(back.map { $0.map(\.index) } == [[], [0], [1]])
    let twice = ["x.layer.1.w", "y.layer.1.w"].map { layout($0) }
    #expect(match(layout("net.layer.1.w"), twice) == [])
    // The same name in two files is one name.
    #expect(match(layout("net.layer.1.w"), [twice[0], twice[0]]).map(\.index) == [0, 1])
  }

  @Test func `a name of one part is an end of longer ones`() {
    #expect(match(layout("w"), [layout("net.w")]).map(\.ground) == [.suffix])
    #expect(match(layout("net.w"), [layout("w")]).map(\.ground) == [.suffix])
  }

  @Test func `rows gained or lost match, other dimensions do not`() {
    let others = [layout("e.w", [100, 8])]
    #expect(match(layout("e.w", [105, 8]), others) == [TensorMatch(index: 0, ground: .rows)])
    #expect(match(layout("bert.e.w", [7, 8]), others) == [TensorMatch(index: 0, ground: .rows)])
    #expect(match(layout("e.w", [100, 9]), others) == [])
    #expect(match(layout("e.w", [100, 8, 1]), others) == [])
    #expect(match(layout("e.w", []), [layout("e.w", [])]).map(\.ground) == [.name])
  }

  @Test func `another type of float is a cast, another integer is nothing`() {
    let cast = match(layout("a", [4], "BF16"), [layout("a", [4], "I16"), layout("a", [4], "F32")])
    #expect(cast == [TensorMatch(index: 1, ground: .cast)])
    #expect(match(layout("a", [4], "I32"), [layout("a", [4], "I64")]) == [])
    #expect(match(layout("a", [4], "F32"), [layout("a", [2, 2], "BF16")]) == [])
  }

  @Test func `similar content is asked for only where no name matches`() {
    let others = [layout("x.1"), layout("x.2"), layout("x.3", [3])]
    var asked: [[Int]] = []
    let found = TensorMatch.list([layout("x.1"), layout("y")], in: others) {
      (tensor, other) -> Double in
      asked.append([tensor, other])
      return other == 1 ? 0.9 : 0.4
    }
    #expect(found[1] == [TensorMatch(index: 1, ground: .content)])
    #expect(asked == [[1, 0], [1, 1]])
  }

  @Test func `names are bytes, not characters`() {
    #expect(match(layout("caf\u{E9}"), [layout("cafe\u{301}")]) == [])
  }
}

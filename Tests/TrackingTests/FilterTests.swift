import Storage
import Support
import Testing
import Tracking

@Suite struct Filters {
  @Test(arguments: [
    ("val/f1 > 0.8", RunField.metric("val/f1"), Filter.Test.compare(.greater, .number(0.8))),
    ("metrics.val/f1>=0.8", .metric("val/f1"), .compare(.greaterOrEqual, .number(0.8))),
    ("metric.`val loss` < -1e-3", .metric("val loss"), .compare(.less, .number(-0.001))),
    ("\"val loss\" == 1", .metric("val loss"), .compare(.equal, .number(1))),
    ("metrics.\"a.b\" <> 1", .metric("a.b"), .compare(.notEqual, .number(1))),
    ("train.loss <= inf", .metric("train.loss"), .compare(.lessOrEqual, .number(.infinity))),
    ("params.lr < 1e-4", .parameter("lr"), .compare(.less, .number(1e-4))),
    ("param.lr = '1e-4'", .parameter("lr"), .compare(.equal, .text("1e-4"))),
    ("parameters.a.b.c = \"x\"", .parameter("a.b.c"), .compare(.equal, .text("x"))),
    ("tags.owner = \"ann\"", .tag("owner"), .compare(.equal, .text("ann"))),
    (
      "tags.`mlflow.runName` != 'it''s'", .tag("mlflow.runName"), .compare(.notEqual, .text("it's"))
    ),
    (
      "name like 'base-%'", .attribute(.name), .like("base-%", ignoresCase: false, isNegated: false)
    ),
    ("name NOT ILIKE '%x'", .attribute(.name), .like("%x", ignoresCase: true, isNegated: true)),
    (
      "status in ('FAILED','KILLED')", .attribute(.status),
      .isIn([.text("FAILED"), .text("KILLED")], isNegated: false)
    ),
    ("seed not in (1, 2)", .attribute(.seed), .isIn([.number(1), .number(2)], isNegated: true)),
    ("reason is null", .attribute(.reason), .isNull(isNegated: false)),
    ("params.lr IS NOT NULL", .parameter("lr"), .isNull(isNegated: true)),
    ("loss is nan", .metric("loss"), .isNaN(isNegated: false)),
    (
      "started > '2026-11-23'", .attribute(.started), .compare(.greater, .number(1_795_392_000_000))
    ),
    (
      "start_time > '2026-11-23T18:30'", .attribute(.started),
      .compare(.greater, .number(1_795_458_600_000))
    ),
    ("attributes.run_id = 'ab'", .attribute(.id), .compare(.equal, .text("ab"))),
    ("metrics.status > 1", .metric("status"), .compare(.greater, .number(1))),
    ("`run name` = 'x'", .attribute(.name), .compare(.equal, .text("x"))),
  ])
  func `a clause is read as written`(text: String, field: RunField, test: Filter.Test) throws {
    guard case .clause(let clause) = try Filter.parse(text) else {
      Issue.record("\(text) is no clause")
      return
    }
    #expect(clause.field == field)
    #expect(clause.test == test)
    #expect(clause.column == 1)
  }

  @Test func `and binds stronger than or, and not stronger than both`() throws {
    func clause(_ key: String, _ column: Int) -> Filter {
      .clause(
        .init(field: .metric(key), test: .compare(.greater, .number(1)), column: column))
    }
    #expect(
      try Filter.parse("a>1 or b>1 and not c>1")
        == .any([clause("a", 1), .all([clause("b", 8), .not(clause("c", 20))])]))
    #expect(
      try Filter.parse("(a>1 or b>1) AND ((c>1))")
        == .all([.any([clause("a", 2), clause("b", 9)]), clause("c", 20)]))
  }

  @Test(arguments: [
    ("", 1, "expected a key, found the end"),
    ("val/f1 >", 9, "expected a value, found the end"),
    ("val/f1 > 'x'", 10, "'val/f1' is a number and never equals a text"),
    ("val/f1 0.8", 8, "expected a comparison after 'val/f1', found '0.8'"),
    ("val/f1 => 0.8", 8, "'=>' is no comparison"),
    ("tags.owner = ann", 14, "expected a value, found 'ann'"),
    ("tags.owner = 3", 14, "'tags.owner' is a text"),
    ("status = 3", 10, "'status' is a text"),
    ("(a > 1 or b > 2", 1, "this parenthesis is never closed"),
    ("a > 1)", 6, "this parenthesis was never opened"),
    ("a > 1 b > 2", 7, "expected 'and', 'or' or the end, found 'b'"),
    ("a > 1 and", 10, "expected a key, found the end"),
    ("and a > 1", 1, "expected a key, found 'and'"),
    ("name = 'x", 8, "the quote has no end"),
    ("a in 1", 6, "expected '(' after 'in', found '1'"),
    ("a in (1", 8, "expected ',' or ')', found the end"),
    ("a in ()", 7, "expected a value, found ')'"),
    ("a like 'x'", 8, "'a' is a number, which 'like' does not match"),
    ("name like 3", 11, "expected a pattern in quotes, found '3'"),
    ("a is 3", 6, "expected 'null' after 'is', found '3'"),
    ("name is nan", 9, "expected 'null' after 'is', found 'nan'"),
    ("attributes.color = 'x'", 1, "a run has no attribute 'color'"),
    ("metrics. > 1", 1, "a key is empty"),
    ("started > 'soon'", 11, "'soon' is no time"),
    ("é = 1 and ü > x", 15, "expected a value, found 'x'"),
    ("a = 0x10", 5, "expected a value, found '0x10'"),
    ("a \u{1} 3", 3, "a control character has no meaning here"),
  ])
  func `a fault is named with its column and a hint`(
    text: String, column: Int, message: String
  ) throws {
    do {
      _ = try Filter.parse(text)
      Issue.record("\(text) was read")
    } catch {
      #expect(error.kind == .invalidInput)
      #expect(error.message == "filter, column \(column): \(message)")
      #expect(error.hint != nil)
    }
  }

  @Test func `length, depth and number of clauses are bounded`() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "(", count: depth) + "a>1" + String(repeating: ")", count: depth)
    }
    #expect(try errorKind { _ = try Filter.parse(nested(99)) } == nil)
    #expect(try errorKind { _ = try Filter.parse(nested(100)) } == .invalidInput)
    #expect(
      try errorKind { _ = try Filter.parse(String(repeating: "not ", count: 4000) + "a>1") }
        == .invalidInput)
    #expect(try errorKind { _ = try Filter.parse(nested(8_000)) } == .invalidInput)
    let many = Array(repeating: "a>1", count: 251)
    #expect(try errorKind { _ = try Filter.parse(many.joined(separator: " or ")) } == .invalidInput)
    #expect(
      try errorKind { _ = try Filter.parse(many.dropLast().joined(separator: " or ")) } == nil)
    let long = "name = '" + String(repeating: "x", count: 16_384) + "'"
    #expect(try errorKind { _ = try Filter.parse(long) } == .invalidInput)
  }

  @Test(arguments: 1...400)
  func `text made of pieces of filters is read or refused`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "a", "params.", "tags.x", "'", "\"", "`", "(", ")", ",", "=", "!", "<", "and", "or", "not",
      "in", "is", "null", "like", " ", " ", " ", "1e5", "-", ".", "é", "\u{0}", "%", "\\",
    ]
    let text = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
      pieces[Int.random(in: 0..<pieces.count, using: &generator)]
    }.joined()
    let kind = try errorKind { _ = try Filter.parse(text) }
    #expect(kind == nil || kind == .invalidInput, "seed \(seed)")
  }

  @Test(arguments: [
    RunField.metric("val/f1"), .metric("val loss"), .metric("status"), .metric("tags.x"),
    .metric("a`b"), .metric("a\"b"), .parameter("lr"), .parameter("a b"), .tag("mlflow.user"),
    .attribute(.started), .attribute(.exitStatus),
  ])
  func `a field's name is read back as the field`(field: RunField) throws {
    #expect(try RunField(field.name) == field)
  }

  @Test(arguments: ["", "a b", "tags.", "a > 1", "attributes.color", "'text'", "("])
  func `what names no field is refused`(text: String) throws {
    #expect(try errorKind { _ = try RunField(text) } == .invalidInput)
  }

  @Test func `a sort key may start with a minus for the greatest first`() throws {
    #expect(try RunSearch.SortKey("-val/f1") == .init(.metric("val/f1"), isDescending: true))
    #expect(try RunSearch.SortKey("params.lr") == .init(.parameter("lr"), isDescending: false))
  }
}

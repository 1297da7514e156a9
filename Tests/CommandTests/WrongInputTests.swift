import Foundation
import Storage
import Testing

/// Every wrong input has its exit code, a sentence and, mostly, what to type next.
@Suite struct WrongInputTests {
  struct Case: CustomTestStringConvertible {
    let line: String
    let status: Int32
    let message: String
    let hint: String

    init(_ line: String, _ status: Int32, _ message: String, _ hint: String = "") {
      self.line = line
      self.status = status
      self.message = message
      self.hint = hint
    }

    var testDescription: String { line }
  }

  private static let cases = [
    Case("evnt ls", 2, "no command 'registry evnt'", "registry event ls"),
    Case("event list", 2, "no command 'registry event list'", "registry event"),
    Case("help nonsense", 2, "no command 'registry nonsense'", "registry --help"),
    Case("nonsense --help", 2, "no command 'registry nonsense'"),
    Case(
      "run known python train.py", 2, "stands behind --", "registry run known -- python train.py"),
    Case("run show b", 3, "no run named 'b'", "registry run ls"),
    Case("run ls --columns ''", 2, "--columns names no column"),
    Case("run ls --where 'nothing > 1'", 3, "no run has 'nothing'"),
    Case("run ls --where 'loss > 0 or not params.x = 2'", 3, "no run has 'params.x'"),
    Case("run show one --output", 3, "has no output", "registry run show"),
    Case("nonsense", 2, "no command 'registry nonsense'", "registry --help"),
    Case("event ls --limti 3", 2, "'--limti'", "registry event ls --help"),
    Case("event ls --limit x", 2, "'x' is invalid", "registry event ls --help"),
    Case("event ls --csv --md", 2, "--csv and --md exclude each other"),
    Case("--plain event ls --csv", 2, "--csv and --plain exclude each other"),
    Case("event ls -q -v", 2, "--quiet and --verbose exclude each other"),
    Case("event ls --color sometimes", 2, "'sometimes' is invalid"),
    Case("completion tcsh", 2, "'tcsh' is invalid"),
    Case("event ls --store nowhere", 3, "no store in nowhere", "registry init --store nowhere"),
    Case("experiment add", 2, "missing expected argument"),
    Case("experiment add latest", 2, "'latest' is reserved"),
    Case("experiment add ls", 2, "'ls' is reserved"),
    Case("experiment add 'a b'", 2, "'a b'", "letters"),
    Case("experiment add known", 6, "'known' already exists"),
    Case("run start unknown", 3, "no experiment named 'unknown'", "known"),
    Case("run start known --name one", 6, "'one' already exists"),
    Case("run start known --set lr", 2, "'lr' is not key=value (--set)"),
    Case("run show zzzz", 3, "zzzz"),
    Case("run show one one", 2, "registry compare"),
    Case("run show one --plot nothing", 3, "no metric 'nothing'", "registry run show"),
    Case("run show one --plot loss --csv", 2, "--points"),
    Case("run show one --points nothing", 3, "no metric 'nothing'"),
    Case("run log", 2, "nothing to log"),
    Case("run log loss=1", 2, "REGISTRY_RUN_ID"),
    Case("run log one loss=high", 2, "loss=high has no number", "--param"),
    Case("run log one loss", 2, "'loss' is not key=value"),
    Case("run log one =1", 2, "'=1' is not key=value"),
    Case("run finish two", 6, "has ended already"),
    Case("run finish one --status gone", 2, "'gone' is invalid"),
    Case("run rm one", 5, "still running"),
    Case("run tag one owner", 2, "'owner' is not key=value"),
    Case("run tag one missing=", 3, "missing"),
    Case("run ls --where 'loss >'", 2, "filter"),
    Case("run ls --where 'loss >> 3'", 2, "'>>'"),
    Case("run ls --sort attributes.nothing", 2, "no attribute 'nothing'"),
    Case("run ls --limit 0", 2, "--limit 0"), Case("run ls --limit -1", 2, "--limit -1"),
    Case("event ls --limit -1", 2, "--limit -1"),
    Case("run scrape --test x --limit -1", 2, "--limit -1"),
    Case("version rm known", 2, "by its number", "registry version rm MODEL:NUMBER"),
    Case("version rm known@prod", 2, "by its number"),
    Case("version rm known/last", 2, "by its number"),
    Case("version rm known:2^", 2, "by its number"),
    Case("run ls --columns loss,nothing", 3, "no run has 'nothing'"),
    Case("run ls --sort -nothing", 3, "no run has 'nothing'"),
    Case("run restore one", 3, "no removed run named 'one'", "registry run ls --removed"),
    Case("run finish", 2, "REGISTRY_RUN_ID", "registry run finish RUN"),
    Case("event ls --limit 0", 2, "--limit 0"),
    Case("version add a b --parent c --relation d", 2, "fork, finetune, adapter"),
    Case("version add a b --relation merge", 2, "--relation needs a --parent"),
    Case("promote a --to b --waive finite", 2, "--waive needs a --reason"),
    Case("promote a --to b", 3, "'a'", "registry model ls"),
    Case("rollback a", 2, "'a' names no alias"), Case("compare one", 2, "two or more"),
    Case("best", 3, "needs a task", "registry fork"), Case("diff a b", 3, "'a'"),
    Case("lineage a --format dot --csv", 2, "exclude each other"),
    Case("base add nowhere", 3, "nowhere"), Case("fork a b", 3, "'a'"),
    Case("fork a b --metric f1", 2, "which end is better", "--metric f1:max"),
    Case("version cat known", 2, "'known' names no file"),
    Case("version cat a//b", 3, "'a'", "registry model ls"),
    Case("version cat a//b --range 5-4", 2, "'5-4' is invalid", "registry version cat --help"),
    Case("version cat a//b --range 5", 2, "'5' is invalid"),
    Case("version cat a//b --csv", 2, "in no other format"),
    Case("tensor ls a", 3, "'a'", "registry model ls"),
    Case("tensor show a", 2, "missing expected argument '<name>'"),
    Case("tensor show a w --rows 3", 2, "'3' is invalid"),
    Case("tensor show a w --rows 3:2", 2, "'3:2' is invalid"),
    Case("repair --from nowhere", 3, "no file or folder", "nowhere"),
    Case("repair --from .registry", 2, "is the store itself", "registry repair --from BACKUP"),
    Case("run scrape --test nowhere.log", 3, "nowhere.log cannot be read"),
  ]

  @Test func `wrong input ends with its code, a sentence and a hint`() throws {
    try Binary.withStore { binary in
      try binary("experiment", "add", "known")
      try binary("run", "start", "known", "--name", "one")
      try binary("run", "log", "one", "loss=1")
      try binary("run", "start", "known", "--name", "two")
      try binary("run", "finish", "two")
      let before = try binary("event", "ls", "--json")
      for wrong in Self.cases {
        let result = try binary.shell("registry " + wrong.line)
        let place = Comment(rawValue: "\(wrong.line): \(result.status)\n\(result.errors)")
        #expect(result.status == wrong.status, place)
        #expect(result.output.isEmpty, place)
        #expect(result.errors.hasPrefix("error: "), place)
        #expect(result.errors.contains(wrong.message), place)
        #expect(wrong.hint.isEmpty || result.errors.contains(wrong.hint), place)
      }
      #expect(try binary("event", "ls", "--json") == before, "an error has changed something")
    }
  }

  @Test func `with --json an error is an object on the error stream`() throws {
    try Binary.withStore { binary in
      for line in ["run show zzzz --json", "--json run show zzzz"] {
        let result = try binary.shell("registry " + line)
        #expect(result.status == 3)
        let error = try JSON.parse(Array(result.errors.utf8))["error"]
        #expect(error?["kind"] == "notFound")
        #expect(error?["message"]?.string?.contains("zzzz") == true)
        #expect(error?["hint"]?.string?.isEmpty == false)
      }
    }
  }

  @Test func `outside of any store the way to one is shown`() throws {
    try Binary.inFreshFolder { binary in
      let result = try binary.run(["run", "ls"])
      #expect(result.status == 3)
      #expect(result.errors.contains("hint:  registry init"))
    }
  }
}

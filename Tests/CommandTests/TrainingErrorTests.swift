import Foundation
import Storage
import Testing

/// What the built-in trainer refuses: one sentence, the right exit code, and nothing left behind.
@Suite struct TrainingErrorTests {
  private static let header = "x,y,label\n"
  private static let good = header + "1,2,a\n2,1,b\n3,5,a\n4,3,b\n"

  /// Files by name, the command's last words, and what is said.
  private struct Case {
    var files: [String: String] = ["train.csv": good]
    var words = ["--data", "train.csv", "--hold-out", "0.5"]
    var task = "plain"
    let message: String
    var hint: String?
    var status: Int32 = 2
  }

  private static let cases: [Case] = [
    Case(
      files: [:], message: "no file FOLDER/train.csv", status: 3),
    Case(
      files: ["train.csv": header + "1,2,a\n2,1,b\n3,,a\n"],
      message: "line 4 of train.csv: column 'y' is empty"),
    Case(
      files: ["train.csv": header + "1,2,a\n2,one,b\n"],
      message: "line 3 of train.csv: 'one' in column 'y' is not a number",
      hint: "leave out columns that are no features"),
    Case(
      files: ["train.csv": header + "1,2,a\n2,nan,b\n"],
      message: "line 3 of train.csv: 'nan' in column 'y' is not a finite 32-bit float"),
    Case(
      files: ["train.csv": header + "1,2,a\n2,3,\n"],
      message: "line 3 of train.csv: the label is empty"),
    Case(
      files: ["train.csv": header + "1,2,a\n2,3,a\n"],
      message: "every row of train.csv has the label 'a', so there is nothing to tell apart",
      hint: "a classifier needs rows of two classes or more"),
    Case(
      files: ["train.csv": header + "1,2,a\n1,2,b\n"],
      message: "each of the 2 feature columns of train.csv holds one value in every row"),
    Case(
      files: ["train.csv": good, "val.csv": header + "1,2,a\n2,1,c\n"],
      words: ["--data", "train.csv", "--validation", "val.csv"],
      message: "line 3 of val.csv: the label 'c' is not in the label map",
      hint: "the training rows have 'a', 'b'"),
    Case(
      files: ["train.csv": good, "val.csv": "x,label\n1,a\n"],
      words: ["--data", "train.csv", "--validation", "val.csv"],
      message: "val.csv has 1 feature column, but train.csv has 2"),
    Case(
      files: ["train.csv": good, "val.csv": "y,x,label\n1,2,a\n"],
      words: ["--data", "train.csv", "--validation", "val.csv"],
      message: "feature column 1 of val.csv is 'y', but 'x' in train.csv",
      hint: "write both files with the same columns in the same order"),
    Case(
      files: ["train.csv": "x,y,z,label\n1,2,3,a\n2,1,3,b\n3,3,4,a\n4,4,5,b\n"], task: "task",
      message: "train.csv has 3 feature columns, but task:1 takes 2"),
    Case(
      files: ["train.csv": "y,x,label\n1,2,a\n2,1,b\n3,3,a\n4,4,b\n"], task: "task",
      message: "feature column 1 of train.csv is 'y', but 'x' in task:1",
      hint: "write the columns in the order in which task:1 has them"),
    Case(
      words: [], message: "nothing to train on",
      hint: "registry run TASK --data FILE, or registry run TASK -- COMMAND"),
    Case(
      words: ["--data", "train.csv", "--hold-out", "0.5", "--validation", "val.csv"],
      message: "--validation and --hold-out exclude each other"),
    Case(
      words: ["--data", "train.csv", "--no-scrape"], message: "--no-scrape belongs to a command",
      hint: "registry run plain --no-scrape … -- COMMAND"),
    Case(
      words: ["--data", "train.csv", "--set", "epocs=3"],
      message: "the built-in trainer has no hyperparameter 'epocs'",
      hint: "did you mean epochs?"),
    Case(
      words: ["--data", "train.csv", "--", "true"],
      message: "--data belongs to the built-in trainer, which runs without a command",
      status: 125),
    Case(
      task: "bert", message: "the built-in trainer trains mlp only, and bert:1 is a 'BertModel'",
      hint: "train it with a command: registry run TASK -- python train.py"),
    Case(
      words: ["--data", "train.csv", "--from", "no-such"],
      message: "no model or run named 'no-such'", status: 3),
  ]

  @Test func `each is one sentence with its code, and nothing is left`() throws {
    try Self.withTasks { binary in
      let before = try binary.runIds()
      for one in Self.cases {
        for name in ["train.csv", "val.csv"] {
          let file = binary.folder.appending(path: name)
          try? FileManager.default.removeItem(at: file)
          if let text = one.files[name] { try Data(text.utf8).write(to: file) }
        }
        let words = ["run", one.task] + one.words
        let result = try binary.run(words)
        let message = one.message.replacing("FOLDER", with: binary.folder.path)
        #expect(result.status == one.status, "\(words): \(result.errors)")
        let lines = result.errors.split(separator: "\n").map(String.init)
        #expect(lines.first == "error: " + message, "\(words)")
        if let hint = one.hint { #expect(lines.last == "hint:  " + hint, "\(words)") }
        let after = try binary.runIds()
        #expect(result.output.isEmpty && after == before, "\(words)")
        #expect(try Self.spools(binary).isEmpty, "\(words)")
      }
      let list = try JSON.parse(Array(try binary("version", "ls", "task", "--json").utf8))
      #expect(list["versions"]?.array?.count == 1)
    }
  }

  @Test func `a loss that is no number fails the run and exits 5`() throws {
    try Self.withTasks { binary in
      try Data(Self.good.utf8).write(to: binary.folder.appending(path: "train.csv"))
      let words = [
        "run", "task", "--data", "train.csv", "--name", "far", "--set", "lr=1000000", "--set",
        "optimizer=sgd", "--set", "weight_decay=1",
      ]
      let result = try binary.run(words)
      #expect(result.status == 5 && result.output.isEmpty)
      let sentence =
        #/error: training diverged: the (loss|gradient) is (nan|infinite) in epoch \d+, step \d+/#
      #expect(result.errors.split(separator: "\n").contains { $0.wholeMatch(of: sentence) != nil })
      #expect(result.errors.hasSuffix("hint:  try a lower learning rate: --set lr=100000\n"))
      let run = try JSON.parse(Array(try binary("run", "show", "far", "--json").utf8))["run"]
      #expect(run?["status"] == "FAILED" && run?["reason"] == "diverged")
      #expect(run?["version"] == nil || run?["version"] == .null)
      #expect(run?["checks"]?.array?.contains { $0["rule"] == "diverged" } == true)
      #expect(try Self.spools(binary).isEmpty)
      let answer = try binary.run(words.map { $0 == "far" ? "far2" : $0 } + ["--json"])
      #expect(answer.status == 5)
      let last = try #require(answer.errors.split(separator: "\n").last)
      #expect(try JSON.parse(Array(last.utf8))["error"]?["kind"] == "refused")
    }
  }

  @Test func `a constant column is told once, and is a check of the run`() throws {
    try Self.withTasks { binary in
      let text = "x,y,z,label\n1,7,2,a\n2,7,1,b\n3,7,5,a\n4,7,3,b\n"
      try Data(text.utf8).write(to: binary.folder.appending(path: "train.csv"))
      let result = try binary.run(["run", "plain", "--data", "train.csv", "--name", "it"])
      #expect(result.status == 0)
      let sentence = "column 'y' of train.csv is 7 in every row"
      #expect(result.errors.split(separator: sentence, omittingEmptySubsequences: false).count == 2)
      let run = try JSON.parse(Array(try binary("run", "show", "it", "--json").utf8))["run"]
      let check = run?["checks"]?.array?.first
      #expect(check?["rule"] == "constant-columns" && check?["outcome"] == "warn")
      #expect(check?["evidence"]?["columns"] == ["y"])
    }
  }

  /// A store with a plain experiment, a task of two features and classes, and one of a BERT.
  private static func withTasks(_ body: (Binary) throws -> Void) throws {
    try Binary.withStore { binary in
      try TinyModel.write(in: binary.folder)
      try Data(good.utf8).write(to: binary.folder.appending(path: "train.csv"))
      for line in [
        "experiment add plain", "run plain --data train.csv --set epochs=1 --set hidden=4",
        "run adopt plain/last --model base", "fork base task", "base add tiny", "fork tiny bert",
      ] {
        let result = try binary.shell("registry \(line) -q")
        #expect(result.status == 0, "\(line): \(result.errors)")
      }
      try body(binary)
    }
  }

  private static func spools(_ binary: Binary) throws -> [String] {
    let spool = binary.folder.appending(path: ".registry/spool").path
    return (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []
  }
}

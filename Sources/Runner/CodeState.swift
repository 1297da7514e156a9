import Foundation
import Storage
import Tracking

/// The state of the working tree from which a command is run.
struct CodeState {
  /// The commit; nil outside a git working tree or before its first commit.
  let commit: String?
  /// What has changed since, as `git apply` takes it; nil when clean or too large.
  let diff: [UInt8]?
  /// Whether the diff was larger than what is kept.
  private let isDiffCut: Bool
  /// Files that are in no commit and not ignored, at least; nil when git does not say.
  let untrackedCount: Int?

  /// Tells of a diff that is not kept.
  var checks: [RunCheck] {
    guard isDiffCut else { return [] }
    let evidence: JSON = [
      "reason": "the diff is too large to be kept", "limitBytes": JSON(Self.diffBytesMax),
    ]
    return [RunCheck(rule: "code", .warn, evidence: evidence)]
  }

  static let diffBytesMax = 16 << 20  // more is generated files, not code

  /// Asks git about the current folder.
  init() {
    let patience = Duration.seconds(10)
    let head = Capture(
      ["git", "rev-parse", "--verify", "HEAD"], limitBytes: 256, patience: patience)
    commit = head.map(\.text)
    let changes = head.flatMap { _ in
      Capture(
        ["git", "--no-pager", "diff", "--no-ext-diff", "--no-color", "--binary", "HEAD"],
        limitBytes: Self.diffBytesMax, patience: patience)
    }
    let status = head.flatMap { _ in
      Capture(
        ["git", "status", "--porcelain", "-z", "--untracked-files=all"], limitBytes: 1 << 20,
        patience: patience)
    }
    untrackedCount = status.map { status in
      status.output.split(separator: 0).count { $0.starts(with: "?? ".utf8) }
    }
    isDiffCut = changes?.isCut ?? false
    diff = changes.flatMap { $0.output.isEmpty || $0.isCut ? nil : $0.output }
  }
}

/// The GPUs of this machine.
enum GPU {
  /// Name and memory of each, as `nvidia-smi` says within two seconds; nil without an answer.
  static func list() -> JSON? {
    let answer = Capture(
      [
        "nvidia-smi", "--query-gpu=name,memory.total,driver_version",
        "--format=csv,noheader,nounits",
      ],
      limitBytes: 1 << 16, patience: .seconds(2))
    guard let lines = answer?.text.split(separator: "\n"), !lines.isEmpty else { return nil }
    return .array(
      lines.map { line in
        let fields = line.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        return [
          "name": JSON(fields.first),
          "memoryMebibytes": JSON(fields.dropFirst().first.flatMap(Double.init)),
          "driver": JSON(fields.dropFirst(2).first),
        ]
      })
  }
}

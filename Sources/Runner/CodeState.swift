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
  /// Files that are neither in the commit nor ignored, from the tree's root.
  private let untracked: [String]

  /// Tells of a diff that is not kept, and of files that are in no commit.
  var checks: [RunCheck] {
    var checks: [RunCheck] = []
    if isDiffCut {
      let evidence: JSON = [
        "reason": "the diff is too large to be kept", "limitBytes": JSON(Self.diffBytesMax),
      ]
      checks.append(RunCheck(rule: "code", .warn, evidence: evidence))
    }
    if !untracked.isEmpty {
      let evidence: JSON = [
        "untrackedCount": JSON(untracked.count),
        "untracked": .array(untracked.prefix(Self.untrackedShownMax).map(JSON.string)),
      ]
      checks.append(RunCheck(rule: "code", .ok, evidence: evidence))
    }
    return checks
  }

  private static let untrackedShownMax = 10

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
    untracked = (status?.output ?? []).split(separator: 0).compactMap { entry in
      entry.starts(with: "?? ".utf8) ? String(decoding: entry.dropFirst(3), as: UTF8.self) : nil
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

import ArgumentParser
import Catalog
import Storage
import Weights
import Workspace

struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows which files and tensors of two versions differ.",
    discussion: """
      Examples:
        registry diff reviews:1 reviews:3
        registry diff reviews:3^ reviews:3 --tensors
        registry diff tiny:1 reviews@prod --tensors --json
      """)

  @Argument(help: ArgumentHelp("The first version.", valueName: "ref")) var before: String
  @Argument(help: ArgumentHelp("The second version.", valueName: "ref")) var after: String
  @Flag(help: "Compares tensor by tensor: relative L2 and the largest difference.")
  var tensors = false
  @Flag(help: "Shows what is equal, too.") var all = false
  @OptionGroup var globals: Globals

  func run() throws {
    let (first, second) = (try Reference(before), try Reference(after))
    let report = try globals.reading { store in
      let versions = try store.read { (try first.version($0), try second.version($0)) }
      let files = try store.read { (try versions.0.files($0), try versions.1.files($0)) }
      var report = Report("diff")
      report.add([
        .init("before", nil, .text(versions.0.reference)),
        .init("after", nil, .text(versions.1.reference)),
      ])
      let (table, equal) = fileTable(files.0, files.1)
      report.add(table, title: "files")
      if equal > 0, !all { report.notes.append(Self.hidden(equal, "file")) }
      guard tensors else {
        report.next = "registry diff \(before) \(after) --tensors"
        return report
      }
      try addTensors(files.0, files.1, to: &report, store)
      return report
    }
    globals.show(report)
  }

  private func fileTable(
    _ before: [VersionFile], _ after: [VersionFile]
  ) -> (table: Table, equalCount: Int) {
    var table = Table(
      "files",
      [
        .init("change", pinned: true), .init("path", "file", pinned: true),
        .init("beforeBytes", "before"), .init("afterBytes", "after"),
      ], emptyText: "no file differs")
    func find(_ path: String, _ files: [VersionFile]) -> VersionFile? {
      files.first { $0.path.utf8.elementsEqual(path.utf8) }
    }
    var equalCount = 0
    for file in after {
      let old = find(file.path, before)
      let change = old.map { $0.digest == file.digest ? "equal" : "changed" } ?? "added"
      if change == "equal" { equalCount += 1 }
      guard change != "equal" || all else { continue }
      table.add([
        .init(.text(change), Self.style(change)), .init(.text(file.path)),
        .init(old.map { .bytes($0.sizeBytes) } ?? .none), .init(.bytes(file.sizeBytes)),
      ])
    }
    for file in before where find(file.path, after) == nil {
      table.add([
        .init(.text("removed"), Self.style("removed")), .init(.text(file.path)),
        .init(.bytes(file.sizeBytes)), .init(.none),
      ])
    }
    return (table, equalCount)
  }

  private func addTensors(
    _ before: [VersionFile], _ after: [VersionFile], to report: inout Report, _ store: Store
  ) throws {
    let differences = try store.withContent {
      try store.read(.weights) { db in
        let old = try before.flatMap { try FileTensor.list(path: $0.path, $0.digest, db) }
        let new = try after.flatMap { try FileTensor.list(path: $0.path, $0.digest, db) }
        let total = new.reduce(0) { $0 + $1.tensor.sizeBytes }
        let progress = Progress("comparing", .bytes, globals)
        defer { progress.end() }
        return try TensorDifference.list(
          old, new, progress: { progress.update(done: $0, total: total) }, db)
      }
    }
    let equal = differences.count { $0.change == .equal }
    report.add(tensorTable(differences), title: "tensors")
    if equal > 0, !all { report.notes.append(Self.hidden(equal, "tensor")) }
    report.data("equalTensorCount", JSON(equal))
  }

  private func tensorTable(_ differences: [TensorDifference]) -> Table {
    var table = Table(
      "tensors",
      [
        .init("change", pinned: true), .init("name", "tensor", pinned: true),
        .init("relativeL2", "relative L2", pinned: true), .init("largest", "largest |Δ|"),
        .init("dtype"), .init("beforeDtype", "dtype before"), .init("shape"),
        .init("beforeShape", "shape before"),
      ], emptyText: "no tensor differs")
    for difference in differences where all || difference.change != .equal {
      let tensor = difference.after ?? difference.before
      var (relative, largest): (Double?, Double?) = (nil, nil)
      if case .changed(let l2, let most) = difference.change { (relative, largest) = (l2, most) }
      let before = difference.before
      let isReshaped = difference.change == .reshaped
      let dtype = tensor?.dtypeName ?? ""
      let isRetyped = before.map { !$0.dtypeName.utf8.elementsEqual(dtype.utf8) } ?? false
      let word = difference.change.word
      table.add([
        .init(.text(word), Self.style(word)), .init(.text(difference.name)),
        .init(.init(relative)), .init(.init(largest)), .init(.init(tensor?.dtypeName)),
        .init(isRetyped ? .init(before?.dtypeName) : .none, .dim),
        .init(tensor?.shape.value ?? .none, .dim),
        .init(isReshaped ? before?.shape.value ?? .none : .none, .dim),
      ])
    }
    return table
  }

  private static func hidden(_ count: Int, _ noun: String) -> String {
    "\(count) equal \(noun)\(count == 1 ? "" : "s") hidden, --all shows them"
  }

  private static func style(_ change: String) -> Style {
    switch change {
    case "added": .good
    case "removed": .bad
    case "equal": .dim
    default: .warning
    }
  }
}

extension TensorDifference.Change {
  /// One word.
  fileprivate var word: String {
    switch self {
    case .added: "added"
    case .removed: "removed"
    case .equal: "equal"
    case .reshaped: "reshaped"
    case .retyped: "retyped"
    case .changed, .changedBytes: "changed"
    }
  }
}

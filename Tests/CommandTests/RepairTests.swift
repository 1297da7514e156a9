import Foundation
import GRDB
import Storage
import Support
import Testing

/// Damaged content is told by file and put back from whatever has it, by the built binary.
@Suite struct RepairTests {
  /// A store with a base, two children, a fork and a backup, and the folders that they came from.
  private func withBackup(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      try Product.succeed("init", in: folder)
      for seed in 0..<3 as Range<UInt64> {
        try Checkpoint.write(to: folder.appending(path: "files/\(seed)"), seed: seed)
      }
      try Product.succeed("base", "add", "files/0", "--name", "zoo", in: folder)
      for seed in ["1", "2"] {
        try Product.succeed(
          "version", "add", "zoo", "files/\(seed)", "--parent", "zoo:1", in: folder)
      }
      try Product.succeed("fork", "zoo:1", "job", in: folder)
      try Product.succeed("backup", "backup", in: folder)
      try body(folder)
    }
  }

  private func damage(_ folder: URL, _ sql: String) throws {
    let store = try Store.open(folder.appending(path: ".registry"), .write)
    try store.writeWithoutTransaction(.weights) { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF; \(sql); PRAGMA foreign_keys = ON")
    }
    try store.close()
  }

  private func answer(_ arguments: String..., in folder: URL) throws -> (status: Int32, json: JSON)
  {
    let outcome = try Product.start(arguments + ["--json"], in: folder).finish()
    return (outcome.status, try JSON.parse(Array(outcome.output)))
  }

  private func expectWhole(_ folder: URL, _ comment: Comment) throws {
    let verified = try Product.run("verify", "--full", in: folder)
    #expect(verified.status == 0, "\(comment): \(verified.text)")
    for (version, seed) in [("zoo:1", 0), ("zoo:2", 1), ("zoo:3", 2), ("job:1", 0)] {
      let out = folder.appending(path: "out")
      try Product.succeed("version", "export", version, out.path, in: folder)
      let source = folder.appending(path: "files/\(seed)")
      #expect(try Checkpoint.equal(out, source), "\(comment): \(version)")
      try FileManager.default.removeItem(at: out)
    }
  }

  private static let damages = [
    "UPDATE pack SET content = zeroblob(length(content))",
    "UPDATE pack SET content = substr(content, 1, 1000)", "DELETE FROM pack WHERE id = 1",
    "DELETE FROM chunk WHERE id % 2 = 0", "DELETE FROM blob", "UPDATE segment SET chunkIds = x'02'",
    "UPDATE chunk SET lengthBytes = 1 << 40",
  ]

  @Test(arguments: damages)
  func `damage is told, planned for and healed from a backup`(sql: String) throws {
    try withBackup { folder in
      try damage(folder, sql)
      let found = try answer("verify", "--full", in: folder)
      #expect(found.status == 7)
      let faults = found.json["verification"]?["faults"]?.array ?? []
      let files = Set(faults.flatMap { $0["files"]?.array ?? [] }.compactMap(\.string))
      #expect(files.contains { $0.hasPrefix("zoo:1//") }, "\(faults)")
      #expect(faults.count <= 12, "a flood: \(faults.count)")
      let plan = try answer("repair", "--from", "backup", "--dry-run", in: folder)
      #expect(plan.json["repair"]?["isDryRun"] == true)
      #expect(try answer("verify", "--full", in: folder).json == found.json)
      let healed = try answer("repair", "--from", "backup", in: folder)
      #expect(healed.status == 0, "\(healed.json)")
      #expect(healed.json["repair"]?["faultCount"] == 0)
      try expectWhole(folder, "\(sql)")
      let again = try answer("repair", in: folder)
      #expect(again.status == 0 && again.json["repair"]?["storedBytes"] == 0)
    }
  }

  @Test(arguments: damages)
  func `damage is healed from the folders that the files came from`(sql: String) throws {
    try withBackup { folder in
      try damage(folder, sql)
      let healed = try answer("repair", "--from", "files", in: folder)
      #expect(healed.status == 0, "\(healed.json)")
      try expectWhole(folder, "\(sql)")
    }
  }

  @Test func `what no source has stays told, with exit 7, and another one heals it later`() throws {
    try withBackup { folder in
      try damage(folder, Self.damages[0])
      let some = try answer("repair", "--from", "files/1/model.safetensors", in: folder)
      #expect(some.status == 7)
      let faults = some.json["repair"]?["faults"]?.array ?? []
      let files = Set(faults.flatMap { $0["files"]?.array ?? [] }.compactMap(\.string))
      #expect(!files.contains("zoo:2//model.safetensors") && files.contains("zoo:2//config.json"))
      #expect(files.contains("zoo:3//model.safetensors"))
      let rest = try answer("repair", "--from", "files/2", "--from", "backup", in: folder)
      #expect(rest.status == 0, "\(rest.json)")
      try expectWhole(folder, "afterwards")
    }
  }

  @Test func `the same files taken again heal too`() throws {
    try withBackup { folder in
      try damage(folder, Self.damages[0])
      for seed in ["0", "1", "2"] {
        try Product.succeed("version", "add", "again", "files/\(seed)", in: folder)
      }
      try expectWhole(folder, "imported again")
    }
  }

  @Test func `the cached folder of a run's base is a source by itself`() throws {
    try withBackup { folder in
      try Product.succeed(
        "run", "job", "-q", "--", "/bin/sh", "-c", "echo loss=1", in: folder)
      try damage(folder, Self.damages[0])
      let healed = try answer("repair", in: folder)
      let faults = healed.json["repair"]?["faults"]?.array ?? []
      let files = Set(faults.flatMap { $0["files"]?.array ?? [] }.compactMap(\.string))
      #expect(!files.contains("zoo:1//model.safetensors"), "\(files)")
      #expect(files.contains("zoo:3//model.safetensors"))
    }
  }

  @Test func `names and events are not repaired, and that is said`() throws {
    try withBackup { folder in
      let store = try Store.open(folder.appending(path: ".registry"), .write)
      try store.write { try $0.execute(sql: "UPDATE event SET detail = '{}' WHERE sequence = 2") }
      try store.close()
      let outcome = try Product.run("repair", "--from", "backup", in: folder)
      #expect(outcome.status == 7)
      #expect(outcome.messages.contains("restore a backup"))
    }
  }

  @Test func `a project's folder with the store in it is a source of files`() throws {
    try withBackup { folder in
      try damage(folder, Self.damages[0])
      try FileManager.default.removeItem(at: folder.appending(path: "backup"))
      let healed = try answer("repair", "--from", ".", in: folder)
      #expect(healed.status == 0, "\(healed.json)")
      try expectWhole(folder, "from .")
    }
  }

  @Test func `damage and its repair as people read them`() throws {
    try Binary.withStore { binary in
      try TinyModel.write(in: binary.folder)
      var binary = binary
      binary.environment["COLUMNS"] = "120"
      for line in [
        "base add tiny", "version add tiny child1 --parent tiny:1", "fork tiny:1 reviews",
        "backup saved",
      ] { #expect(try binary.shell("registry \(line) -q").status == 0) }
      try damage(binary.folder, Self.damages[0])
      var text = ""
      for line in [
        "verify --full", "version export tiny:2 out", "repair --from child1 --dry-run",
        "repair --from child1", "repair --from saved", "verify --full",
      ] {
        let result = try binary.shell("registry \(line)")
        text += "$ registry \(line)\n\(result.output)\(result.errors)[exit \(result.status)]\n\n"
      }
      try Golden.expect(text, is: "repair")
    }
  }

  @Test func `an error about damage names the repair`() throws {
    try withBackup { folder in
      try damage(folder, Self.damages[0])
      for command in [
        ["version", "export", "zoo:2", "x"], ["version", "cat", "zoo:2//config.json"],
        ["verify", "--full"],
      ] {
        let outcome = try Product.start(command, in: folder).finish()
        #expect(
          outcome.status == 7 && outcome.messages.contains("registry repair --from"), "\(command)")
      }
    }
  }
}

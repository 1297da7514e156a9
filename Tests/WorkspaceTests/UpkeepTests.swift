import Catalog
import Foundation
import GRDB
import Storage
import Support
import Testing
import Tracking
import Weights
import Workspace

@Suite struct UpkeepTests {
  /// Changes rows behind the back of the rooms.
  private func tamper(_ store: Store, _ file: StoreFile, _ sql: String) throws {
    try store.writeWithoutTransaction(file) { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      try db.execute(sql: sql)
      try db.execute(sql: "PRAGMA foreign_keys = ON")
    }
  }

  @Test(arguments: [
    (StoreFile.catalog, "UPDATE event SET detail = '{}' WHERE sequence = 2", "event"),
    (.catalog, "DELETE FROM event WHERE sequence = 1", "event"),
    (.catalog, "DELETE FROM alias", "model"),
    (.catalog, "UPDATE versionFile SET path = 'x' WHERE path = 'config.json'", "model"),
    (.catalog, "DELETE FROM model WHERE name = 'base'", "catalog"),
    (.catalog, "UPDATE versionFile SET sizeBytes = 1 WHERE path = 'config.json'", "blob"),
    (.catalog, "UPDATE versionFile SET contentBlobDigest = zeroblob(32)", "blob"),
    (.catalog, "UPDATE run SET outputVersionId = 99", "catalog"),
    (.catalog, "UPDATE run SET status = 'RUNNING', baseVersionId = 99", "catalog"),
    (.catalog, "UPDATE experiment SET modelId = 99", "catalog"),
    (.catalog, "UPDATE experiment SET baseVersionId = 99", "catalog"),
    (.catalog, "UPDATE version SET runId = '00'", "catalog"),
    (.catalog, "UPDATE event SET sequence = 9223372036854775807 WHERE sequence = 3", "event"),
    (.weights, "DELETE FROM blob WHERE id = 1", "blob"),
    (.weights, "UPDATE blob SET sizeBytes = 9223372036854775807 WHERE id = 1", "blob"),
    (.weights, "UPDATE segment SET sizeBytes = 9223372036854775807", "weights"),
    (.weights, "UPDATE segment SET shape = '[4,' WHERE name IS NOT NULL", "weights"),
    (.weights, "UPDATE chunk SET lengthBytes = 9223372036854775807", "weights"),
    (.weights, "DELETE FROM chunk WHERE id = 1", "weights"),
    (.weights, "UPDATE pack SET content = zeroblob(4)", "weights"),
  ]) func `damage is found by the quick look`(file: StoreFile, sql: String, kind: String) throws {
    try withWorkspace { store, _ in
      let base = try addBase("base", to: store)
      _ = try store.write { db in
        try Alias.put("prod", on: base.version, db)
        let plain = try Experiment.add("plain", db)
        try plain.addRun(metric: [1, 2], db).setOutputVersion(base.version.id, db)
      }
      for full in [false, true] {
        #expect(try Verification.run(store, full: full).faults == [])
      }
      try tamper(store, file, sql)
      let found = try Verification.run(store, full: false).faults
      #expect(found.contains { $0.kind == kind }, "\(found)")
    }
  }

  @Test func `flipped content is found by the full look`() throws {
    try withWorkspace { store, _ in
      try addBase("base", to: store)
      try tamper(
        store, .weights,
        """
        UPDATE pack SET content =
          CAST(substr(content, 1, 3000) || x'00000000' || substr(content, 3005) AS BLOB)
        WHERE id = (SELECT id FROM pack ORDER BY length(content) DESC LIMIT 1)
        """)
      #expect(try Verification.run(store, full: true).faults.contains { $0.kind == "weights" })
    }
  }

  @Test func `gc takes what nothing names and keeps everything that is named`() throws {
    try withWorkspace { store, folder in
      try addBase("base", to: store)
      let child = folder.appending(path: "child")
      try write(modelFiles(changing: 1), to: child)
      var request = VersionImport.Request()
      request.model = "child"
      request.parents = [(try Reference("base"), .finetune)]
      let version = try VersionImport.addVersion(child, request, to: store).version
      _ = try store.withContent { try VersionExport.cachedFolder(version, store) }
      let task = try store.write { try Fork.add(version, as: "task", $0).task }
      let run = try store.write { db in
        var start = Run.Start(experimentId: task.id)
        start.baseVersionId = version.id
        return try Run.add(start, db)
      }
      let held = try Collection.run(store)
      #expect(held.content.blobCount == 0 && held.content.chunkCount == 0)
      #expect(held.cachedFolderCount == 0)
      _ = try store.write { try run.finish(.finished, $0) }
      let stray = try store.withContent {
        _ = try Blob.add(file: folder.appending(path: "child/config.json"), to: store)
        return try addStray(to: store, folder)
      }
      let planned = try Collection.run(store, dryRun: true)
      #expect(planned.content.blobCount == 1 && planned.cachedFolderCount == 1)
      #expect(planned.cachedBytes > 0)
      #expect(try store.read(.weights) { try Blob.find(stray, $0) } != nil)
      let done = try Collection.run(store)
      #expect(done.content.blobCount == 1 && done.cachedBytes == planned.cachedBytes)
      #expect(try store.read(.weights) { try Blob.find(stray, $0) } == nil)
      #expect(try Verification.run(store, full: true).faults == [])
      let out = folder.appending(path: "out")
      _ = try VersionExport.write(Reference("task"), to: out, from: store)
      #expect(try read(out) == modelFiles(changing: 1))
    }
  }

  private func addStray(to store: Store, _ folder: URL) throws -> Digest {
    try write(["stray": Array("nothing names this".utf8)], to: folder)
    return try Blob.add(file: folder.appending(path: "stray"), to: store).digest
  }

  @Test func `a removed version frees what only it had`() throws {
    try withWorkspace { store, folder in
      let base = try addBase("base", to: store)
      let child = folder.appending(path: "child")
      try write(modelFiles(changing: 0), to: child)
      var request = VersionImport.Request()
      request.model = "child"
      request.parents = [(try Reference("base"), .finetune)]
      let added = try VersionImport.addVersion(child, request, to: store)
      let error = failure { _ = try VersionRemoval.remove(Reference("base"), from: store) }
      #expect(error?.kind == .refused)
      #expect(error?.message.contains("child:1") == true)
      let usage = try DiskUsage(store).versions.map(\.usage.uniqueBytes)
      let removed = try VersionRemoval.remove(Reference("child:1"), from: store)
      #expect(removed.version == added.version)
      #expect(removed.freedBytes == usage.last)
      #expect(removed.freedBytes == added.storedBytes)
      #expect(try VersionImport.addVersion(child, request, to: store).version.number == 2)
      let out = folder.appending(path: "out")
      _ = try VersionExport.write(Reference("base"), to: out, from: store)
      #expect(try read(out) == modelFiles())
      #expect(base.files.count == 5)
      #expect(try Verification.run(store, full: true).faults == [])
    }
  }

  @Test func `a removal does not wait for who reads content`() throws {
    try withWorkspace { store, _ in
      try addBase("base", to: store)
      do {
        let reader = try FileLock(path: store.folder.appending(path: "gc.lock").path)
        try reader.lock(.shared)
        let removed = try VersionRemoval.remove(Reference("base:1"), from: store)
        #expect(removed.freedBytes == nil)
      }
      #expect(try Collection.run(store).content.blobCount > 0)
    }
  }

  @Test func `a version stays while an alias, a task or a run under way names it`() throws {
    try withWorkspace { store, _ in
      let version = try addBase("base", to: store).version
      let plain = try store.write { try Experiment.add("plain", $0) }
      func refusal() -> String? {
        let error = failure { _ = try VersionRemoval.remove(Reference("base"), from: store) }
        return error?.kind == .refused ? error?.message : nil
      }
      let run = try store.write { db in
        var start = Run.Start(experimentId: plain.id)
        start.baseVersionId = version.id
        start.name = "busy-bee"
        return try Run.add(start, db)
      }
      #expect(refusal()?.contains("busy-bee") == true)
      _ = try store.write { try run.finish(.failed, $0) }
      _ = try store.write { try Alias.put("prod", on: version, $0) }
      #expect(refusal()?.contains("base@prod") == true)
      try store.write { db in
        try Alias.unset("prod", of: try Model.get("base", db), db)
        try run.setOutputVersion(version.id, db)
      }
      let fork = try store.write { try Fork.add(version, as: "task", $0) }
      #expect(refusal()?.contains("task:1") == true)
      let ofTask = failure { _ = try VersionRemoval.remove(Reference("task:1"), from: store) }
      #expect(ofTask?.kind == .refused && ofTask?.message.contains("'task'") == true)
      let other = try addBase("other", modelFiles(seed: 5), to: store).version
      try store.write { try run.setOutputVersion(other.id, $0) }
      _ = try VersionRemoval.remove(Reference("other"), from: store)
      #expect(try store.read { try Run.get(run.id, $0).outputVersionId } == nil)
      #expect(fork.version.number == 1)
    }
  }

  @Test func `a backup is a store with the same content, and never written over another`() throws {
    try withWorkspace { store, folder in
      try addBase("base", to: store)
      let place = folder.appending(path: "saved")
      let backup = try Backup.make(in: place, of: store)
      #expect(backup.sizeBytes > 0)
      try addBase("later", modelFiles(seed: 3), to: store)
      #expect(failure { _ = try Backup.make(in: place, of: store) }?.kind == .conflict)
      let copy = try Store.open(place, .write)
      defer { try? copy.close() }
      #expect(try Verification.run(copy, full: true).faults == [])
      #expect(try copy.read { try Model.list($0).map(\.name) } == ["base"])
      let out = folder.appending(path: "out")
      _ = try VersionExport.write(Reference("base"), to: out, from: copy)
      #expect(try read(out) == modelFiles())
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
          "out", "saved",
        ])
    }
  }

  @Test func `a backup with a fault is no backup`() throws {
    try withWorkspace { store, folder in
      try addBase("base", to: store)
      try tamper(store, .weights, "DELETE FROM blob WHERE id = 1")
      let error = failure { _ = try Backup.make(in: folder.appending(path: "saved"), of: store) }
      #expect(error?.kind == .corrupt)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
  }

  @Test func `every column named for a blob keeps its content`() throws {
    try withWorkspace { store, folder in
      let task = try store.write { try Experiment.add("plain", $0) }
      try write(["log": Array("output".utf8)], to: folder)
      try store.withContent {
        let digest = try Blob.add(file: folder.appending(path: "log"), to: store).digest
        try store.write { db in
          var source = RunSource()
          source.outputBlobDigest = digest
          try source.put(try task.addRun(nil, db), db)
        }
      }
      #expect(try Collection.run(store).content.blobCount == 0)
      #expect(try Verification.run(store, full: true).faults == [])
    }
  }

  @Test func `usage adds up to what is stored, and the cache has its own line`() throws {
    try withWorkspace { store, _ in
      let first = try addBase("first", to: store)
      let second = try addBase("second", modelFiles(seed: 2), to: store)
      let before = try DiskUsage(store)
      #expect(before.versions.map(\.version) == [first.version, second.version])
      #expect(before.versions.map(\.usage.logicalBytes).allSatisfy { $0 > 0 })
      let parts = before.versions.map(\.usage)
      // Both have the same config and vocabulary: that is shared, counted at both.
      let stored = parts[0].uniqueBytes + parts[1].uniqueBytes + parts[0].sharedBytes
      #expect(stored == first.storedBytes + second.storedBytes)
      #expect(before.cacheBytes == 0 && before.spoolBytes == 0)
      _ = try store.withContent { try VersionExport.cachedFolder(first.version, store) }
      let after = try DiskUsage(store)
      #expect(after.cacheBytes == parts[0].logicalBytes)
      #expect(after.totalBytes == after.catalogBytes + after.weightsBytes + after.cacheBytes)
    }
  }
}

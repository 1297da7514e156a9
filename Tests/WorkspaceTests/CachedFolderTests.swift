import Catalog
import Foundation
import Storage
import Support
import Testing
import Tracking
import Weights
import Workspace

@Suite struct CachedFolderTests {
  /// A store with a task whose version 1 has these files.
  private func withTask(
    _ files: [String: [UInt8]], _ body: (Store, Experiment) throws -> Void
  ) throws {
    try withWorkspace { store, folder in
      let version = try store.withContent {
        let files = try files.map { path, bytes in
          try write(["file": bytes], to: folder)
          let blob = try Blob.add(file: folder.appending(path: "file"), to: store)
          return VersionFile(path: path, digest: blob.digest, sizeBytes: blob.sizeBytes)
        }
        return try store.write { db in
          try Version.add(.init(files: files), to: try Model.add("base", db), db)
        }
      }
      try body(store, try store.write { try Fork.add(version, as: "task", $0).task })
    }
  }

  private func start(_ store: Store) throws -> (run: Run, folder: URL) {
    let session = try RunSession.start(RunSession.Request(task: "task"), store)
    return (session.run, try #require(session.baseFolder))
  }

  private func inode(_ folder: URL) -> UInt64 {
    var status = stat()
    #expect(stat(folder.path, &status) == 0)
    return UInt64(status.st_ino)
  }

  private func names(in store: Store) throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: store.folder.appending(path: "cache").path)
  }

  @Test func `files that no import takes are part of a version that has them`() throws {
    try withTask(["config.json": [1], "code/__pycache__/a.pyc": [2], ".git/HEAD": [3]]) {
      store, _ in
      let first = try start(store)
      #expect(try read(first.folder).count == 3)
      let before = inode(first.folder)
      let second = try start(store)
      #expect(second.folder == first.folder)
      #expect(inode(first.folder) == before)
    }
  }

  @Test func `a folder that a run under way has spoiled stays, and the next gets a fresh one`()
    throws
  {
    try withTask(["config.json": [1], "model.bin": [2]]) { store, _ in
      let first = try start(store)
      let before = inode(first.folder)
      try write(["__pycache__/a.pyc": [9]], to: first.folder)
      let second = try start(store)
      #expect(second.folder != first.folder)
      #expect(inode(first.folder) == before)
      #expect(try read(first.folder).count == 3)
      #expect(try read(second.folder) == ["config.json": [1], "model.bin": [2]])
      let third = try start(store)
      #expect(third.folder == second.folder)
      #expect(try Collection.run(store).cachedFolderCount == 0)
      #expect(try read(first.folder).count == 3)
      for run in [first.run, second.run, third.run] {
        _ = try store.write { try run.finish(.finished, $0) }
      }
      let fourth = try start(store)
      #expect(fourth.folder == second.folder)
      _ = try store.write { try fourth.run.finish(.finished, $0) }
      #expect(try Collection.run(store).cachedFolderCount == 2)
      #expect(try names(in: store) == [])
    }
  }

  @Test func `a folder that nobody works in is made anew, so that the cache does not grow`() throws
  {
    try withTask(["config.json": [1]]) { store, _ in
      for _ in 1...3 {
        let session = try start(store)
        #expect(try read(session.folder) == ["config.json": [1]])
        try write(["more": [9]], to: session.folder)
        _ = try store.write { try session.run.finish(.finished, $0) }
        #expect(try names(in: store) == [session.folder.lastPathComponent])
      }
    }
  }
}

import Foundation
import GRDB
import Schema
import Storage
import Support
import Synchronization
import Testing

@Suite struct StoreTests {
  @Test func `every connection has the settings of the design, and the writer is durable`() throws {
    try withTemporaryStore { store in
      for (file, pageSize, steps) in [
        (StoreFile.catalog, 4096, Schema.catalog), (.weights, 16384, Schema.weights),
      ] {
        let found = try store.writeWithoutTransaction(file) { db in
          try Self.expected(pageSize: 0, []).keys.reduce(into: [:]) { found, name in
            found[name] = try String.fetchOne(db, sql: "PRAGMA \(name)")
          }
        }
        #expect(found == Self.expected(pageSize: pageSize, steps))
        let loose = try store.read(file) { db in
          try String.fetchAll(
            db, sql: "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict")
        }
        #expect(loose.filter { !$0.hasPrefix("sqlite_") } == [])
      }
    }
  }

  private static func expected(pageSize: Int, _ steps: [Schema.Migration]) -> [String: String] {
    [
      "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "trusted_schema": "0",
      "cell_size_check": "1", "auto_vacuum": "2", "page_size": "\(pageSize)",
      "user_version": "\(steps.count)",
    ]
  }

  @Test func `one of many who create a store makes it, and the others find it`() throws {
    try withTemporaryFolder { folder in
      let made = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        let result = try? Store.create(in: folder)
        if result?.isNew == true { made.withLock { $0 += 1 } }
        if result == nil { made.withLock { $0 += 100 } }
      }
      #expect(made.withLock { $0 } == 1)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left == [".registry"])
    }
  }

  @Test func `a store is found upward, by name and from the environment`() throws {
    try withTemporaryFolder { folder in
      let store = try Store.create(in: folder).folder
      let deep = folder.appending(path: "a/b/c")
      try FileManager.default.createDirectory(at: deep, withIntermediateDirectories: true)
      let elsewhere = URL(filePath: "/")
      for (start, named, environment) in [
        (deep, nil, [:]), (elsewhere, folder.path, [:]), (elsewhere, store.path, [:]),
        (elsewhere, nil, ["REGISTRY_STORE": folder.path]),
      ] as [(URL, String?, [String: String])] {
        let found = try Store.find(from: start, named: named, environment: environment)
        #expect(found.resolvingSymlinksInPath().path == store.resolvingSymlinksInPath().path)
      }
      #expect(throws: RegistryError.self) {
        try Store.find(from: deep, named: deep.path, environment: [:])
      }
    }
  }

  @Test func `a stranger's, an empty and a newer file are refused without a changed byte`() throws {
    let strangers: [(String, RegistryError.Kind, (String) throws -> Void)] = [
      (
        "text", .invalidInput,
        { try "not a database, not at all".write(toFile: $0, atomically: false, encoding: .utf8) }
      ),
      ("empty", .invalidInput, { try Data().write(to: URL(filePath: $0)) }),
      (
        "foreign", .invalidInput,
        { path in
          try FileManager.default.removeItem(atPath: path)
          let queue = try DatabaseQueue(path: path)
          try queue.write { try $0.execute(sql: "CREATE TABLE a (b)") }
          try queue.close()
        }
      ),
      (
        "newer", .unavailable,
        { path in
          let queue = try DatabaseQueue(path: path)
          try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = 999") }
          try queue.close()
        }
      ),
    ]
    for (name, kind, spoil) in strangers {
      for file in StoreFile.allCases {
        try withTemporaryFolder { folder in
          let store = try Store.create(in: folder).folder
          let path = store.appending(path: file.fileName).path
          for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
          }
          try spoil(path)
          let before = try Data(contentsOf: URL(filePath: path))
          for access in [Store.Access.read, .write] {
            let error = #expect(throws: RegistryError.self) { try Store.open(store, access) }
            #expect(error?.kind == kind, "\(name) \(file)")
          }
          #expect(try Data(contentsOf: URL(filePath: path)) == before, "\(name) \(file)")
        }
      }
    }
  }

  @Test func `a lost file is damage, and no new store is made in its place`() throws {
    for file in StoreFile.allCases {
      try withTemporaryFolder { folder in
        let store = try Store.create(in: folder).folder
        try FileManager.default.removeItem(at: store.appending(path: file.fileName))
        let found = try Store.find(from: folder, named: nil, environment: [:])
        for body in [
          { _ = try Store.open(found, .read) }, { _ = try Store.open(found, .write) },
          { _ = try Store.create(in: folder) },
        ] {
          let error = #expect(throws: RegistryError.self) { try body() }
          #expect(error?.kind == .corrupt && error?.hint == "restore a backup", "\(file)")
        }
      }
    }
  }

  @Test func `what is called like a store and is none is never taken for one`() throws {
    for file in StoreFile.allCases {
      for isFolder in [true, false] {
        try withTemporaryFolder { folder in
          let place = try Store.create(in: folder).folder.appending(path: file.fileName)
          try FileManager.default.removeItem(at: place)
          if isFolder {
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
          } else {
            try Data("a stranger's".utf8).write(to: place)
          }
          let error = #expect(throws: RegistryError.self) { try Store.create(in: folder) }
          #expect(error?.kind == .invalidInput, "\(file)")
        }
      }
    }
  }

  @Test func `a closed store has all it was told in its files and nothing in its logs`() throws {
    try withTemporaryFolder { folder in
      let place = try Store.create(in: folder).folder
      let store = try Store.open(place, .write)
      try store.write { _ = try Event.append("test.add", "a", [:], $0) }
      #expect(try store.read { try Event.list($0).count } == 1)  // a reader of the pool is open
      try store.close()
      for file in StoreFile.allCases {
        let log = place.appending(path: file.fileName + "-wal").path
        let size = try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int
        #expect(size == 0, "\(file)")
      }
      let copy = folder.appending(path: "copy")
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: false)
      for file in StoreFile.allCases {
        try FileManager.default.copyItem(
          at: place.appending(path: file.fileName), to: copy.appending(path: file.fileName))
      }
      let copied = try Store.open(copy, .read)
      #expect(try copied.read { try Event.list($0).count } == 1)
      try copied.close()
    }
  }

  @Test func `a schema or a number that is damaged is told as damage`() throws {
    let damages: [(StoreFile, String)] = [
      (.catalog, "UPDATE sqlite_schema SET sql = replace(sql, 'actor', 'actos')"),
      (.catalog, "UPDATE sqlite_schema SET sql = replace(sql, 'TABLE event', 'TABLE evens')"),
      (.catalog, "UPDATE event SET sequence = 9223372036854775807"),
      (.catalog, "UPDATE event SET hash = x'00'"),
      (.catalog, "PRAGMA user_version = 0"),
      (.weights, "PRAGMA user_version = 0"),
      (.weights, "DELETE FROM storeInfo"),
    ]
    for (file, sql) in damages {
      try withTemporaryFolder { folder in
        let place = try Store.create(in: folder).folder
        let writer = try Store.open(place, .write)
        try writer.write { _ = try Event.append("test.add", "a", [:], $0) }
        try writer.close()
        let queue = try DatabaseQueue(path: place.appending(path: file.fileName).path)
        try queue.writeWithoutTransaction { db in
          try db.execute(
            sql: "PRAGMA writable_schema = ON; PRAGMA ignore_check_constraints = ON; \(sql)")
        }
        try queue.close()
        let error = #expect(throws: RegistryError.self) {
          let store = try Store.open(place, .read)
          defer { try? store.close() }
          _ = try store.read { try Event.list($0) }
        }
        #expect(error?.kind == .corrupt, "\(sql): \(String(describing: error))")
      }
    }
  }

  @Test func `files of two stores do not open together`() throws {
    try withTemporaryFolder { folder in
      let one = try Store.create(in: folder.appending(path: "one")).folder
      let two = try Store.create(in: folder.appending(path: "two")).folder
      for suffix in ["", "-wal", "-shm"] {
        let target = one.appending(path: "weights.sqlite" + suffix)
        try? FileManager.default.removeItem(at: target)
        try? FileManager.default.copyItem(
          at: two.appending(path: "weights.sqlite" + suffix), to: target)
      }
      let error = #expect(throws: RegistryError.self) { try Store.open(one, .read) }
      #expect(error?.kind == .corrupt)
    }
  }

  @Test func `a read-only store refuses to write and changes no byte of a closed one`() throws {
    try withTemporaryFolder { folder in
      let made = try Store.create(in: folder).folder
      let writer = try Store.open(made, .write)
      try writer.write { _ = try Event.append("test.add", "a", [:], $0) }
      try writer.close()
      let path = made.appending(path: "catalog.sqlite")
      let before = try Data(contentsOf: path)
      let reader = try Store.open(made, .read)
      #expect(try reader.read { try Event.list($0).count } == 1)
      let error = #expect(throws: RegistryError.self) { try reader.write { _ in } }
      #expect(error?.kind == .denied)
      try reader.close()
      #expect(try Data(contentsOf: path) == before)
    }
  }

  @Test func `a body that throws leaves nothing`() throws {
    struct Stop: Error {}
    try withTemporaryStore { store in
      #expect(throws: Stop.self) {
        try store.write { db in
          _ = try Event.append("test.add", "a", [:], db)
          throw Stop()
        }
      }
      let events = try store.read { try Event.list($0) }
      #expect(events.isEmpty)
    }
  }

  @Test func `a copy opens as a store's file with the same content`() throws {
    try withTemporaryStore { store in
      try store.write { _ = try Event.append("test.add", "a", [:], $0) }
      try withTemporaryFolder { folder in
        for file in StoreFile.allCases {
          try store.copy(file, to: folder.appending(path: file.fileName).path)
        }
        let copy = try Store.open(folder, .read)
        #expect(copy.id == store.id)
        #expect(try copy.read { try Event.list($0).count } == 1)
        try copy.close()
      }
    }
  }
}

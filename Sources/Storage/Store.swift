// The room of the store: one folder with two SQLite files that are opened, locked, migrated, read
// and written here and nowhere else. Content is committed to the weights first, the row that names
// it to the catalog last, so a crash leaves only orphans, which gc takes.

import CSystem
package import Foundation
package import GRDB

/// An open store.
package final class Store: Sendable {
  /// Whether a command may change anything.
  package enum Access: Sendable {
    /// Opens both files read-only; leaves no trace.
    case read
    /// Opens both files for writing and runs missing migrations.
    case write
  }

  /// The `.registry` folder.
  package let folder: URL
  /// The random id that both files carry, as 32 hex digits.
  package let id: String
  /// What this object may do.
  package let access: Access

  private let catalog: any DatabaseReader
  private let weights: any DatabaseReader
  private let writeLock: WriteLock?
  private let contentLock: ContentLock?

  private init(
    folder: URL, id: String, access: Access, catalog: any DatabaseReader,
    weights: any DatabaseReader, writeLock: WriteLock?, contentLock: ContentLock?
  ) {
    self.folder = folder
    self.id = id
    self.access = access
    self.catalog = catalog
    self.weights = weights
    self.writeLock = writeLock
    self.contentLock = contentLock
  }

  /// Reads one file in a snapshot that does not change meanwhile.
  ///
  /// - Parameters:
  ///   - file: Which of the two.
  ///   - body: What to read.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws; SQLite's errors as `RegistryError`.
  package func read<Result>(
    _ file: StoreFile = .catalog, _ body: (Database) throws -> Result
  ) throws -> Result {
    try RegistryError.translating(file) { try reader(file).read(body) }
  }

  /// Writes one file in one transaction, alone among all processes; committed and on disk when it returns.
  ///
  /// - Parameters:
  ///   - file: Which of the two; the weights may be written inside a catalog write's lock, not inside its body.
  ///   - body: What to write.
  /// - Returns: What the body returned.
  /// - Throws: What the body throws, after a rollback; SQLite's errors as `RegistryError`.
  package func write<Result>(
    _ file: StoreFile = .catalog, _ body: (Database) throws -> Result
  ) throws -> Result {
    let writer = try writer(file)
    return try withWriteLock {
      try RegistryError.translating(file) { try writer.write(body) }
    }
  }

  /// Holds the write lock over several transactions; never suspend inside.
  package func withWriteLock<Result>(_ body: () throws -> Result) throws -> Result {
    guard let writeLock else { throw readOnlyError }
    return try writeLock.withLock(body)
  }

  /// Keeps gc away from content that is about to be named or is being read.
  ///
  /// A read-only store in a folder that may not be written has no lock to hold, and no gc beside it.
  package func withContent<Result>(_ body: () throws -> Result) throws -> Result {
    guard let contentLock else { return try body() }
    return try contentLock.withShared(body)
  }

  /// Waits until nobody reads or names content, then keeps newcomers out.
  ///
  /// - Parameters:
  ///   - patienceSeconds: How long to wait.
  ///   - body: What takes content away.
  /// - Returns: What the body returned.
  /// - Throws: `unavailable` when the wait is over; what the body throws.
  package func withoutContentUsers<Result>(
    patienceSeconds: Double = ContentLock.patienceSeconds, _ body: () throws -> Result
  ) throws -> Result {
    guard access == .write, let contentLock else { throw readOnlyError }
    return try contentLock.withExclusive(patienceSeconds: patienceSeconds, body)
  }

  /// Moves the write-ahead log into the file and empties it; what readers still need is left to the next.
  ///
  /// - Parameters:
  ///   - file: Which of the two.
  ///   - keepsLog: Whether the log keeps its length, for the next transactions to write over.
  /// - Throws: `unavailable` when the disk refuses.
  package func checkpoint(_ file: StoreFile, keepsLog: Bool = false) throws {
    let writer = try writer(file)
    try withWriteLock {
      try RegistryError.translating(file) {
        try writer.writeWithoutTransaction { db in
          try db.execute(sql: "PRAGMA busy_timeout = 0")
          defer { try? db.execute(sql: "PRAGMA busy_timeout = 30000") }
          do {
            _ = try db.checkpoint(keepsLog ? .passive : .truncate)
          } catch let error as DatabaseError
            where [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode)
          {
            return  // a reader's; the next one takes it
          }
        }
      }
    }
  }

  /// Runs statements outside a transaction (`incremental_vacuum`), under the write lock.
  package func writeWithoutTransaction<Result>(
    _ file: StoreFile, _ body: (Database) throws -> Result
  ) throws -> Result {
    let writer = try writer(file)
    return try withWriteLock {
      try RegistryError.translating(file) { try writer.writeWithoutTransaction(body) }
    }
  }

  /// Copies one file as it is now, compacted, to a path that does not exist; see `Interruption`.
  package func copy(_ file: StoreFile, to path: String) throws {
    try RegistryError.translating(file) {
      try reader(file).unsafeRead { db in
        let instructions: Int32 = 10_000
        sqlite3_progress_handler(
          db.sqliteConnection, instructions, { _ in Interruption.first == nil ? 0 : 1 }, nil)
        defer { sqlite3_progress_handler(db.sqliteConnection, 0, nil, nil) }
        do {
          try db.execute(sql: "VACUUM INTO ?", arguments: [path])
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
          throw RegistryError(
            .corrupt, "\(file.fileName) is damaged: \(error.message ?? "a row breaks its table")",
            hint: "registry verify --full, then restore a backup")
        }
      }
    }
  }

  /// The size of one file with its write-ahead log, in bytes.
  package func sizeBytes(_ file: StoreFile) -> Int64 {
    let path = Self.path(of: file, in: folder)
    return [path, path + "-wal"].reduce(0) { sum, path in
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      return sum + ((attributes?[.size] as? NSNumber)?.int64Value ?? 0)
    }
  }

  /// Closes both files, each with its write-ahead log moved into it; a store that is only released
  /// closes them outside the lock.
  package func close() throws {
    func closeBoth() throws {
      try catalog.close()
      try weights.close()
    }
    guard let writeLock else { return try closeBoth() }
    try writeLock.withLock {
      // What is committed is safe in the log too: a full disk here is no failure of the command.
      for file in StoreFile.allCases where hasLog(file) { try? checkpoint(file) }
      try closeBoth()
    }
  }

  private func hasLog(_ file: StoreFile) -> Bool {
    var status = stat()
    let path = Self.path(of: file, in: folder) + "-wal"
    return lstat(path, &status) == 0 && status.st_size > 0
  }

  private var readOnlyError: RegistryError {
    RegistryError(.denied, "this store is open for reading only")
  }

  private func reader(_ file: StoreFile) -> any DatabaseReader {
    switch file {
    case .catalog: catalog
    case .weights: weights
    }
  }

  private func writer(_ file: StoreFile) throws(RegistryError) -> any DatabaseWriter {
    guard access == .write, let writer = reader(file) as? any DatabaseWriter else {
      throw readOnlyError
    }
    return writer
  }

  static func path(of file: StoreFile, in folder: URL) -> String {
    folder.appending(path: file.fileName).path
  }
}

extension Store {
  /// Opens the store in a folder.
  ///
  /// - Parameters:
  ///   - folder: The `.registry` folder; see `find`.
  ///   - access: Whether it may be changed.
  /// - Returns: The store; close it when done.
  /// - Throws: `notFound` without a store; `invalidInput` for a stranger's file; `unavailable` for a newer schema.
  package static func open(_ folder: URL, _ access: Access) throws -> Store {
    let folder = folder.resolvingSymlinksInPath().standardizedFileURL
    var id: [UInt8] = []
    var isOld = false
    for file in StoreFile.allCases {
      let found = try StoreHeader(file, in: folder)
      guard id.isEmpty || id == found.storeId else {
        throw RegistryError(
          .corrupt, "\(file.fileName) belongs to another store than the catalog",
          hint: "restore both files from one backup")
      }
      id = found.storeId
      isOld = isOld || found.schemaNumber < file.schemaNumber
    }
    if access == .read && !isOld { return try openForReading(folder, id: id.hex) }
    let store = try openForWriting(folder, id: id.hex)
    guard access == .read else { return store }
    try store.close()
    return try openForReading(folder, id: id.hex)
  }

  private static func openForReading(_ folder: URL, id: String) throws -> Store {
    func queue(_ file: StoreFile) throws -> DatabaseQueue {
      try RegistryError.translating(file) {
        try DatabaseQueue(
          path: path(of: file, in: folder), configuration: file.configuration(readonly: true))
      }
    }
    return Store(
      folder: folder, id: id, access: .read, catalog: try queue(.catalog),
      weights: try queue(.weights), writeLock: nil, contentLock: try lockForReading(folder))
  }

  /// The lock on content; nil where it is missing and the folder may not be written.
  private static func lockForReading(_ folder: URL) throws(RegistryError) -> ContentLock? {
    do {
      return try ContentLock.shared(folder: folder.path)
    } catch  where error.kind == .denied {
      return nil
    }
  }

  private static func openForWriting(_ folder: URL, id: String) throws -> Store {
    let lock = try WriteLock.shared(path: folder.appending(path: "lock").path)
    return try lock.withLock {
      func pool(_ file: StoreFile) throws -> DatabasePool {
        try RegistryError.translating(file) {
          let pool = try DatabasePool(
            path: path(of: file, in: folder), configuration: file.configuration(readonly: false))
          try makeDurable(pool)
          try file.migrate(pool)
          return pool
        }
      }
      return Store(
        folder: folder, id: id, access: .write, catalog: try pool(.catalog),
        weights: try pool(.weights), writeLock: lock,
        contentLock: try ContentLock.shared(folder: folder.path))
    }
  }

  /// Sets `synchronous` to FULL where GRDB's pool has set NORMAL, and reads it back.
  private static func makeDurable(_ pool: DatabasePool) throws {
    try pool.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA synchronous = FULL")
      guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
        throw RegistryError(.unavailable, "SQLite does not take synchronous = FULL")
      }
    }
  }
}

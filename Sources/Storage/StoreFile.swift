import CSystem
import Foundation
import GRDB
import Schema

/// The two SQLite files of a store.
package enum StoreFile: Sendable, CaseIterable {
  /// Models, versions, experiments, runs, points, events.
  case catalog
  /// Blobs and their chunks.
  case weights

  /// The name inside the store's folder.
  package var fileName: String {
    switch self {
    case .catalog: "catalog.sqlite"
    case .weights: "weights.sqlite"
    }
  }

  /// Marks the file as ours (`PRAGMA application_id`): "rgsC" and "rgsW".
  var applicationId: Int32 {
    switch self {
    case .catalog: 0x7267_7343
    case .weights: 0x7267_7357
    }
  }

  /// Larger pages serve the packs; small ones the rows of the catalog.
  private var pageSizeBytes: Int {
    switch self {
    case .catalog: 4096
    case .weights: 16384
    }
  }

  /// Packs are read once and in large pieces, and a larger cache of them only costs memory.
  private var cacheSizeKiB: Int {
    switch self {
    case .catalog: 16384
    case .weights: 2048
    }
  }

  var migrations: [Schema.Migration] {
    switch self {
    case .catalog: Schema.catalog
    case .weights: Schema.weights
    }
  }

  /// The newest schema number that this program knows.
  var schemaNumber: Int32 { migrations.last?.number ?? 0 }

  /// The settings that every connection gets; none of them writes to the file.
  ///
  /// Debian's SQLite overwrites what is deleted unless told otherwise, which would make gc write
  /// all that it frees.
  func configuration(readonly: Bool) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = readonly
    configuration.busyMode = .timeout(30)
    configuration.label = fileName
    configuration.prepareDatabase { db in
      try db.execute(
        sql: """
          PRAGMA trusted_schema = OFF;
          PRAGMA cell_size_check = ON;
          PRAGMA mmap_size = 0;
          PRAGMA temp_store = MEMORY;
          PRAGMA secure_delete = OFF;
          PRAGMA cache_size = -\(cacheSizeKiB);
          PRAGMA journal_size_limit = 67108864;
          """)
      guard let connection = db.sqliteConnection else { return }
      _ = csystem_sqlite_defensive(connection)
      if !readonly { _ = csystem_sqlite_persist_wal(connection) }
    }
    return configuration
  }

  /// Makes the file with its creation pragmas, its first row and all migrations.
  func create(at path: String, storeId: [UInt8]) throws {
    let queue = try DatabaseQueue(path: path, configuration: configuration(readonly: false))
    try queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          PRAGMA page_size = \(pageSizeBytes);
          PRAGMA auto_vacuum = INCREMENTAL;
          PRAGMA application_id = \(applicationId);
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = FULL;
          """)
    }
    try queue.write { db in
      try apply(from: 0, db)
      try db.execute(
        sql: "INSERT INTO storeInfo (id, storeId, createdAt) VALUES (1, ?, ?)",
        arguments: [Data(storeId), Timestamp.now])
    }
    try queue.close()
  }

  /// Runs the missing migrations, each in a transaction that also sets `user_version`.
  func migrate(_ writer: some DatabaseWriter) throws {
    try writer.write { db in
      try apply(from: try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0, db)
    }
  }

  private func apply(from number: Int32, _ db: Database) throws {
    for migration in migrations where migration.number > number {
      try db.execute(sql: migration.sql)
      try db.execute(sql: "PRAGMA user_version = \(migration.number)")
    }
  }
}

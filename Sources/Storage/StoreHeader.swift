import Foundation
import GRDB

/// What a file says of itself, read before anything is written to it.
struct StoreHeader {
  let storeId: [UInt8]
  let schemaNumber: Int32

  init(_ file: StoreFile, in folder: URL) throws {
    let path = Store.path(of: file, in: folder)
    guard FileManager.default.fileExists(atPath: path) else {
      throw RegistryError(
        .notFound, "no store in \(folder.path): \(file.fileName) is missing", hint: "registry init")
    }
    let stranger = RegistryError(.invalidInput, "\(path) is not a file of a registry store")
    guard let handle = FileHandle(forReadingAtPath: path),
      let start = try handle.read(upToCount: 16),
      start.elementsEqual("SQLite format 3\0".utf8)
    else { throw stranger }
    try handle.close()
    (storeId, schemaNumber) = try RegistryError.translating(file) {
      let queue = try DatabaseQueue(path: path, configuration: file.configuration(readonly: true))
      defer { try? queue.close() }
      return try queue.read { db in
        guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == file.applicationId else {
          throw stranger
        }
        let number = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard number <= file.schemaNumber else {
          throw RegistryError(
            .unavailable,
            "\(file.fileName) has schema \(number), newer than this program's \(file.schemaNumber)",
            hint: "update registry")
        }
        let id = try Data.fetchOne(db, sql: "SELECT storeId FROM storeInfo")
        return (Array(id ?? Data()), number)
      }
    }
  }
}

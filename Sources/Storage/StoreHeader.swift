import Foundation
import GRDB

/// What a file says of itself, read before anything is written to it.
struct StoreHeader {
  let storeId: [UInt8]
  let schemaNumber: Int32

  init(_ file: StoreFile, in folder: URL) throws {
    let path = Store.path(of: file, in: folder)
    let stranger = RegistryError(.invalidInput, "\(path) is not a file of a registry store")
    guard let start = try Self.start(of: file, in: folder),
      start.elementsEqual("SQLite format 3\0".utf8)
    else { throw stranger }
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
        guard number > 0, let id, id.count == 16 else {
          throw RegistryError(
            .corrupt, "\(file.fileName) does not say which store it belongs to",
            hint: "restore a backup")
        }
        return (Array(id), number)
      }
    }
  }

  /// The first 16 bytes; nil for what is no regular file.
  private static func start(of file: StoreFile, in folder: URL) throws(RegistryError) -> [UInt8]? {
    let path = Store.path(of: file, in: folder)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe must not block
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      switch errno {
      case ENOENT, ENOTDIR: throw missing(file, in: folder)
      case EACCES, EPERM: throw RegistryError(.denied, "\(path) cannot be read: \(reason)")
      default: throw RegistryError(.unavailable, "\(path) cannot be read: \(reason)")
      }
    }
    defer { _ = close(descriptor) }
    var start = [UInt8](repeating: 0, count: 16)
    return read(descriptor, &start, start.count) == start.count ? start : nil
  }

  /// Where the other file is, this one was lost, and a new store would hide that.
  private static func missing(_ file: StoreFile, in folder: URL) -> RegistryError {
    guard Store.isStore(folder) else {
      return RegistryError(.notFound, "no store in \(folder.path)", hint: "registry init")
    }
    return RegistryError(
      .corrupt, "\(file.fileName) is missing in \(folder.path)", hint: "restore a backup")
  }
}

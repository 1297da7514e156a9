import GRDB

extension RegistryError {
  /// Runs a body and turns what SQLite throws into our words; other errors pass.
  package static func translating<Result>(
    _ file: StoreFile, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw RegistryError(error, file) ?? error
    } catch is RowDecodingError {
      throw RegistryError(
        .corrupt, "\(file.fileName) is damaged: a row holds what its column cannot", hint: repair)
    }
  }

  private static let repair = "registry verify --full, then restore a backup"

  /// The error of ours that stands for SQLite's; nil when it is a defect of this program.
  private init?(_ error: DatabaseError, _ file: StoreFile) {
    let name = file.fileName
    switch error.resultCode {
    case .SQLITE_FULL:
      self.init(.unavailable, "the disk is full", hint: "free space, then repeat the command")
    case .SQLITE_IOERR:
      self.init(.unavailable, "the disk refused to read or write \(name): \(error.reason)")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      self.init(
        .unavailable, "the store is busy: another program holds \(name)", hint: "try again")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      self.init(.corrupt, "\(name) is damaged: \(error.reason)", hint: Self.repair)
    case .SQLITE_ERROR where error.tellsOfDamage:
      self.init(.corrupt, "\(name) is damaged: \(error.reason)", hint: Self.repair)
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      self.init(.denied, "\(name) cannot be written: \(error.reason)")
    case .SQLITE_CANTOPEN, .SQLITE_PROTOCOL, .SQLITE_INTERRUPT:
      self.init(.unavailable, "\(name) cannot be opened: \(error.reason)")
    case .SQLITE_NOMEM, .SQLITE_TOOBIG:
      self.init(.unavailable, "too large for SQLite: \(error.reason)")
    default:
      return nil
    }
  }
}

extension DatabaseError {
  fileprivate var reason: String { message ?? "code \(extendedResultCode.rawValue)" }

  /// SQLite has no code of its own for statements that a changed schema or changed rows make wrong.
  ///
  /// Our statements fit the schema that this program makes, so a name that is not there was lost.
  fileprivate var tellsOfDamage: Bool {
    ["no such ", "malformed database schema", "integer overflow", "unsupported file format"]
      .contains { reason.hasPrefix($0) }
  }
}

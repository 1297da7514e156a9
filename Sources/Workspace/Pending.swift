import Catalog
import Foundation
import GRDB
import Storage

enum Reference {
  static func version(_ text: String, _ db: Database) throws -> Version {
    let parts = text.split(separator: ":")
    return try Model.get(String(parts[0]), db).getVersion(Int64(parts[1]) ?? 0, db)
  }
}
enum VersionExport {
  static func cachedFolder(_ version: Version, _ store: Store) throws -> URL { store.folder }
}

import Catalog
import Foundation
import Storage

enum VersionExport {
  static func cachedFolder(_ version: Version, _ store: Store) throws -> URL { store.folder }
}

import Catalog
import GRDB
import Storage
import Support
import Testing

/// A digest that stands for content; the catalog never looks at the bytes.
func digest(_ text: String) -> Digest { Digest(of: Array(text.utf8)) }

extension VersionFile {
  /// A file whose content is its path.
  init(_ path: String) {
    self.init(path: path, digest: CatalogTests.digest(path), sizeBytes: Int64(path.utf8.count))
  }
}

extension Model {
  /// Adds a version with one file.
  @discardableResult
  func addVersion(
    file path: String = "model.safetensors", parents: [Version.Parent] = [], _ db: Database
  ) throws -> Version {
    try Version.add(.init(files: [VersionFile(path)], parents: parents), to: self, db)
  }
}

/// The kind of the error that a body throws; nil if it throws none of ours.
func kind(_ body: () throws -> Void) -> RegistryError.Kind? {
  do {
    try body()
    return nil
  } catch {
    return (error as? RegistryError)?.kind
  }
}

/// Runs a body in a transaction of a fresh store with one model.
func withModel<Result>(_ body: (Model, Database) throws -> Result) throws -> Result {
  try withTemporaryStore { store in
    try store.write { db in try body(try Model.add("sections", db), db) }
  }
}

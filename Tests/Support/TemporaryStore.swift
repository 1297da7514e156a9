package import Foundation
package import Storage

/// Runs a body in a fresh folder that is removed afterwards.
package func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "registry-test-\([UInt8].random(count: 8).hex)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// Runs a body with a fresh store, open for writing, in a folder that is removed afterwards.
package func withTemporaryStore<Result>(_ body: (Store) throws -> Result) throws -> Result {
  try withTemporaryFolder { folder in
    let store = try Store.open(try Store.create(in: folder).folder, .write)
    defer { try? store.close() }
    return try body(store)
  }
}

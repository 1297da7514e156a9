package import Foundation

extension Store {
  /// The name of a store's folder.
  package static let folderName = ".registry"

  /// Finds the store as git finds its folder: named, from the environment, or upward from a folder.
  ///
  /// - Parameters:
  ///   - start: Where to look from.
  ///   - named: `--store`: the `.registry` folder or one that contains it.
  ///   - environment: `REGISTRY_STORE` counts when nothing is named.
  /// - Returns: The `.registry` folder.
  /// - Throws: `notFound` with the places looked at.
  package static func find(
    from start: URL, named: String?, environment: [String: String]
  ) throws(RegistryError) -> URL {
    if let path = named ?? environment["REGISTRY_STORE"], !path.isEmpty {
      // Without the hint a relative path would count from the folder above.
      let here = URL(filePath: start.path, directoryHint: .isDirectory)
      let folder = URL(filePath: path, relativeTo: here)
      for candidate in [folder, folder.appending(path: folderName)] where isStore(candidate) {
        return candidate
      }
      throw RegistryError(
        .notFound, "no store in \(path)", hint: "registry init --store \(path)")
    }
    var folder = start.standardizedFileURL
    while true {
      let candidate = folder.appending(path: folderName)
      if isStore(candidate) { return candidate }
      let parent = folder.deletingLastPathComponent()
      guard parent.path != folder.path else { break }
      folder = parent
    }
    throw RegistryError(
      .notFound, "no \(folderName) folder in \(start.path) or above it", hint: "registry init")
  }

  /// Whether a folder is called a store by one of its files, whatever that is.
  static func isStore(_ folder: URL) -> Bool {
    StoreFile.allCases.contains {
      FileManager.default.fileExists(atPath: path(of: $0, in: folder))
    }
  }

  /// What `create` finds in place of nothing; throws unless it is a store that this program knows.
  private static func existing(_ folder: URL) throws -> (folder: URL, isNew: Bool) {
    for file in StoreFile.allCases { _ = try StoreHeader(file, in: folder) }
    return (folder, false)
  }

  /// Makes a new store, complete or not at all: it is made aside and renamed.
  ///
  /// - Parameter place: The folder that will contain `.registry`, or a path that ends in `.registry`.
  /// - Returns: The store's folder, and whether it was made now; false when it was there before.
  /// - Throws: `invalidInput` when something else has the name; `corrupt` when half a store has;
  ///   `unavailable` when the disk refuses.
  package static func create(in place: URL) throws -> (folder: URL, isNew: Bool) {
    let folder = place.lastPathComponent == folderName ? place : place.appending(path: folderName)
    if isStore(folder) { return try existing(folder) }
    let parent = folder.deletingLastPathComponent()
    let aside = parent.appending(path: "\(folderName).new-\([UInt8].random(count: 6).hex)")
    do {
      try FileManager.default.createDirectory(at: aside, withIntermediateDirectories: true)
      try Data("*\n".utf8).write(to: aside.appending(path: ".gitignore"))
    } catch {
      throw RegistryError(.unavailable, "\(parent.path) cannot be written")
    }
    do {
      let id = [UInt8].random(count: 16)
      for file in StoreFile.allCases {
        try RegistryError.translating(file) {
          try file.create(at: path(of: file, in: aside), storeId: id)
        }
      }
      // Who may only read could not make them later.
      for name in ["lock", "gc.lock", "gc.intent"] {
        _ = try FileLock(path: aside.appending(path: name).path)
      }
      if rename(aside.path, folder.path) == 0 { return (folder, true) }
      try? FileManager.default.removeItem(at: aside)
      if isStore(folder) { return try existing(folder) }
      throw RegistryError(.invalidInput, "\(folder.path) is there and is not a store")
    } catch {
      try? FileManager.default.removeItem(at: aside)
      throw error
    }
  }
}

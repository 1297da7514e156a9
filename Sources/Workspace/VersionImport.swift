package import Catalog
package import Foundation
import GRDB
package import Storage
import Weights

/// What importing a folder or file as a version did.
package struct VersionImport: Sendable {
  /// The new version.
  package let version: Version
  /// Its files.
  package let files: [VersionFile]
  /// Whether its model was made now.
  package let isNewModel: Bool
  /// The bytes that the store grew by: records of content that was not here.
  package let storedBytes: Int64
  /// An older version with exactly the same files.
  package let sameAs: Version?

  /// How far an import or export is.
  package struct Progress: Sendable {
    /// The file in work.
    package let path: String
    /// The bytes of all files that are done.
    package let doneBytes: Int64
    /// The bytes of all files.
    package let totalBytes: Int64
  }

  /// What a version to come says of itself beside its files; references are resolved before the import.
  package struct Request: Sendable {
    /// The model; nil takes the folder's name.
    package var model: String?
    /// The parents, the first parent first.
    package var parents: [(reference: Reference, relation: Parentage.Relation)] = []
    /// Metrics that come with it.
    package var metrics: [VersionMetric] = []
    /// What people say of it.
    package var note: String?

    /// Asks for nothing beside the files.
    package init() {}
  }

  /// Imports a folder or file as the first version of a new model.
  ///
  /// - Parameters:
  ///   - source: A folder or a file.
  ///   - request: The name and the note; a base has no parents.
  ///   - store: An open store.
  ///   - progress: Called as bytes are done.
  /// - Returns: What was made; when it fails, nothing is named.
  /// - Throws: `conflict` when the model exists; `invalidInput` for bad files, an empty folder or a bad name.
  package static func addBase(
    _ source: URL, _ request: Request = Request(), to store: Store,
    progress: (Progress) -> Void = { _ in }
  ) throws -> VersionImport {
    let name = try request.model ?? defaultName(of: source)
    try checkNewName(name, isGiven: request.model != nil)
    func checkAbsent(_ db: Database) throws {
      guard try Model.find(name, db) != nil else { return }
      throw RegistryError(
        .conflict, "a model named '\(name)' already exists",
        hint: "registry version add \(name) \(source.relativePath)")
    }
    try store.read { try checkAbsent($0) }
    return try add(source, request, to: store, progress) { db in
      try checkAbsent(db)
      return (try Model.add(name, db), true)
    }
  }

  /// Imports a folder or file as the next version of a model, which is made where it does not exist.
  ///
  /// - Parameters:
  ///   - source: A folder or a file.
  ///   - request: The model, parents, metrics and note.
  ///   - store: An open store.
  ///   - progress: Called as bytes are done.
  /// - Returns: What was made; when it fails, nothing is named.
  /// - Throws: `invalidInput` for bad files, an empty folder, a bad name or parent; `notFound`, `ambiguous` for a parent.
  package static func addVersion(
    _ source: URL, _ request: Request, to store: Store, progress: (Progress) -> Void = { _ in }
  ) throws -> VersionImport {
    let name = try request.model ?? defaultName(of: source)
    let isThere = try store.read { try Model.find(name, $0) != nil }
    if !isThere { try checkNewName(name, isGiven: request.model != nil) }
    return try add(source, request, to: store, progress) { db in
      if let model = try Model.find(name, db) { return (model, false) }
      return (try Model.add(name, db), true)
    }
  }

  private static func add(
    _ source: URL, _ request: Request, to store: Store, _ progress: (Progress) -> Void,
    _ model: (Database) throws -> (Model, isNew: Bool)
  ) throws -> VersionImport {
    try store.withContent {
      let parents = try store.read { db in
        try request.parents.map { (try $0.reference.version(db), $0.relation) }
      }
      let found = try FolderFile.list(source)
      let content = try ImportedFiles.add(
        found, parents: parents.map(\.0), to: store, progress: progress)
      return try store.write { db in
        let (model, isNew) = try model(db)
        let same = try Version.list(withFiles: content.files, db).first
        let version = try Version.add(
          Version.Content(
            files: content.files, parents: parents.map { .init($0.0.id, $0.1) },
            metrics: request.metrics, source: source.standardizedFileURL.path, note: request.note),
          to: model, db)
        return VersionImport(
          version: version, files: content.files, isNewModel: isNew,
          storedBytes: content.storedBytes, sameAs: same)
      }
    }
  }

  /// The name of a folder, of a file without its extension, or of the repository in Hugging Face's cache.
  private static func defaultName(of source: URL) throws(RegistryError) -> String {
    let source = source.standardizedFileURL.resolvingSymlinksInPath()
    let repository = source.deletingLastPathComponent().deletingLastPathComponent()
      .lastPathComponent
    if repository.hasPrefix("models--") {
      return String(repository.dropFirst("models--".count)).replacing("--", with: "/")
    }
    let isFile = FileStatus(following: source.path)?.kind == .file
    return (isFile ? source.deletingPathExtension() : source).lastPathComponent
  }

  private static func checkNewName(_ name: String, isGiven: Bool) throws(RegistryError) {
    do {
      try Name.checkNew(name, noun: "model")
    } catch {
      throw RegistryError(error.kind, error.message, hint: isGiven ? error.hint : "--name NAME")
    }
  }
}

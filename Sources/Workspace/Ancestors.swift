import Catalog
import GRDB
import Storage

/// The files of parents and of what they came from: what a new version may be a difference to.
struct Ancestors {
  /// The parents' files.
  let parentFiles: [VersionFile]
  /// The blobs of all files, the nearest first, each once.
  let blobs: [Digest]

  /// Older versions than great-grandparents are bases through their descendants only.
  private static let generationCount = 3

  /// Reads parents and what they came from.
  init(_ parents: [Version], _ db: Database) throws {
    var versions: [Version] = []
    var generation = parents
    for _ in 0..<Self.generationCount {
      versions += generation.filter { !versions.contains($0) }
      generation = try generation.flatMap { version in
        try version.parents(db).compactMap { try Version.find(id: $0.parentVersionId, db) }
      }
    }
    parentFiles = try parents.flatMap { try $0.files(db) }
    var seen: Set<Digest> = []
    blobs = try versions.flatMap { try $0.files(db) }.map(\.digest)
      .filter { seen.insert($0).inserted }
  }

  /// The blobs of the parents' files at a path.
  func blobs(at path: String) -> [Digest] {
    parentFiles.filter { $0.path.utf8.elementsEqual(path.utf8) }.map(\.digest)
  }
}

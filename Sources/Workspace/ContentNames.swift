import Catalog
import GRDB
import Storage
import Tracking

/// What people call content: the files of versions and of runs that have it.
struct ContentNames {
  private let store: Store
  private var known: [Digest: [String]] = [:]

  init(_ store: Store) {
    self.store = store
  }

  /// The references of all files with this content, versions first; its digest where none is left.
  mutating func names(of digest: Digest) -> [String] {
    if let names = known[digest] { return names }
    // A damaged catalog is told of elsewhere.
    let found = (try? store.read { try Self.find(digest, $0) }) ?? []
    let names = found.isEmpty ? ["sha256:\(digest.hex)"] : found
    known[digest] = names
    return names
  }

  private static func find(_ digest: Digest, _ db: Database) throws -> [String] {
    let ofVersions = try Version.list(containing: digest, db).flatMap { version in
      try version.files(db).filter { $0.digest == digest }
        .map { "\(version.reference)//\($0.path)" }
    }
    let ofRuns = try Row.fetchAll(
      db,
      sql: """
        SELECT lower(hex(run.uuid)) AS run, path FROM runArtifact JOIN run ON run.id = runId
        WHERE contentBlobDigest = ?1
        UNION ALL
        SELECT lower(hex(run.uuid)), NULL FROM runSource JOIN run ON run.id = runId
        WHERE outputBlobDigest = ?1
        """, arguments: [digest]
    ).map { row in
      let run: String = try row.value("run")
      let path: String? = try row.value("path")
      return path.map { "runs:/\(run)/\($0)" } ?? "the output of run \(run)"
    }
    return ofVersions + ofRuns
  }
}

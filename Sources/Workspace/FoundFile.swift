package import Catalog
import GRDB
import Storage
import Tracking

/// A file that a reference means.
package struct FoundFile: Sendable {
  /// What has it, as a reference: `sections:2`, or `runs:/7f3a…` for a file that stayed with a run.
  package let holder: String
  /// The file.
  package let file: VersionFile

  init(_ file: VersionFile, of version: Version) {
    self.file = file
    holder = version.reference
  }

  init(_ artifact: Artifact, of run: Run) {
    file = VersionFile(artifact)
    holder = "runs:/\(run.id.hex)"
  }
}

extension ReferenceLookup {
  /// The file of a version with exactly this path.
  func file(_ path: String, of version: Version) throws -> FoundFile {
    do {
      return FoundFile(try version.file(path, db), of: version)
    } catch let error as RegistryError where error.kind == .notFound {
      let hint = Nearest.hint(
        to: path, in: try version.files(db).map(\.path), else: error.hint ?? "")
      throw RegistryError(.notFound, error.message, hint: hint)
    }
  }

  /// The file of the version that a run made with exactly this path, else one that stayed with it.
  func file(_ path: String, of run: Run) throws -> FoundFile {
    let version = try findOutput(of: run)
    let files = try version?.files(db) ?? []
    if let version, let file = files.first(where: { $0.path.utf8.elementsEqual(path.utf8) }) {
      return FoundFile(file, of: version)
    }
    let artifacts = try run.artifacts(db)
    if let artifact = artifacts.first(where: { $0.path.utf8.elementsEqual(path.utf8) }) {
      return FoundFile(artifact, of: run)
    }
    throw RegistryError(
      .notFound, "run \(run.id.short) \(run.name) left no file '\(path)'",
      hint: Nearest.hint(
        to: path, in: files.map(\.path) + artifacts.map(\.path),
        else: "registry run show \(run.id.short)"))
  }

  /// A file whose digest starts with these digits: of the oldest version, else of the oldest run.
  func file(containing digits: String) throws -> FoundFile {
    let digest = try digest(
      digits,
      among: Version.fileDigests(startingWith: digits, limit: 6, db)
        + Artifact.digests(startingWith: digits, limit: 6, db))
    if let version = try Version.list(containing: digest, db).first,
      let file = try version.files(db).first(where: { $0.digest == digest })
    {
      return FoundFile(file, of: version)
    }
    guard let run = try Run.find(artifact: digest, db),
      let artifact = try run.artifacts(db).first(where: { $0.digest == digest })
    else { throw RegistryError(.notFound, "no file has the content sha256:\(digits)") }
    return FoundFile(artifact, of: run)
  }
}

import Catalog
package import Storage
package import Weights

/// The tensors of what a reference means: of all files of a version, or of one file.
package struct FoundTensors: Sendable {
  /// What has them, as a reference: `sections:2`, `sections:2//model.safetensors`.
  package let holder: String
  /// The tensors, file by file in file order.
  package let tensors: [FileTensor]

  /// Looks up a version or a file, and lists its tensors.
  ///
  /// - Parameters:
  ///   - reference: A version; or one file of it or of a run.
  ///   - store: An open store; the caller holds `withContent`.
  /// - Throws: `notFound`, `ambiguous`; `corrupt`.
  package init(_ reference: Reference, _ store: Store) throws {
    let files: [VersionFile]
    if reference.namesFile {
      let found = try store.read { try reference.file($0) }
      holder = "\(found.holder)\(found.holder.hasPrefix("runs:/") ? "/" : "//")\(found.file.path)"
      files = [found.file]
    } else {
      let version = try store.read { try reference.version($0) }
      holder = version.reference
      files = try store.read { try version.files($0) }
    }
    tensors = try store.read(.weights) { db in
      try files.flatMap { try FileTensor.list(path: $0.path, $0.digest, db) }
    }
  }

  /// The one tensor that a name means, with and without prefixes that libraries put before it.
  ///
  /// - Parameter name: As a person spells it.
  /// - Returns: The tensor and its file.
  /// - Throws: `notFound` with what is called nearly so; `ambiguous` with the files that have it.
  package func tensor(named name: String) throws(RegistryError) -> FileTensor {
    let found = FileTensor.named(name, in: tensors)
    guard let first = found.first else {
      guard !tensors.isEmpty else {
        throw RegistryError(.notFound, "\(holder) has no tensors")
      }
      throw RegistryError(
        .notFound, "\(holder) has no tensor '\(name.excerpt)'",
        hint: Nearest.hint(
          to: name, in: tensors.map(\.tensor.name), else: "registry tensor ls \(holder)"))
    }
    guard found.count == 1 else {
      let isByPath = Set(found.map(\.path)).count == found.count
      throw RegistryError(
        .ambiguous, "'\(name.excerpt)' means \(found.count) tensors of \(holder)",
        hint: "one of: "
          + found.prefix(5).map { isByPath ? "\(holder)//\($0.path)" : $0.tensor.name }
          .joined(separator: ", "))
    }
    return first
  }
}

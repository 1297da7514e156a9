// The room of what spans models, runs and content: references, forks, imports and exports of
// versions, lineage and upkeep. It has no table: each verb composes those of the rooms below in one
// transaction.

package import Storage

/// What a person or a client types to mean a version, a run or a file.
///
/// Forms: `name`, `name:3`, `name:v3`, `name:latest`, `name@alias`, `name@alias~n`, a run's name or id prefix,
/// `TASK/run`, `TASK/best`, `TASK/last~n`, `best`, `last`, `sha256:…`, `models:/…`, `runs:/…`; a version may be
/// followed by `^` or `^n` for its parents, anything but a digest by `//path` for a file.
package struct Reference: Sendable, Equatable {
  /// As it was typed.
  package let text: String
  /// What it starts from.
  package let subject: Subject
  /// Which parent to go to, one after the other, from 1.
  package let parents: [Int64]
  /// The file inside the version; nil for the version itself.
  package let path: String?

  /// What a reference starts from.
  package enum Subject: Sendable, Equatable {
    /// A model, a run or an id's prefix, by what is wanted.
    case name(String)
    /// A model by name; its newest version.
    case model(String)
    case version(model: String, number: Int64)
    case alias(model: String, name: String, back: Int64)
    /// The best run of a task; nil: of the only task.
    case best(task: String?)
    /// The last run of a task or the n-th before it; nil: of the only task.
    case last(task: String?, back: Int64)
    /// A run by 32 hex digits or a prefix, never by name.
    case run(String)
    /// Content by 6 to 64 hex digits of its SHA-256.
    case content(String)
  }

  /// Reads a reference; nothing is looked up.
  ///
  /// - Parameter text: As it was typed.
  /// - Throws: `invalidInput` for a text that cannot be a reference.
  package init(_ text: String) throws(RegistryError) {
    guard !text.utf8.isEmpty else { throw RegistryError(.invalidInput, "a reference is empty") }
    guard text.utf8.count <= 2048 else {
      throw RegistryError(.invalidInput, "a reference is longer than 2048 bytes")
    }
    self.text = text
    (subject, parents, path) = try ReferenceParser(text: text).parse()
  }
}

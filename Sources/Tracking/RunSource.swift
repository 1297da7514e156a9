import Foundation
package import GRDB
package import Storage

/// Where a run came from and what it left: the large facts that lists do not read.
package struct RunSource: Sendable, Equatable {
  /// The exact argv; empty for a run without a command.
  package var command: [String] = []
  /// The working tree's commit.
  package var gitCommit: String?
  /// What the working tree had changed since; nil when clean.
  package var gitDiff: [UInt8]?
  /// Files that were in no commit and not ignored; nil when nobody looked.
  package var untrackedCount: Int?
  /// What was said of the GPUs, a JSON array.
  package var gpu: JSON?
  /// Globs of the tensors declared frozen.
  package var freeze: [String] = []
  /// The rule by which the output was read.
  package var scrapeRule: String?
  /// The child's complete output, a blob of Weights.
  package var outputBlobDigest: Digest?

  /// Starts with nothing known.
  package init() {}

  /// Reads a run's source.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - db: An open read of the catalog.
  /// - Returns: The source; nothing known where none was stored.
  /// - Throws: `corrupt` for a damaged diff or JSON.
  package static func get(_ run: Run, _ db: Database) throws -> RunSource {
    let row = try Row.fetchOne(
      db, sql: "SELECT * FROM runSource WHERE runId = ?", arguments: [run.row])
    var source = RunSource()
    guard let row else { return source }
    source.command = try strings(row["command"])
    source.gitCommit = row["gitCommit"]
    source.gitDiff = try (row["gitDiff"] as Data?).map {
      try Inflate.bytes(Array($0), sizeMax: diffBytesMax)
    }
    source.untrackedCount = row["untrackedCount"]
    source.gpu = try (row["gpu"] as String?).map { try JSON.parse(Array($0.utf8)) }
    source.freeze = try strings(row["freeze"])
    source.scrapeRule = row["scrapeRule"]
    source.outputBlobDigest = row["outputBlobDigest"]
    return source
  }

  /// Stores the source of a run, in place of what was stored before.
  ///
  /// - Parameters:
  ///   - run: The run.
  ///   - db: An open write transaction of the catalog.
  /// - Throws: `invalidInput` for a diff over 64 MiB; SQLite's errors.
  package func put(_ run: Run, _ db: Database) throws {
    guard gitDiff?.count ?? 0 <= Self.diffBytesMax else {
      throw RegistryError(.invalidInput, "the working tree's diff is larger than 64 MiB")
    }
    try db.execute(
      sql: """
        INSERT OR REPLACE INTO runSource
          (runId, command, gitCommit, gitDiff, untrackedCount, gpu, freeze, scrapeRule,
            outputBlobDigest)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        run.row, Self.text(command), gitCommit, try gitDiff.map { Data(try Deflate.bytes($0)) },
        untrackedCount, gpu?.text(), Self.text(freeze), scrapeRule, outputBlobDigest,
      ])
  }

  /// A longer diff is a mistake: generated files under version control.
  package static let diffBytesMax = 64 << 20

  private static func text(_ strings: [String]) -> String? {
    strings.isEmpty ? nil : JSON.array(strings.map(JSON.string)).text()
  }

  private static func strings(_ text: String?) throws -> [String] {
    guard let text else { return [] }
    return (try JSON.parse(Array(text.utf8)).array ?? []).compactMap(\.string)
  }
}

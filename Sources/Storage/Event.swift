import Foundation
package import GRDB

/// One entry of the append-only log of everything that changed; each is chained to the one before by hash.
package struct Event: Sendable {
  /// 1, 2, 3 … without gaps.
  package let sequence: Int64
  /// When, for people.
  package let time: Timestamp
  /// Who.
  package let actor: String
  /// What happened, as noun.verb: `alias.move`.
  package let kind: String
  /// What it happened to, as a reference: `sections:2`.
  package let subject: String
  /// The facts, a JSON object.
  package let detail: String
  /// SHA-256 of the previous entry's hash and this entry.
  package let hash: Digest

  /// Appends an entry in the caller's transaction.
  ///
  /// - Parameters:
  ///   - kind: What happened, as noun.verb.
  ///   - subject: What it happened to, as a reference.
  ///   - detail: The facts, an object.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The entry.
  /// - Throws: SQLite's errors.
  @discardableResult
  package static func append(
    _ kind: String, _ subject: String, _ detail: JSON, _ db: Database
  ) throws -> Event {
    let last = try Row.fetchOne(db, sql: "SELECT * FROM event ORDER BY sequence DESC LIMIT 1")
      .map(Event.init(row:))
    let event = Event(
      sequence: (last?.sequence ?? 0) + 1, time: .now, actor: NSUserName(), kind: kind,
      subject: subject, detail: detail.text(canonical: true), previous: last?.hash)
    try db.execute(
      sql: """
        INSERT INTO event (sequence, time, actor, kind, subject, detail, hash)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        event.sequence, event.time, event.actor, event.kind, event.subject, event.detail,
        event.hash,
      ])
    return event
  }

  /// Reads entries in order.
  ///
  /// - Parameters:
  ///   - subject: Only those about this reference; nil for all.
  ///   - kinds: Only these kinds; empty for all.
  ///   - limit: At most so many, the latest.
  ///   - db: An open read of the catalog.
  /// - Returns: The entries, oldest first.
  /// - Throws: SQLite's errors.
  package static func list(
    subject: String? = nil, kinds: [String] = [], limit: Int = .max, _ db: Database
  ) throws -> [Event] {
    let marks = databaseQuestionMarks(count: kinds.count)
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM event
        WHERE (?1 IS NULL OR subject = ?1) \(kinds.isEmpty ? "" : "AND kind IN (\(marks))")
        ORDER BY sequence DESC LIMIT \(limit)
        """,
      arguments: StatementArguments([subject] + kinds))
    return try rows.reversed().map(Event.init(row:))
  }

  /// Walks the whole chain and returns the entries whose hash or number is not what it must be.
  package static func faults(_ db: Database) throws -> [Int64] {
    var faults: [Int64] = []
    var previous: Digest?
    var expected: Int64 = 1
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM event ORDER BY sequence")
    while let row = try rows.next() {
      let event = try Event(row: row)
      if event.sequence != expected || event.hash != event.computedHash(previous: previous) {
        faults.append(event.sequence)
      }
      previous = event.hash
      expected = event.sequence + 1
    }
    return faults
  }

  private init(
    sequence: Int64, time: Timestamp, actor: String, kind: String, subject: String,
    detail: String, previous: Digest?
  ) {
    self.sequence = sequence
    self.time = time
    self.actor = actor
    self.kind = kind
    self.subject = subject
    self.detail = detail
    hash = Self.hash(previous, sequence, time, [actor, kind, subject, detail])
  }

  private init(row: Row) throws(RegistryError) {
    sequence = try row.value("sequence")
    time = try row.value("time")
    actor = try row.value("actor")
    kind = try row.value("kind")
    subject = try row.value("subject")
    detail = try row.value("detail")
    hash = try row.value("hash")
    // The next one's number must exist too.
    guard (1..<Int64.max).contains(sequence) else {
      throw RegistryError(.corrupt, "an event has the impossible number \(sequence)")
    }
  }

  private func computedHash(previous: Digest?) -> Digest {
    Self.hash(previous, sequence, time, [actor, kind, subject, detail])
  }

  /// Hashes previous (32 bytes, zero for the first), sequence and time (8 bytes, little-endian), then each text with its length.
  private static func hash(
    _ previous: Digest?, _ sequence: Int64, _ time: Timestamp, _ texts: [String]
  ) -> Digest {
    func bytes(_ number: Int64) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
    var content = previous?.bytes ?? [UInt8](repeating: 0, count: 32)
    content += bytes(sequence) + bytes(time.milliseconds)
    for text in texts {
      content += bytes(Int64(text.utf8.count)) + Array(text.utf8)
    }
    return Digest(of: content)
  }
}

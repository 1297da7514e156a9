package import GRDB
import Storage

/// What a run was started with: a key and a text that never change.
package struct Parameter: Sendable, Equatable {
  /// The key: `lr`.
  package let key: String
  /// The value as given: `3e-5`.
  package let value: String

  /// Makes a parameter.
  package init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }

  /// The value as a number where it is a decimal one or an infinity; it is what filters compare.
  package var number: Double? { Self.number(value) }

  static func number(_ text: String) -> Double? {
    let isDecimal = text.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 43, 45, 46, 69, 101: true  // digits + - . E e
      default: false
      }
    }
    let isInfinite = ["inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"]
      .contains(text.lowercased())
    return isDecimal || isInfinite ? Double(text) : nil
  }
}

extension Run {
  /// Logs parameters; the same value again changes nothing.
  ///
  /// - Parameters:
  ///   - parameters: Keys and values.
  ///   - db: An open write transaction of the catalog.
  /// - Throws: `invalidInput` when a key has another value already; `refused` for a deleted run.
  package func logParameters(_ parameters: [Parameter], _ db: Database) throws {
    try checkActive(db)
    let find = try db.cachedStatement(
      sql: "SELECT value FROM parameter WHERE runId = ? AND keyNameId = ?")
    let add = try db.cachedStatement(
      sql: "INSERT INTO parameter (runId, keyNameId, value, number) VALUES (?, ?, ?, ?)")
    for parameter in parameters {
      let keyId = try KeyName.put(parameter.key, noun: "parameter", db)
      if let stored = try String.fetchOne(find, arguments: [row, keyId]) {
        guard stored.utf8.elementsEqual(parameter.value.utf8) else {
          throw RegistryError(
            .invalidInput,
            "parameter '\(parameter.key)' of run \(id.short) is '\(stored)' "
              + "and cannot become '\(parameter.value)'",
            hint: "start another run")
        }
        continue
      }
      try add.execute(arguments: [row, keyId, parameter.value, parameter.number])
    }
  }

  /// The run's parameters, by key.
  package func parameters(_ db: Database) throws -> [Parameter] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT name, value FROM parameter JOIN keyName ON keyName.id = keyNameId
        WHERE runId = ? ORDER BY name
        """,
      arguments: [row]
    ).map { Parameter(try $0.value("name"), try $0.value("value")) }
  }
}

package import GRDB

extension Row {
  /// Reads a column of a row that may be damaged; GRDB's subscript would end the process there.
  ///
  /// - Parameter column: The column's name.
  /// - Returns: The value; ask for an optional where NULL is allowed.
  /// - Throws: `corrupt` when the column is not there or holds something else.
  package func value<Value: DatabaseValueConvertible>(
    _ column: String
  ) throws(RegistryError) -> Value {
    do {
      return try decode(Value.self, forColumn: column)
    } catch {
      throw RegistryError(.corrupt, "a row is damaged: its \(column) is no \(Value.self)")
    }
  }

  /// Reads a column by its place; see the other overload.
  package func value<Value: DatabaseValueConvertible>(
    at index: Int
  ) throws(RegistryError) -> Value {
    do {
      guard index < count else { throw RegistryError(.corrupt, "") }
      return try decode(Value.self, atIndex: index)
    } catch {
      throw RegistryError(.corrupt, "a row is damaged: its column \(index) is no \(Value.self)")
    }
  }
}

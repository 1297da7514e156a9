/// What went wrong, for a person and for a program: the one error type that crosses rooms.
package struct RegistryError: Error, Sendable, Equatable {
  /// The classes of errors; each has an exit code and an HTTP status.
  package enum Kind: String, Sendable, CaseIterable {
    case invalidInput, notFound, ambiguous, denied, refused, conflict, corrupt, unavailable
  }

  /// The class.
  package let kind: Kind
  /// One clause that names the noun and the value, without a final stop.
  package let message: String
  /// The next step, as a command where there is one.
  package let hint: String?

  /// Makes an error from its class, its sentence and the next step.
  package init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }
}

package import Foundation

/// The built binary, run as a user runs it.
package enum Product {
  /// What a finished program left.
  package struct Outcome: Sendable {
    /// The exit status; 128 + n when signal n ended it.
    package let status: Int32
    /// Its standard output.
    package let output: Data
    /// Its standard error.
    package let messages: String
    /// The output as text.
    package var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// The binary: `REGISTRY_BINARY`, or what the same build made.
  package static let binary =
    ProcessInfo.processInfo.environment["REGISTRY_BINARY"].map { URL(filePath: $0) }
    ?? URL(filePath: FileManager.default.currentDirectoryPath)
    .appending(path: ".build/release/registry")

  /// Starts the product and comes back at once.
  package static func start(
    _ arguments: [String], in folder: URL, environment: [String: String] = [:]
  ) throws -> Running {
    try Running(binary.path, arguments, in: folder, environment: environment)
  }

  /// Starts any program and comes back at once.
  package static func start(
    program: String, _ arguments: [String], in folder: URL, environment: [String: String] = [:]
  ) throws -> Running {
    try Running(program, arguments, in: folder, environment: environment)
  }

  /// Runs the product to its end, whatever that is.
  package static func run(
    _ arguments: String..., in folder: URL, environment: [String: String] = [:]
  ) throws -> Outcome {
    try start(arguments, in: folder, environment: environment).finish()
  }

  /// Runs the product and throws unless it exits 0.
  @discardableResult
  package static func succeed(
    _ arguments: String..., in folder: URL, environment: [String: String] = [:]
  ) throws -> Outcome {
    let outcome = try start(arguments, in: folder, environment: environment).finish()
    guard outcome.status == 0 else { throw Failure(arguments: arguments, outcome: outcome) }
    return outcome
  }

  /// Runs any program to its end.
  @discardableResult
  package static func run(program: String, _ arguments: [String], in folder: URL) throws -> Outcome
  {
    try Running(program, arguments, in: folder, environment: [:]).finish()
  }

  /// A command that should have succeeded.
  package struct Failure: Error, CustomStringConvertible {
    private let arguments: [String]
    private let outcome: Outcome

    /// Takes the command and how it ended.
    package init(arguments: [String], outcome: Outcome) {
      self.arguments = arguments
      self.outcome = outcome
    }

    package var description: String {
      "registry \(arguments.joined(separator: " ")): exit \(outcome.status)\n\(outcome.messages)"
    }
  }
}

import Foundation
import Storage
import Tracking
import Workspace

/// What a run promises its child: variables, a file of parameters, and replaced arguments.
struct Contract {
  /// The variables of the child, besides those it inherits.
  let environment: [String: String]
  /// What is run.
  let arguments: [[UInt8]]

  /// Makes the contract and writes the file of parameters.
  init(_ session: RunSession, _ request: Runner.Request, _ store: Store, _ spool: Spool) throws {
    let parameters = request.session.parameters
    var environment = [
      "REGISTRY_STORE": store.folder.path, "REGISTRY_RUN_ID": session.run.id.hex,
      "REGISTRY_OUTPUT_DIR": spool.files.path, "REGISTRY_METRICS": spool.metrics,
      "REGISTRY_PARAMETERS": spool.parameters, "PYTHONUNBUFFERED": "1",
    ]
    environment["REGISTRY_BASE_DIR"] = session.baseFolder?.path
    environment["REGISTRY_SEED"] = request.session.seed.map(String.init)
    if !request.session.source.freeze.isEmpty {
      environment["REGISTRY_FREEZE"] = request.session.source.freeze.joined(separator: "\n")
    }
    for parameter in parameters {
      environment["REGISTRY_PARAM_" + Self.variable(parameter.key)] = parameter.value
    }
    self.environment = environment
    arguments = Self.arguments(request)
    let json = JSON.object(parameters.map { JSON.Member($0.key, Self.typed($0.value)) })
    do {
      try Data((json.text(indent: 2) + "\n").utf8).write(to: URL(filePath: spool.parameters))
    } catch {
      throw RegistryError(.unavailable, "\(spool.parameters) cannot be written")
    }
  }

  /// The exact arguments, with `{key}` of each given parameter replaced by its value.
  static func arguments(_ request: Runner.Request) -> [[UInt8]] {
    request.command.map { replaced($0, request.session.parameters) }
  }

  /// Whether a variable of ours may pass to the child; those of a run around this one may not.
  static func inherits(_ variable: String) -> Bool {
    let own = ["REGISTRY_BASE_DIR", "REGISTRY_SEED", "REGISTRY_FREEZE"]
    return !own.contains(variable) && !variable.hasPrefix("REGISTRY_PARAM_")
  }

  private static func variable(_ key: String) -> String {
    let bytes = key.utf8.map { byte -> UInt8 in
      let isLetter = (byte | 32) &- 97 < 26
      return isLetter || byte &- 48 < 10 || byte == 95 ? byte : 95
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A number or truth value where the text is one, as a script would write it; else the text.
  private static func typed(_ text: String) -> JSON {
    let value = try? JSON.parse(Array(text.utf8))
    switch value {
    case .integer, .number, .bool: return value ?? .string(text)
    default: return .string(text)
    }
  }

  /// Replaces in one pass, so that a value's own braces stay.
  private static func replaced(_ argument: [UInt8], _ parameters: [Parameter]) -> [UInt8] {
    guard argument.contains(123) else { return argument }
    let marks = parameters.map { (mark: Array("{\($0.key)}".utf8), value: Array($0.value.utf8)) }
    var result: [UInt8] = []
    var rest = argument[...]
    while let byte = rest.first {
      if byte == 123, let found = marks.first(where: { rest.starts(with: $0.mark) }) {
        result += found.value
        rest = rest.dropFirst(found.mark.count)
      } else {
        result.append(byte)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}

package import Storage

/// What filters, sort keys and columns name of a run.
package enum RunField: Hashable, Sendable {
  case attribute(RunAttribute)
  case metric(String)
  case parameter(String)
  case tag(String)

  /// Reads a name as a person types it.
  ///
  /// - Parameter text: `val/f1`, `params.lr`, `tags.owner`, `started`, ``metrics.`val loss` ``.
  /// - Throws: `invalidInput` for an empty key or an unknown attribute.
  package init(_ text: String) throws(RegistryError) {
    let tokens = try FilterToken.tokens(of: text)
    guard tokens.count == 2, let name = tokens[0].name else {
      throw RegistryError(
        .invalidInput, "'\(text)' is not the name of a column",
        hint: "put a key with blanks in back-ticks: metrics.`val loss`")
    }
    self = try RunField(name, column: 1)
  }

  /// Resolves a name of the filter grammar.
  init(_ name: FilterToken.Name, column: Int) throws(RegistryError) {
    let key = name.key
    guard !key.isEmpty else { throw FilterFault(column, "a key is empty").error }
    switch name.entity {
    case .metric: self = .metric(key)
    case .parameter: self = .parameter(key)
    case .tag: self = .tag(key)
    case .attribute:
      guard let attribute = RunAttribute(key) else {
        throw FilterFault(
          column, "a run has no attribute '\(key)'",
          hint: "attributes are " + RunAttribute.allCases.map(\.rawValue).joined(separator: ", ")
        ).error
      }
      self = .attribute(attribute)
    case nil:
      self = RunAttribute(key).map { .attribute($0) } ?? .metric(key)
    }
  }

  /// The name that `init` reads back; a metric is shown by its bare key where that is no attribute.
  package var name: String {
    switch self {
    case .attribute(let attribute): attribute.rawValue
    case .metric(let key):
      RunAttribute(key) == nil && Self.entity(of: key) == nil
        ? Self.quoted(key) : "metrics." + Self.quoted(key)
    case .parameter(let key): "params." + Self.quoted(key)
    case .tag(let key): "tags." + Self.quoted(key)
    }
  }

  /// A text of a filter as the field would have it: a status is in capitals, however it is typed.
  func stored(_ text: String) -> String {
    self == .attribute(.status) ? text.uppercased() : text
  }

  private static func entity(of key: String) -> FilterToken.Entity? {
    key.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).first
      .flatMap { FilterToken.Entity($0) }
  }

  private static func quoted(_ key: String) -> String {
    let isPlain = key.unicodeScalars.allSatisfy(FilterToken.isWord)
    return isPlain ? key : "`" + key.replacing("`", with: "``") + "`"
  }
}

/// What every run has, or may have, beside parameters, metrics and tags.
package enum RunAttribute: String, CaseIterable, Sendable {
  case id, name, status, reason, experiment, started, ended, duration, user, host, seed
  case exitStatus = "exit_status"
  case cpuSeconds = "cpu_seconds"
  case memoryPeakBytes = "memory_peak_bytes"

  /// How an attribute is compared.
  enum Kind {
    case text, number, time
  }

  /// Reads our name, the word that lists have for it in JSON or in their heading, or MLflow's.
  init?(_ name: String) {
    switch name {
    case "run_id", "run": self = .id
    case "run_name", "run name", "Run name", "Run Name": self = .name
    case "task": self = .experiment
    case "start_time", "created", "Created", "startedAt": self = .started
    case "end_time", "endedAt": self = .ended
    case "durationSeconds", "took": self = .duration
    case "exitStatus": self = .exitStatus
    case "cpuSeconds": self = .cpuSeconds
    case "memoryPeakBytes": self = .memoryPeakBytes
    case "user_id": self = .user
    default: self.init(rawValue: name)
    }
  }

  var kind: Kind {
    switch self {
    case .id, .name, .status, .reason, .experiment, .user, .host: .text
    case .duration, .seed, .exitStatus, .cpuSeconds, .memoryPeakBytes: .number
    case .started, .ended: .time
    }
  }

  /// An expression over the row of `run`.
  var sql: String {
    switch self {
    case .id: "lower(hex(run.uuid))"
    case .name: "run.name"
    case .status: "run.status"
    case .reason: "run.reason"
    case .experiment: "(SELECT name FROM experiment WHERE id = run.experimentId)"
    case .started: "run.startTime"
    case .ended: "run.endTime"
    case .duration: "run.durationSeconds"
    case .user: "run.user"
    case .host: "run.host"
    case .seed: "run.seed"
    case .exitStatus: "run.exitStatus"
    case .cpuSeconds: "run.cpuSeconds"
    case .memoryPeakBytes: "run.memoryPeakBytes"
    }
  }
}

import Storage

/// What a command answers: told once, shown in every format.
struct Report {
  /// A named value of one thing.
  struct Field {
    let key: String
    let label: String
    let cell: Table.Cell

    init(_ key: String, _ label: String? = nil, _ value: Value, _ style: Style = .plain) {
      self.key = key
      self.label = label ?? key
      cell = Table.Cell(value, style)
    }
  }

  /// A piece of text in one style.
  struct Span {
    let text: String
    let style: Style

    init(_ text: String, _ style: Style = .plain) {
      self.text = text
      self.style = style
    }
  }

  enum Part {
    /// Values of the thing itself or, with a key, of an object inside it.
    case fields(key: String?, title: String?, [Field])
    case table(Table, title: String?)
    /// A line that only people read.
    case line([Span])
    /// Values that only JSON has.
    case data(String, JSON)
  }

  /// The noun that the values belong to in JSON; nil for lists.
  let key: String?
  private(set) var parts: [Part] = []
  /// What people read of lists on the error stream: that they are empty, or what they leave out.
  var notes: [String] = []
  /// A command to type next, shown to people on the error stream.
  var next: String?

  /// Starts an answer about one thing, or about a list where no key is given.
  init(_ key: String? = nil) {
    self.key = key
  }

  /// An answer that is one list.
  init(_ table: Table) {
    self.init()
    add(table)
  }

  mutating func add(_ table: Table, title: String? = nil) {
    if table.rows.isEmpty, !table.emptyText.isEmpty { notes.append(table.emptyText) }
    parts.append(.table(table, title: title))
  }

  mutating func add(_ fields: [Field], key: String? = nil, title: String? = nil) {
    parts.append(.fields(key: key, title: title, fields))
  }

  mutating func line(_ spans: Span...) {
    parts.append(.line(spans))
  }

  mutating func line(_ text: String, _ style: Style = .plain) {
    parts.append(.line([Span(text, style)]))
  }

  mutating func data(_ key: String, _ json: JSON) {
    parts.append(.data(key, json))
  }
}

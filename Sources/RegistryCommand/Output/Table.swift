import Storage

/// Rows under named columns: the shape of every list.
struct Table {
  /// A column; its key is the word in JSON and CSV, its title the one that people read.
  struct Column {
    let key: String
    /// The object that the value lies in in JSON: `metrics`; before the key, with a dot, in CSV.
    let group: String?
    let title: String
    /// Stays when the terminal is too narrow for all.
    let isPinned: Bool
    /// Holds a sentence, which may be cut instead of the column being dropped.
    let isFlexible: Bool
    /// Only in machine formats: people see the same in another column.
    let isHidden: Bool

    /// The word in CSV.
    let heading: String

    init(
      _ key: String, _ title: String? = nil, group: String? = nil, heading: String? = nil,
      pinned: Bool = false, flexible: Bool = false, hidden: Bool = false
    ) {
      self.heading = heading ?? group.map { $0 + "." + key } ?? key
      self.key = key
      self.group = group
      self.title = title ?? key
      isPinned = pinned
      isFlexible = flexible
      isHidden = hidden
    }
  }

  /// A value and how it stands out.
  struct Cell {
    let value: Value
    let style: Style

    init(_ value: Value, _ style: Style = .plain) {
      self.value = value
      self.style = style
    }
  }

  /// The word in JSON: the noun's plural.
  let key: String
  var columns: [Column]
  private(set) var rows: [[Cell]] = []
  /// What people read beside an empty table.
  var emptyText: String
  /// Objects that every row has in JSON, also where none of the columns lies in them.
  var groups: [String] = []
  /// The option that shows columns for which there is no room.
  var hint = "--json"

  init(_ key: String, _ columns: [Column], emptyText: String = "") {
    self.key = key
    self.columns = columns
    self.emptyText = emptyText
  }

  /// Adds a row with a cell for every column.
  mutating func add(_ cells: [Cell]) {
    precondition(cells.count == columns.count, "a row of \(key) has a cell for every column")
    rows.append(cells)
  }

  /// Adds a row of unstyled values.
  mutating func add(_ values: Value...) {
    add(values.map { Cell($0) })
  }

  /// The rows as a list of objects; columns of a group lie in an object of its name.
  var json: JSON {
    .array(rows.map { row in .object(members(row)) })
  }

  private func members(_ row: [Cell]) -> [JSON.Member] {
    var members: [JSON.Member] = []
    var groups: [(name: String, members: [JSON.Member])] = groups.map { ($0, []) }
    for (column, cell) in zip(columns, row) {
      let member = JSON.Member(column.key, cell.value.json)
      guard let group = column.group else {
        members.append(member)
        continue
      }
      let place = groups.firstIndex { $0.name == group } ?? groups.count
      if place == groups.count { groups.append((group, [])) }
      if member.value != .null { groups[place].members.append(member) }
    }
    return members + groups.map { JSON.Member($0.name, .object($0.members)) }
  }
}

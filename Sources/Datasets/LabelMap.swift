package import Storage

/// The classes of a classifier in their order: class 0, class 1 and so on, as `id2label` of a model.
///
/// The order depends on the set of labels alone: by value when each is a whole number in its
/// shortest form (`2` before `10`), else by the bytes of the UTF-8. Labels are equal when their
/// bytes are.
package struct LabelMap: Sendable {
  /// The label of each class.
  package let labels: [String]

  private let classOfLabel: [[UInt8]: Int32]

  /// The most classes that a table or map may have.
  package static let classCountMax = 1 << 16

  /// The map that a training table gives; made from its rows, so that no class is without one.
  ///
  /// - Throws: `invalidInput` when the table has numbers to predict.
  package init(training table: FeatureTable) throws(RegistryError) {
    guard case .labels(let column) = table.target else { throw Self.noLabels(table) }
    self.init(ordered: Self.sorted(column.usedValues))
  }

  /// A map with these classes in this order.
  ///
  /// - Throws: `invalidInput` when there is none, too many, or a label stands twice or is empty.
  package init(labels: [String]) throws(RegistryError) {
    guard !labels.isEmpty else { throw RegistryError(.invalidInput, "a label map without classes") }
    guard labels.count <= Self.classCountMax else {
      throw RegistryError(
        .invalidInput, "a label map of \(labels.count) classes, more than \(Self.classCountMax)")
    }
    guard !labels.contains(where: \.isEmpty) else {
      throw RegistryError(.invalidInput, "a label map with an empty label")
    }
    self.init(ordered: labels)
    guard classOfLabel.count == labels.count else {
      throw RegistryError(.invalidInput, "a label map with one label twice")
    }
  }

  private init(ordered labels: [String]) {
    self.labels = labels
    classOfLabel = Dictionary(
      zip(labels.map { Array($0.utf8) }, 0...), uniquingKeysWith: { first, _ in first })
  }

  /// The number of classes.
  package var count: Int { labels.count }

  /// The class with exactly this label; nil where there is none.
  package func find(_ label: String) -> Int? {
    classOfLabel[Array(label.utf8)].map(Int.init)
  }

  /// The class of each row of a table.
  ///
  /// - Throws: `invalidInput` naming the first row whose label is not in the map.
  /// - Complexity: O(rows).
  package func encode(_ table: FeatureTable) throws(RegistryError) -> [Int32] {
    guard case .labels(let column) = table.target else { throw Self.noLabels(table) }
    let classes = column.values.map { classOfLabel[Array($0.utf8)] ?? -1 }
    let encoded = column.indices.map { classes[Int($0)] }
    if let row = encoded.firstIndex(of: -1) {
      let shown = labels.prefix(8).map { "\(Excerpt($0))" }.joined(separator: ", ")
      let more = count > 8 ? " and \(count - 8) more" : ""
      throw RegistryError(
        .invalidInput,
        "\(table.place(ofRow: row)): the label \(Excerpt(column[row])) is not in the label map",
        hint: "the training rows have \(shown)\(more)")
    }
    return encoded
  }

  /// How many rows each class has.
  ///
  /// - Throws: `invalidInput` for a label that is not in the map.
  package func counts(_ table: FeatureTable) throws(RegistryError) -> [Int] {
    var counts = [Int](repeating: 0, count: count)
    for index in try encode(table) { counts[Int(index)] += 1 }
    return counts
  }

  private static func noLabels(_ table: FeatureTable) -> RegistryError {
    RegistryError(.invalidInput, "\(table.name) has numbers to predict, not classes")
  }

  private static func sorted(_ labels: [String]) -> [String] {
    let numbers = labels.compactMap { label in
      Int64(label).flatMap { String($0).utf8.elementsEqual(label.utf8) ? $0 : nil }
    }
    if numbers.count == labels.count { return numbers.sorted().map(String.init) }
    return labels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

extension LabelMap: Equatable {
  package static func == (left: LabelMap, right: LabelMap) -> Bool {
    left.labels.elementsEqual(right.labels) { $0.utf8.elementsEqual($1.utf8) }
  }
}

extension LabelMap {
  /// The map as `config.json` has it: `{"0": "cat", "1": "dog"}`.
  package var id2label: JSON {
    .object(labels.enumerated().map { JSON.Member(String($0), .string($1)) })
  }

  /// The map the other way round, as other tools want it beside the first.
  package var label2id: JSON {
    .object(labels.enumerated().map { JSON.Member($1, .integer(Int64($0))) })
  }

  /// Reads `id2label` of a `config.json`; its keys are 0, 1 and so on, in any order.
  ///
  /// - Throws: `invalidInput` when a number is missing, or a label is no text or stands twice.
  package init(id2label: JSON) throws(RegistryError) {
    guard let members = id2label.members else {
      throw RegistryError(.invalidInput, "id2label is not a JSON object")
    }
    var labels = [String?](repeating: nil, count: members.count)
    for member in members {
      guard let index = Int(member.key), labels.indices.contains(index), labels[index] == nil,
        let label = member.value.string
      else {
        throw RegistryError(
          .invalidInput,
          "id2label has the entry \(Excerpt(member.key)), where it has a text for each of 0 to "
            + "\(members.count - 1)")
      }
      labels[index] = label
    }
    try self.init(labels: labels.compactMap { $0 })
  }
}

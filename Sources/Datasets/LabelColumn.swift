/// A class for each row; each distinct label is held once.
package struct LabelColumn: Sendable {
  /// The distinct labels in the order in which they appear; equal means equal bytes.
  package private(set) var values: [String] = []
  /// For each row an index into `values`.
  package private(set) var indices: [Int32] = []

  private var indexOfValue: [[UInt8]: Int32] = [:]

  init() {}

  /// The label of a row.
  package subscript(row: Int) -> String { values[Int(indices[row])] }

  /// The labels that some row has.
  package var usedValues: [String] {
    var isUsed = [Bool](repeating: false, count: values.count)
    for index in indices { isUsed[Int(index)] = true }
    return values.indices.filter { isUsed[$0] }.map { values[$0] }
  }

  mutating func append(_ label: String) {
    if let last = indices.last, values[Int(last)].utf8.elementsEqual(label.utf8) {
      indices.append(last)
      return
    }
    let key = Array(label.utf8)
    let index = indexOfValue[key] ?? Int32(clamping: values.count)
    if index == values.count {
      indexOfValue[key] = index
      values.append(label)
    }
    indices.append(index)
  }

  func selecting(_ rows: [Int]) -> LabelColumn {
    var selected = self
    selected.indices = rows.map { indices[$0] }
    return selected
  }
}

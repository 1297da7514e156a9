/// Rows of features with what a network should make of them.
package struct Examples<Element: Scalar>: Sendable {
  /// What the rows should become.
  enum Targets: Sendable {
    case none
    case classes([Int32], greatest: Int)
    case values([Element], width: Int)
  }

  /// How many rows there are, at least one.
  package let count: Int
  /// How many features a row has.
  package let width: Int
  let features: [Element]
  let targets: Targets

  /// Rows without targets, to be predicted.
  ///
  /// - Parameters:
  ///   - features: Row by row.
  ///   - width: The features of a row.
  /// - Throws: `noRows`, or `width` if the last row is not whole.
  package init(features: [Element], width: Int) throws(EngineError) {
    try self.init(features: features, width: width, targets: .none)
  }

  /// Rows with the class of each, numbered from 0.
  ///
  /// - Throws: `noRows`, `width`, or `label` for a negative one.
  package init(features: [Element], width: Int, classes: [Int32]) throws(EngineError) {
    if let row = classes.firstIndex(where: { $0 < 0 }) {
      throw .label(row: row, label: Int(classes[row]), classes: 0)
    }
    let greatest = Int(classes.max() ?? 0)
    try self.init(
      features: features, width: width, targets: .classes(classes, greatest: greatest))
    guard classes.count == count else {
      throw .width(place: "labels", expected: count, found: classes.count)
    }
  }

  /// Rows with the values of each, row by row.
  ///
  /// - Throws: `noRows` or `width`.
  package init(
    features: [Element], width: Int, values: [Element], valueWidth: Int
  ) throws(EngineError) {
    try self.init(
      features: features, width: width, targets: .values(values, width: valueWidth))
    let (expected, overflow) = count.multipliedReportingOverflow(by: valueWidth)
    guard valueWidth > 0, !overflow, values.count == expected else {
      throw .width(place: "values", expected: overflow ? .max : expected, found: values.count)
    }
  }

  private init(features: [Element], width: Int, targets: Targets) throws(EngineError) {
    guard !features.isEmpty else { throw .noRows }
    guard width > 0, features.count % width == 0 else {
      throw .width(place: "features", expected: width, found: features.count)
    }
    count = features.count / width
    guard count <= Int(Int32.max) else { throw .value(name: "rows", value: Double(count)) }
    self.width = width
    self.features = features
    self.targets = targets
  }

  /// Whether a network of this architecture can learn these with this loss.
  func check(for architecture: Architecture, loss: Loss?) throws(EngineError) {
    guard width == architecture.inputs else {
      throw .width(place: "features", expected: architecture.inputs, found: width)
    }
    switch (loss, targets) {
    case (nil, _): break
    case (.crossEntropy, .classes(let classes, let greatest)):
      guard greatest < architecture.outputs else {
        let row = classes.firstIndex { $0 == greatest } ?? 0
        throw .label(row: row, label: greatest, classes: architecture.outputs)
      }
    case (.meanSquaredError, .values(_, let width)):
      guard width == architecture.outputs else {
        throw .width(place: "values", expected: architecture.outputs, found: width)
      }
    default: throw .targets
    }
  }
}

/// What the maths refuses; the rooms above say it in their own words.
package enum EngineError: Error, Equatable, Sendable {
  /// A network without a layer that has parameters, so that it has no width.
  case noWidth
  /// Something has another width than what it meets; `place` is "layer 2", "features" or a name.
  case width(place: String, expected: Int, found: Int)
  /// A number outside of what its name allows.
  case value(name: String, value: Double)
  /// There is nothing to train on or to evaluate.
  case noRows
  /// A row's label is none of the classes 0 ..< count.
  case label(row: Int, label: Int, classes: Int)
  /// The examples have no targets of the kind that the loss needs.
  case targets
  /// The network has no parameter of this name.
  case parameter(String)
  /// This processor has no such level.
  case level(Int)
}

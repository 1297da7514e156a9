/// What training makes small.
package enum Loss: Sendable, Equatable {
  /// The mean of −log softmax(outputs)[label], weighted by the label's class if there are weights.
  case crossEntropy(weights: [Double]?)
  /// The mean of (output − value)² over all outputs of all examples.
  case meanSquaredError
}

/// The loss of some examples as sums, from which means follow.
package struct LossSums: Sendable, Equatable {
  /// The weighted sum of the losses.
  package var loss = 0.0
  /// The sum of the weights.
  package var weight = 0.0
  /// The examples whose greatest output is their label's.
  package var correct = 0

  /// Sums over nothing.
  package init() {}

  /// The mean loss; NaN or infinite when training has diverged.
  package var mean: Double { loss / weight }

  mutating func add(_ other: LossSums) {
    loss += other.loss
    weight += other.weight
    correct += other.correct
  }
}

import Engine

/// How good a network is on some rows.
struct Scores {
  /// Keys without the name of the rows: `loss`, `accuracy`, `macro_f1`; or `loss`, `rmse`, `r2`.
  private(set) var values: [(key: String, value: Double)]

  /// What is measured of rows while they are trained on.
  static func trainingKeys(_ loss: Hyperparameters.Loss) -> [String] {
    loss == .crossEntropy ? ["loss", "accuracy"] : ["loss"]
  }

  /// What is measured of validation rows.
  static func validationKeys(_ loss: Hyperparameters.Loss) -> [String] {
    loss == .crossEntropy ? ["loss", "accuracy", "macro_f1"] : ["loss", "rmse", "r2"]
  }

  /// From sums over rows: loss and, for classes, accuracy.
  init(_ sums: LossSums, rows: Int, hasClasses: Bool) {
    values = [("loss", sums.mean)]
    if hasClasses { values.append(("accuracy", Double(sums.correct) / Double(rows))) }
  }

  /// Adds the mean F1 of the classes that some row has or is taken for, as scikit-learn's
  /// `f1_score(average="macro")`.
  mutating func addMacroF1(_ outputs: [Float], classes: [Int32], classCount: Int) {
    var hits = [Int](repeating: 0, count: classCount)
    var counts = hits  // of rows that have the class, and of rows that are taken for it
    for (row, label) in classes.enumerated() {
      let start = row * classCount
      var guess = 0
      for index in 1..<max(classCount, 1) where outputs[start + index] > outputs[start + guess] {
        guess = index
      }
      counts[Int(label)] += 1
      counts[guess] += 1
      if guess == Int(label) { hits[guess] += 1 }
    }
    let scores = zip(hits, counts).filter { $0.1 > 0 }.map { 2 * Double($0.0) / Double($0.1) }
    values.append(("macro_f1", scores.reduce(0, +) / Double(max(scores.count, 1))))
  }

  /// Adds the root of the mean squared error, and the part of the variance that is explained.
  mutating func addRegression(_ sums: LossSums, targets: [Float]) {
    let mean = targets.reduce(0) { $0 + Double($1) } / Double(max(targets.count, 1))
    let variance = targets.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    values.append(("rmse", sums.mean.squareRoot()))
    // Of one target there is nothing to explain.
    guard targets.contains(where: { $0 != targets[0] }) else { return }
    values.append(("r2", 1 - sums.loss / variance))
  }
}

package import Storage

/// Brings each column to mean 0 and standard deviation 1 of the training rows.
///
/// Sums are Doubles in the order of the rows, two passes; the deviation is the population's, as in
/// scikit-learn's `StandardScaler`. A constant column gets the scale 1, and so becomes 0.
package struct Standardisation: Sendable, Equatable {
  /// The mean of each column.
  package let means: [Double]
  /// What each column is divided by after its mean is taken off; positive.
  package let scales: [Double]

  /// Measures a table.
  ///
  /// - Parameter table: The training rows.
  /// - Complexity: O(rows × columns).
  package init(_ table: FeatureTable) {
    let (rowCount, columnCount) = (table.rowCount, table.columnCount)
    var means = [Double](repeating: 0, count: columnCount)
    var scales = [Double](repeating: 0, count: columnCount)
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        means[column] += Double(table.features[row * columnCount + column])
      }
    }
    for column in 0..<columnCount { means[column] /= Double(max(rowCount, 1)) }
    for row in 0..<rowCount {
      for column in 0..<columnCount {
        let difference = Double(table.features[row * columnCount + column]) - means[column]
        scales[column] += difference * difference
      }
    }
    for column in 0..<columnCount {
      let scale = (scales[column] / Double(max(rowCount, 1))).squareRoot()
      scales[column] = scale > 0 ? scale : 1
    }
    // A rounded mean leaves a trace of a deviation where there is none.
    for column in table.constantColumns {
      means[column] = Double(table.features[column])
      scales[column] = 1
    }
    self.means = means
    self.scales = scales
  }

  /// The features of a table on this scale, in the table's layout.
  ///
  /// - Parameter table: Training or other rows with as many columns.
  /// - Returns: Row after row, each value rounded to a Float once.
  /// - Throws: `invalidInput` when the width differs or a value is so far from the training rows
  ///   that no Float holds it.
  package func applied(to table: FeatureTable) throws(RegistryError) -> [Float] {
    let columnCount = means.count
    try table.checkColumnCount(columnCount, of: "the standardisation")
    var features = table.features
    for row in 0..<table.rowCount {
      for column in 0..<columnCount {
        let place = row * columnCount + column
        let scaled = Float((Double(features[place]) - means[column]) / scales[column])
        guard scaled.isFinite else {
          throw RegistryError(
            .invalidInput,
            "\(table.place(ofRow: row)): \(Excerpt(number: features[place])) in column "
              + "\(Excerpt(table.columns[column])) is too far from the training rows")
        }
        features[place] = scaled
      }
    }
    return features
  }
}

extension Standardisation {
  /// The values as they are stored with a model; they are read back bit by bit.
  package var json: JSON {
    [
      "means": .array(means.map(JSON.number)), "scales": .array(scales.map(JSON.number)),
    ]
  }

  /// Reads what `json` gave.
  ///
  /// - Throws: `invalidInput` unless there are as many means as scales, finite, scales positive.
  package init(json: JSON) throws(RegistryError) {
    guard let means = json["means"]?.array, let scales = json["scales"]?.array else {
      throw RegistryError(.invalidInput, "a standardisation without lists of means and scales")
    }
    self.means = means.compactMap(\.double)
    self.scales = scales.compactMap(\.double)
    guard means.count == scales.count, self.means.count == means.count,
      self.scales.count == scales.count, self.means.allSatisfy(\.isFinite),
      self.scales.allSatisfy({ $0.isFinite && $0 > 0 })
    else {
      throw RegistryError(
        .invalidInput, "a standardisation whose means and scales are not a finite pair a column")
    }
  }
}

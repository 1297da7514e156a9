/// Eigenvalues of small symmetric matrices (Jacobi's rotations).
enum SymmetricMatrix {
  /// The eigenvalues, and the eigenvectors as columns.
  static func eigen(_ matrix: [Double], _ size: Int) -> (values: [Double], vectors: [Double]) {
    var a = matrix
    var v = (0..<size * size).map { $0 / size == $0 % size ? 1.0 : 0.0 }
    for _ in 0..<12 {
      for p in 0..<size {
        for q in p + 1..<max(size, p + 1) where a[p * size + q] != 0 {
          let theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
          let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          let s = t * c
          for k in 0..<size {
            (a[k * size + p], a[k * size + q]) = (
              c * a[k * size + p] - s * a[k * size + q], s * a[k * size + p] + c * a[k * size + q]
            )
          }
          for k in 0..<size {
            (a[p * size + k], a[q * size + k]) = (
              c * a[p * size + k] - s * a[q * size + k], s * a[p * size + k] + c * a[q * size + k]
            )
            (v[k * size + p], v[k * size + q]) = (
              c * v[k * size + p] - s * v[k * size + q], s * v[k * size + p] + c * v[k * size + q]
            )
          }
        }
      }
    }
    return ((0..<size).map { a[$0 * size + $0] }, v)
  }
}

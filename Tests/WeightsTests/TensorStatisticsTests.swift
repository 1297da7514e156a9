import Storage
import Support
import Testing
import Weights

@Suite struct TensorStatisticsTests {
  @Test func `statistics are those of a plain computation, however values are cut`() {
    var seed = Seeded(state: 81)
    let values =
      seed.weights(10_000).map { Double($0) + 3 } + [0, -0.0, .nan, .infinity, -.infinity]
    let finite = values.filter(\.isFinite)
    let mean = finite.reduce(0, +) / Double(finite.count)
    let squares = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    for step in [1, 7, 4096, 100_000] {
      var found = TensorStatistics()
      for start in stride(from: 0, to: values.count, by: step) {
        found.add(Array(values[start..<min(start + step, values.count)]))
      }
      #expect(found.count == 10_005 && found.finiteCount == 10_002)
      #expect(found.zeroCount == 2 && found.nanCount == 1 && found.infiniteCount == 2)
      #expect(found.least == finite.min() && found.greatest == finite.max())
      // Each of 10,000 additions rounds by at most 2⁻⁵³ of a sum of 30,000.
      #expect(abs(found.mean - mean) < 1e-9)
      #expect(abs(found.standardDeviation - (squares / 10_002).squareRoot()) < 1e-9)
      let norm = finite.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(found.norm - norm) < 1e-6)
    }
  }

  @Test func `without finite values there is no least and no greatest`() {
    var found = TensorStatistics()
    found.add([])
    found.add([.nan])
    #expect(found.count == 1 && found.finiteCount == 0 && found.nanCount == 1)
    #expect(found.least == .infinity && found.greatest == -.infinity)
    #expect(found.mean == 0 && found.standardDeviation == 0 && found.norm == 0)
  }

  @Test func `a tensor of several chunks is read as one, a strange type is refused`() throws {
    var seed = Seeded(state: 82)
    let values = seed.weights(600_000)
    try withBlobs { blobs in
      let made = [
        MadeTensor("w", [600_000], values), MadeTensor("q", "F4", [2, 3], [1, 2, 3]),
      ]
      let digest = try blobs.add(safetensors(made), "a.safetensors").digest
      try blobs.store.read(.weights) { db in
        let tensors = try Tensor.list(of: digest, db)
        let found = try TensorStatistics(of: tensors[0], db)
        #expect(found.count == 600_000)
        #expect(found.least == values.min().map { Double($0) })
        #expect(kind { _ = try TensorStatistics(of: tensors[1], db) } == .invalidInput)
      }
    }
  }
}

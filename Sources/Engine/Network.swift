// Engine: dense networks and their training, on the processor alone.
//
// An `Architecture` says the layers; a `Network` holds the numbers of their parameters, under
// PyTorch's names and in its layouts. A `Trainer` takes `Examples` in shuffled batches through
// the network forward and back (`Pass`), and an `Optimizer` at a `Schedule`'s rate changes the
// parameters. Everything works on any `Scalar`: Float runs on the kernels in C, Double in plain
// Swift, so that derivatives can be checked to many places. The same seed gives the same bytes
// on one level of a `Processor`, with any number of threads. Nothing here knows of files, runs
// or versions.

/// A network's parameters, and which of them training may change.
package final class Network<Element: Scalar> {
  /// What it is made of.
  package let architecture: Architecture
  /// One flag for each of the architecture's parameters: a frozen one keeps its bytes.
  package private(set) var isFrozen: [Bool]
  let values: Buffer<Element>

  /// Draws every parameter from the seed as PyTorch draws it: linear layers evenly from
  /// ±1 / √inputs, layer normalisation one and zero.
  ///
  /// A parameter's numbers depend on the seed, its place in the architecture and its layer only.
  package init(_ architecture: Architecture, seed: UInt64) {
    self.architecture = architecture
    isFrozen = architecture.parameters.map { _ in false }
    values = Buffer(count: architecture.parameters.last.map { $0.start + $0.room } ?? 0)
    for (index, parameter) in architecture.parameters.enumerated() {
      var source = RandomSource(seed: seed).split(Purpose.initialize).split(UInt64(index))
      let start = values.start + parameter.start
      switch architecture.layers[parameter.layer] {
      case .linear(let inputs, _, _):
        let bound = 1 / Double(inputs).squareRoot()
        for place in 0..<parameter.count {
          start[place] = Element((2 * source.nextUnit() - 1) * bound)
        }
      default:
        start.update(repeating: parameter.name.hasSuffix("weight") ? 1 : 0, count: parameter.count)
      }
    }
  }

  /// Keeps a parameter as it is, or lets it be trained again, from the next trainer on.
  package func setFrozen(_ frozen: Bool, at index: Int) {
    isFrozen[index] = frozen
  }

  /// The numbers of a parameter, in the order of its shape.
  package func numbers(at index: Int) -> [Element] {
    let parameter = architecture.parameters[index]
    return Array(UnsafeBufferPointer(start: values.start + parameter.start, count: parameter.count))
  }

  /// Replaces the numbers of a parameter.
  ///
  /// - Throws: `width` if there are more or fewer than its shape says.
  package func setNumbers(_ numbers: [Element], at index: Int) throws(EngineError) {
    let parameter = architecture.parameters[index]
    guard numbers.count == parameter.count else {
      throw .width(place: parameter.name, expected: parameter.count, found: numbers.count)
    }
    for (place, number) in numbers.enumerated() { values.start[parameter.start + place] = number }
  }

  /// All parameters at one moment.
  package struct Snapshot: Sendable {
    fileprivate var numbers: [Element]
  }

  /// Copies all parameters.
  package func snapshot() -> Snapshot {
    Snapshot(numbers: Array(UnsafeBufferPointer(start: values.start, count: values.count)))
  }

  /// Copies all parameters into a snapshot of this network, without allocating.
  package func save(to snapshot: inout Snapshot) {
    snapshot.numbers.withUnsafeMutableBufferPointer { numbers in
      guard let start = numbers.baseAddress, numbers.count == values.count else { return }
      start.update(from: values.start, count: values.count)
    }
  }

  /// Goes back to a snapshot of this network.
  package func restore(_ snapshot: Snapshot) {
    snapshot.numbers.withUnsafeBufferPointer { numbers in
      guard let start = numbers.baseAddress, numbers.count == values.count else { return }
      values.start.update(from: start, count: values.count)
    }
  }
}

/// What random numbers are for; each purpose has its own source.
enum Purpose {
  static let initialize: UInt64 = 1
  static let shuffle: UInt64 = 2
  static let dropout: UInt64 = 3
}

/// An optimiser at work on one network: its moments, and the blocks of parameters that it changes.
final class Descent<Element: Scalar> {
  /// So many numbers at most are changed and their squares summed in one call.
  private static var blockCount: Int { 8192 }

  let optimizer: Optimizer
  private(set) var stepCount = 0
  private let parameters: Buffer<Element>
  private let gradients: Buffer<Element>
  private let first: Buffer<Element>
  private let second: Buffer<Element>
  private let squares: Buffer<Double>
  private let blocks: UnsafeMutableBufferPointer<Block>
  private let processor: Processor

  init(
    _ optimizer: Optimizer, of network: Network<Element>, gradients: Buffer<Element>,
    on processor: Processor
  ) {
    self.optimizer = optimizer
    self.gradients = gradients
    self.processor = processor
    parameters = network.values
    var blocks: [Block] = []
    for (index, parameter) in network.architecture.parameters.enumerated()
    where !network.isFrozen[index] {
      for start in stride(from: parameter.start, to: parameter.end, by: Self.blockCount) {
        blocks.append(Block(start: start, count: min(Self.blockCount, parameter.end - start)))
      }
    }
    self.blocks = .allocate(capacity: blocks.count)
    _ = self.blocks.initialize(from: blocks)
    first = Buffer(count: network.values.count)
    let isAdaptive = if case .adamW = optimizer { true } else { false }
    second = Buffer(count: isAdaptive ? network.values.count : 0)
    squares = Buffer(count: blocks.count)
  }

  deinit {
    blocks.deallocate()
  }

  /// Changes the parameters, and returns the length of the gradient before it was clipped.
  ///
  /// A gradient that is to be clipped and is not finite changes nothing.
  func step(rate: Double, clipping: Double?) -> Double {
    var scale = 1.0
    var norm = 0.0
    if let clipping {
      norm = visit(.measure)
      guard norm.isFinite else { return norm }
      scale = min(1, clipping / (norm + 1e-6))  // as torch.nn.utils.clip_grad_norm_
    }
    stepCount += 1
    let measured = visit(Update(optimizer, step: stepCount, rate: rate, gradientScale: scale))
    return clipping == nil ? measured : norm
  }

  /// Visits every block, and returns the length of the gradient as it is.
  private func visit(_ update: Update) -> Double {
    let state = OptimizerState(
      parameters: parameters.start, gradients: UnsafePointer(gradients.start),
      first: first.start, second: second.start, blocks: UnsafeBufferPointer(blocks),
      squares: squares.start)
    Element.visit(state, update, on: processor)
    return blocks.indices.reduce(0) { $0 + squares.start[$1] }.squareRoot()
  }
}

/// Numbers of a network that belong to one parameter and are visited in one call.
package struct Block: Sendable {
  /// The place of the first number among all of the network's, and how many there are.
  package let start, count: Int
}

/// Where a step of an optimiser reads and writes.
package struct OptimizerState<Element: Scalar> {
  /// What is changed, at the network's places; so are the next three.
  let parameters: UnsafeMutablePointer<Element>
  let gradients: UnsafePointer<Element>
  let first: UnsafeMutablePointer<Element>
  /// Empty but for AdamW.
  let second: UnsafeMutablePointer<Element>
  let blocks: UnsafeBufferPointer<Block>
  /// Of each block, the sum of the squares of its gradients as given.
  let squares: UnsafeMutablePointer<Double>
}

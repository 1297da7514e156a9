/// An optimiser at work on one network: its moments, and the blocks of parameters that it changes.
final class Descent<Element: Scalar> {
  /// Parameters that are changed in one call, so that sums have one order at any thread count.
  private struct Block {
    let start: Int
    let count: Int
  }

  private static var blockCount: Int { 8192 }

  let optimizer: Optimizer
  private(set) var stepCount = 0
  private let blocks: [Block]
  private let first: Buffer<Element>
  private let second: Buffer<Element>
  private let squares: Buffer<Double>
  private let parameters: Buffer<Element>
  private let gradients: Buffer<Element>
  private let processor: Processor
  private var update = Update.sgd(gradientScale: 1, decay: 0, momentum: 0, rate: 0)
  private var isMeasuring = false

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
    self.blocks = blocks
    first = Buffer(count: network.values.count)
    let isAdaptive = if case .adamW = optimizer { true } else { false }
    second = Buffer(count: isAdaptive ? network.values.count : 0)
    squares = Buffer(count: blocks.count)
  }

  /// Changes the parameters, and returns the length of the gradient before it was clipped.
  ///
  /// A gradient that is clipped and not finite changes nothing.
  func step(rate: Double, clipping: Double?) -> Double {
    var scale = 1.0
    var norm = 0.0
    if let clipping {
      isMeasuring = true
      norm = visitBlocks()
      guard norm.isFinite else { return norm }
      scale = min(1, clipping / (norm + 1e-6))  // as torch.nn.utils.clip_grad_norm_
    }
    stepCount += 1
    isMeasuring = false
    update = Update(optimizer, step: stepCount, rate: rate, gradientScale: scale)
    let measured = visitBlocks()
    return clipping == nil ? measured : norm
  }

  private func visitBlocks() -> Double {
    for block in blocks.indices { visit(block) }
    return blocks.indices.reduce(0) { $0 + squares.start[$1] }.squareRoot()
  }

  private func visit(_ index: Int) {
    let block = blocks[index]
    let gradients = UnsafePointer(self.gradients.start + block.start)
    squares.start[index] =
      isMeasuring
      ? Element.squares(gradients, count: block.count, on: processor)
      : Element.update(
        update, count: block.count, parameters: parameters.start + block.start,
        gradients: gradients, first: first.start + block.start,
        second: second.start + (second.count > 0 ? block.start : 0), on: processor)
  }
}

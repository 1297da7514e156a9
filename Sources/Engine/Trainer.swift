/// Trains a network on examples, batch by batch; a step allocates nothing.
///
/// The order of the examples in each epoch and what dropout drops follow from the seed alone.
package final class Trainer<Element: Scalar> {
  /// What one step did.
  package struct Step: Sendable, Equatable {
    /// Over the batch, before the parameters changed.
    package var loss: LossSums
    /// The length of the gradient over all trained parameters, before clipping; NaN if none was made.
    package var gradientNorm: Double

    /// Whether the loss is a number; if it is not, the step changed nothing.
    package var isFinite: Bool { loss.mean.isFinite }
  }

  /// What is trained.
  package let network: Network<Element>
  /// What is made small.
  package let loss: Loss
  /// The examples of a batch; the last of an epoch may have fewer.
  package let batchSize: Int
  /// The least that is evaluated at once, whatever the batches of training.
  static var evaluationBatch: Int { 64 }

  private let clipping: Double?
  private let pass: Pass<Element>
  private let descent: Descent<Element>
  private let source: RandomSource
  private let weights: Buffer<Element>?
  private let values: Buffer<Element>
  private var labels: [Int32]
  private var order: [Int32] = []
  private var next = 0
  private var examples: Examples<Element>?

  /// Takes all the memory that steps need.
  ///
  /// Which parameters are frozen is read here, once.
  ///
  /// - Parameters:
  ///   - network: Changed by each step.
  ///   - loss: Weights are one for each output, above zero.
  ///   - optimizer: Its moments start at zero.
  ///   - batchSize: 1 … 65 536.
  ///   - seed: Of the order of examples and of dropout.
  ///   - clipping: The greatest length of a gradient; longer ones are shortened to it.
  ///   - processor: Where it runs.
  /// - Throws: `value` or `width`.
  package init(
    _ network: Network<Element>, loss: Loss, optimizer: Optimizer = .adamW, batchSize: Int,
    seed: UInt64, clipping: Double? = nil, on processor: Processor
  ) throws(EngineError) {
    try optimizer.check()
    guard (1...65536).contains(batchSize) else {
      throw .value(name: "batchSize", value: Double(batchSize))
    }
    if let clipping, !(clipping > 0) { throw .value(name: "clipping", value: clipping) }
    let outputs = network.architecture.outputs
    weights = try Self.weights(of: loss, outputs: outputs)
    self.network = network
    self.loss = loss
    self.batchSize = batchSize
    self.clipping = clipping
    source = RandomSource(seed: seed)
    pass = Pass(network, capacity: max(batchSize, Self.evaluationBatch), on: processor)
    descent = Descent(optimizer, of: network, gradients: pass.gradients, on: processor)
    labels = [Int32](repeating: 0, count: pass.capacity)
    values = Buffer(count: loss == .meanSquaredError ? outputs * paddedCount(pass.capacity) : 0)
  }

  private static func weights(
    of loss: Loss, outputs: Int
  ) throws(EngineError) -> Buffer<Element>? {
    guard case .crossEntropy(let numbers?) = loss else { return nil }
    guard numbers.count == outputs else {
      throw .width(place: "weights", expected: outputs, found: numbers.count)
    }
    let weights = Buffer<Element>(count: outputs)
    for (place, number) in numbers.enumerated() {
      guard number > 0, number.isFinite else { throw .value(name: "weight", value: number) }
      weights.start[place] = Element(number)
    }
    return weights
  }

  /// The steps that the optimiser has made.
  package var stepCount: Int { descent.stepCount }

  /// Starts an epoch: shuffles the examples by the seed and the epoch's number.
  ///
  /// - Returns: How many steps the epoch has.
  /// - Throws: `width`, `label` or `targets` if these are no examples for this network.
  @discardableResult
  package func begin(
    epoch: Int, of examples: Examples<Element>
  ) throws(EngineError) -> Int {
    try examples.check(for: network.architecture, loss: loss)
    self.examples = examples
    if order.count != examples.count {
      order = [Int32](repeating: 0, count: examples.count)
    }
    for place in order.indices { order[place] = Int32(place) }
    var random = source.split(Purpose.shuffle).split(UInt64(bitPattern: Int64(epoch)))
    for place in order.indices.reversed().dropLast() {  // Fisher and Yates
      order.swapAt(place, Int(random.next(below: UInt64(place) + 1)))
    }
    next = 0
    return (examples.count + batchSize - 1) / batchSize
  }

  /// Takes the next batch of the epoch forward and back, and changes the parameters.
  ///
  /// - Parameter rate: The learning rate.
  /// - Returns: nil after the last batch, or before an epoch has begun.
  @_specialize(where Element == Float)  // generic code takes memory as it runs
  package func step(rate: Double) -> Step? {
    guard let examples, next < order.count else { return nil }
    let count = min(batchSize, order.count - next)
    let dropout = source.split(Purpose.dropout).split(UInt64(descent.stepCount))
    order.withUnsafeBufferPointer { order in
      guard let start = order.baseAddress else { return }
      load(examples, indices: start + next, count: count)
    }
    next += count
    pass.forward(dropout: dropout)
    let sums = lossSums(gradient: pass.gradient.start)
    guard sums.mean.isFinite else { return Step(loss: sums, gradientNorm: .nan) }
    pass.backward(dropout: dropout)
    return Step(loss: sums, gradientNorm: descent.step(rate: rate, clipping: clipping))
  }

  /// The loss over all examples, without dropout.
  ///
  /// - Throws: `width`, `label` or `targets`.
  package func evaluate(_ examples: Examples<Element>) throws(EngineError) -> LossSums {
    try examples.check(for: network.architecture, loss: loss)
    var sums = LossSums()
    forEachBatch(of: examples) { sums.add(lossSums(gradient: nil)) }
    return sums
  }

  /// What the network makes of all examples, row by row: logits, or values.
  ///
  /// - Throws: `width`.
  package func outputs(of examples: Examples<Element>) throws(EngineError) -> [Element] {
    try examples.check(for: network.architecture, loss: nil)
    var rows: [Element] = []
    rows.reserveCapacity(examples.count * network.architecture.outputs)
    forEachBatch(of: examples) {
      let batch = pass.outputs
      for i in 0..<batch.count {
        for row in 0..<batch.rows { rows.append(batch.start[row * batch.stride + i]) }
      }
    }
    return rows
  }

  private func forEachBatch(of examples: Examples<Element>, _ body: () -> Void) {
    var indices = [Int32](repeating: 0, count: pass.capacity)
    for start in stride(from: 0, to: examples.count, by: pass.capacity) {
      let count = min(pass.capacity, examples.count - start)
      for place in 0..<count { indices[place] = Int32(start + place) }
      load(examples, indices: indices, count: count)
      pass.forward(dropout: nil)
      body()
    }
  }

  private func load(
    _ examples: Examples<Element>, indices: UnsafePointer<Int32>, count: Int
  ) {
    pass.begin(count: count)
    func gather(_ rows: [Element], _ width: Int, to buffer: Buffer<Element>) {
      Element.gather(
        rows, features: width, indices: indices, count: count, to: buffer.start,
        stride: pass.stride, on: pass.processor)
    }
    gather(examples.features, examples.width, to: pass.input)
    switch (examples.targets, loss) {
    case (.classes(let classes, _), .crossEntropy):
      for place in 0..<count { labels[place] = classes[Int(indices[place])] }
    case (.values(let rows, let width), .meanSquaredError): gather(rows, width, to: values)
    default: break
    }
  }

  private func lossSums(gradient: UnsafeMutablePointer<Element>?) -> LossSums {
    let outputs = pass.outputs
    switch loss {
    case .crossEntropy:
      return Element.softmax(
        outputs, labels: labels, weights: weights.map { UnsafePointer($0.start) },
        gradient: gradient, on: pass.processor)
    case .meanSquaredError:
      return Element.squaredError(
        outputs, values: values.start, gradient: gradient, on: pass.processor)
    }
  }
}

import CKernels

extension Float {
  /// Fewer numbers are changed by one thread alone.
  private static let countWorthSharing = 200_000

  /// On all threads where there is enough to do; what depends on the step only is rounded first.
  package static func visit(
    _ state: OptimizerState<Float>, _ update: Update, on processor: Processor
  ) {
    let count = state.blocks.reduce(0) { $0 + $1.count }
    let parts = count < countWorthSharing ? 1 : processor.threads * 2
    let share = Share(
      state: state, update: update, processor: Unmanaged.passUnretained(processor),
      size: (state.blocks.count + parts - 1) / parts)
    withUnsafePointer(to: share) { share in
      processor.run(parts: parts, UnsafeRawPointer(share), visitPart)
    }
  }

  /// Blocks that several threads work on.
  private struct Share {
    let state: OptimizerState<Float>
    let update: Update
    let processor: Unmanaged<Processor>
    let size: Int
  }

  private static let visitPart: Crew.Body = { context, part, _ in
    let share = context.assumingMemoryBound(to: Share.self).pointee
    let kernels = share.processor.takeUnretainedValue().kernels
    let state = share.state
    let end = Swift.min((part + 1) * share.size, state.blocks.count)
    for index in Swift.min(part * share.size, end)..<end {
      state.squares[index] = visit(state, state.blocks[index], share.update, kernels)
    }
  }

  private static func visit(
    _ state: OptimizerState<Float>, _ block: Block, _ update: Update, _ kernels: ckernels_floats
  ) -> Double {
    let gradients = state.gradients + block.start
    let parameters = state.parameters + block.start
    let first = state.first + block.start
    switch update {
    case .measure: return kernels.squares(gradients, block.count)
    case .sgd(let gradientScale, let decay, let momentum, let rate):
      var step = ckernels_sgd_step(
        gradient_scale: Float(gradientScale), decay: Float(decay), momentum: Float(momentum),
        rate: Float(rate))
      return kernels.sgd(&step, block.count, parameters, gradients, first)
    case .adamW(
      let gradientScale, let decay, let beta1, let beta2, let rate, let correction, let epsilon):
      var step = ckernels_adamw_step(
        gradient_scale: Float(gradientScale), decay: Float(decay), rest1: Float(1 - beta1),
        beta2: Float(beta2), rest2: Float(1 - beta2), rate: Float(rate),
        correction: Float(correction), epsilon: Float(epsilon))
      let second = state.second + block.start
      return kernels.adamw(&step, block.count, parameters, gradients, first, second)
    }
  }
}

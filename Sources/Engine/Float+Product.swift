import CKernels

extension Float {
  /// Twenty times what it costs to share work with another thread, in multiplications.
  private static let countWorthSharing = 4_000_000

  /// On all threads where the product is large enough to pay.
  package static func multiply(_ product: Product<Float>, on processor: Processor) {
    let parts = processor.threads * 2
    guard processor.threads > 1, product.m * product.n * product.k >= countWorthSharing,
      product.m >= parts || product.n >= parts * 32
    else { return multiply(product, scratch: processor.scratch(of: 0), on: processor) }
    // Cut along c's longer side, at multiples of every level's tile.
    let isCutByRows = product.m >= product.n
    let whole = isCutByRows ? product.m : product.n
    let unit = isCutByRows ? 12 : 32
    let size = (whole / unit + parts) / parts * unit
    let share = Share(
      product: product, processor: Unmanaged.passUnretained(processor), size: size,
      isCutByRows: isCutByRows)
    withUnsafePointer(to: share) { share in
      processor.run(parts: (whole + size - 1) / size, UnsafeRawPointer(share), multiplyPart)
    }
  }

  private static let multiplyPart: Crew.Body = { context, part, worker in
    let share = context.assumingMemoryBound(to: Share.self).pointee
    let processor = share.processor.takeUnretainedValue()
    multiply(share.part(part), scratch: processor.scratch(of: worker), on: processor)
  }

  /// A product that several threads work on.
  private struct Share {
    let product: Product<Float>
    let processor: Unmanaged<Processor>
    let size: Int
    let isCutByRows: Bool

    func part(_ index: Int) -> Product<Float> {
      var part = product
      let from = index * size
      if isCutByRows {
        part.m = Swift.min(size, product.m - from)
        part.a += from * product.aRow
        part.c += from * product.cRow
        part.bias = product.bias.map { $0 + from }
      } else {
        part.n = Swift.min(size, product.n - from)
        part.b += product.isTransposed ? from * product.bRow : from
        part.c += from
      }
      return part
    }
  }

  private static func multiply(
    _ p: Product<Float>, scratch: UnsafeMutablePointer<Float>, on processor: Processor
  ) {
    var matrices = ckernels_matrices(
      m: p.m, n: p.n, k: p.k, a: p.a, a_row: p.aRow, a_step: p.aStep, b: p.b, b_row: p.bRow,
      b_transposed: p.isTransposed ? 1 : 0, c: p.c, c_row: p.cRow, bias: p.bias,
      rectified: p.isRectified ? 1 : 0)
    processor.kernels.product(&matrices, scratch)
  }
}

import CKernels

/// How a chunk is taken apart into words, chosen on a sample.
struct PlanePlan {
  let words: Planes.Words
  let mapping: WordMapping
  /// Where a word's context is in the base's word.
  let shift: Int

  /// A sample has 16 pieces of so many words.
  private static let pieceWords = 256

  /// The plan whose planes are estimated to be smallest, the first of equals; nil when there is no
  /// word or all would be longer than the content.
  static func choose(
    _ content: UnsafeRawBufferPointer, element: DType?, base: UnsafeRawBufferPointer?,
    _ kernels: ckernels_codec
  ) -> PlanePlan? {
    let candidates = candidates(content.count, element, base).filter { $0.words.count > 0 }
    guard element == nil || candidates.count > 1 else { return candidates.first }
    var best: (plan: PlanePlan, bits: UInt64)?
    for plan in candidates {
      let bits = plan.estimatedBits(content, kernels)
      if bits < best?.bits ?? UInt64(8 * content.count) { best = (plan, bits) }
    }
    return best?.plan
  }

  private static func candidates(
    _ length: Int, _ element: DType?, _ base: UnsafeRawBufferPointer?
  ) -> [PlanePlan] {
    func plan(_ width: Int, _ mapping: WordMapping, shift: Int = 0) -> PlanePlan {
      PlanePlan(
        words: Planes.Words(length: length, width: width, base: base), mapping: mapping,
        shift: shift)
    }
    guard let element else {
      // Numbers of an unknown file often lie in words; the bytes before them may move them.
      return [1, 2, 4].map { plan($0, .plain) } + (base == nil ? [] : [plan(1, .xor)])
    }
    let width = element.sizeBytes
    let shift = element.contextShift
    // The exponents of F64 and F16 do not fill a byte either way, and F8 has but one byte.
    let alone = plan(width, [.f32, .bf16].contains(element) ? .rotated : .plain)
    guard base != nil else { return [alone] }
    let difference: WordMapping = element.isFloat ? .floatDifference : .integerDifference
    return [plan(width, difference, shift: shift), plan(width, .xor, shift: shift), alone]
  }

  private func estimatedBits(
    _ content: UnsafeRawBufferPointer, _ kernels: ckernels_codec
  ) -> UInt64 {
    let sampled = Sample(of: content, width: words.width, pieceWords: Self.pieceWords).bytes
    let sampledBase =
      words.base.map { Sample(of: $0, width: words.width, pieceWords: Self.pieceWords).bytes } ?? []
    return sampled.withUnsafeBytes { sampled in
      sampledBase.withUnsafeBytes { sampledBase in
        bits(sampled, base: words.base == nil ? nil : sampledBase, kernels)
      }
    }
  }

  private func bits(
    _ sample: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer?, _ kernels: ckernels_codec
  ) -> UInt64 {
    let sampled = Planes.Words(length: sample.count, width: words.width, base: base)
    let stride = sampled.count + Planes.slack
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: stride * (words.width + 2))
    defer { memory.deallocate() }
    let found = kernels.split(
      sampled.kernelWords(mapping, shift: shift), sample.baseOfBytes, memory, stride,
      memory + stride * words.width, memory + stride * (words.width + 1))
    var counts = [UInt32](repeating: 0, count: 256)
    let scale = UInt32(max(1, words.count / sampled.count))
    return (0..<words.width).reduce(0) { sum, index in
      kernels.histogram(memory + index * stride, found, &counts)
      return sum + ckernels_plane_bits(counts, scale)
    }
  }
}

extension DType {
  /// Where the context of a difference is in a word: the exponent, or an integer's top byte.
  fileprivate var contextShift: Int {
    switch self {
    case .f64: 52
    case .f32: 23
    case .bf16, .f16: 7
    default: 8 * (sizeBytes - 1)
    }
  }
}

import CKernels
import Weights

/// Calls the body with a level of the codec's loops in plain Swift, made of the twins.
func withTwinKernels<Value>(_ body: (CodecKernels) throws -> Value) rethrows -> Value {
  try "twin".withCString { name in
    var level = ckernels_codec(
      name: name,
      split: { splitTwin($0, $1, $2, $3, $4, $5) },
      merge: { mergeTwin($0, $1, $2, $3) },
      contexts: { contextsTwin($0, $1, $2) },
      count_groups: { countGroupsTwin($0, $1, $2) },
      gather: { groups, bytes, contexts, count, out in
        let bytes = array(bytes, count)
        store(places(groups, contexts, count).map { bytes[$0] }, out)
      },
      scatter: { scatterTwin($0, $1, $2, $3, $4) },
      histogram: { bytes, count, counts in
        counts.update(repeating: 0, count: 256)
        for byte in array(bytes, count) { counts[Int(byte)] += 1 }
      },
      histograms: { histogramsTwin($0, $1, $2, $3, $4, $5) },
      bitmap: { store(BitmapTwin.bitmap(array($0, $1)), $2) },
      compact: { bytes, count, out in
        let nonzeros = array(bytes, count).filter { $0 != 0 }
        store(nonzeros, out)
        return nonzeros.count
      },
      expand: { bitmap, nonzeros, count, out in
        let set = BitmapTwin.places(array(bitmap, (count + 7) / 8), count)
        var bytes = [UInt8](repeating: 0, count: count)
        for (index, nonzero) in zip(set, array(nonzeros, set.count)) { bytes[index] = nonzero }
        store(bytes, out)
      },
      deflate: { content, runs, count, out in
        let runs = (0..<count).map { Int(runs[$0]) }
        let stream = DeflateTwin.stream(of: array(content, runs.reduce(0, +)), runs: runs)
        store(stream, out)
        return stream.count
      },
      inflate: { inflateTwin($0, $1, $2) })
    return try withUnsafePointer(to: &level) { try body(CodecKernels(level: $0)) }
  }
}

private func array(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
  Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
}

private func store(_ bytes: [UInt8], _ memory: UnsafeMutablePointer<UInt8>?) {
  memory?.update(from: bytes, count: bytes.count)
}

/// The base's bytes; zeros for the mappings that have none.
private func base(_ words: ckernels_words) -> [UInt8] {
  let size = words.count * Int(words.width)
  return words.mapping < 2 ? [UInt8](repeating: 0, count: size) : array(words.base, size)
}

/// The words of the vectors that are kept.
private func keptWords(_ words: ckernels_words, _ kept: UnsafePointer<UInt8>?) -> [Int] {
  let perVector = 64 / Int(words.width)
  let bitmap = array(kept, (words.count + 8 * perVector - 1) / (8 * perVector))
  return (0..<words.count).filter { index in
    let vector = index / perVector
    return kept == nil || bitmap[vector / 8] >> (vector % 8) & 1 == 1
  }
}

private func splitTwin(
  _ words: ckernels_words, _ content: UnsafePointer<UInt8>?, _ planes: UnsafeMutablePointer<UInt8>?,
  _ stride: Int, _ contexts: UnsafeMutablePointer<UInt8>?, _ kept: UnsafeMutablePointer<UInt8>?
) -> Int {
  let width = Int(words.width)
  let twin = SplitTwin(
    array(content, words.count * width), base(words), width: width, mapping: Int(words.mapping),
    shift: Int(words.shift))
  for (index, plane) in twin.planes.enumerated() {
    store(plane, planes.map { $0 + index * stride })
  }
  if words.mapping >= 2 { store(twin.contexts, contexts) }
  store(twin.kept, kept)
  return twin.planes[0].count
}

private func mergeTwin(
  _ words: ckernels_words, _ planes: UnsafePointer<UnsafePointer<UInt8>?>,
  _ kept: UnsafePointer<UInt8>?, _ content: UnsafeMutablePointer<UInt8>?
) {
  let width = Int(words.width)
  let twin = MappingTwin(mapping: Int(words.mapping), bits: UInt64(8 * width))
  let indices = keptWords(words, kept)
  let planes = (0..<width).map { array(planes[$0], indices.count) }
  var mapped = [UInt64](repeating: 0, count: words.count)
  for (place, index) in indices.enumerated() {
    for plane in 0..<width { mapped[index] |= UInt64(planes[plane][place]) << UInt64(8 * plane) }
  }
  let base = base(words)
  store(
    mapped.indices.flatMap {
      littleEndian(twin.unmap(mapped[$0], word(base, $0, width)), size: width)
    }, content)
}

private func contextsTwin(
  _ words: ckernels_words, _ kept: UnsafePointer<UInt8>?, _ contexts: UnsafeMutablePointer<UInt8>?
) {
  let base = base(words)
  store(
    keptWords(words, kept).map {
      UInt8(truncatingIfNeeded: word(base, $0, Int(words.width)) >> UInt64(words.shift))
    }, contexts)
}

private func firsts(_ groups: UnsafePointer<ckernels_groups>) -> [UInt8] {
  withUnsafeBytes(of: groups.pointee.first) { Array($0.prefix(groups.pointee.count)) }
}

private func countGroupsTwin(
  _ groups: UnsafeMutablePointer<ckernels_groups>, _ contexts: UnsafePointer<UInt8>?, _ count: Int
) {
  let firsts = firsts(groups)
  var sizes = [UInt32](repeating: 0, count: 32)
  for context in array(contexts, count) { sizes[groupTwin(context, firsts)] += 1 }
  withUnsafeMutableBytes(of: &groups.pointee.sizes) { memory in
    sizes.withUnsafeBytes { memory.copyMemory(from: $0) }
  }
}

/// Where the bytes were that groups have in order.
private func places(
  _ groups: UnsafePointer<ckernels_groups>, _ contexts: UnsafePointer<UInt8>?, _ count: Int
) -> [Int] {
  let firsts = firsts(groups)
  let groupOf = (0...255).map { groupTwin(UInt8($0), firsts) }
  let contexts = array(contexts, count)
  return firsts.indices.flatMap { group in
    contexts.indices.filter { groupOf[Int(contexts[$0])] == group }
  }
}

private func scatterTwin(
  _ groups: UnsafePointer<ckernels_groups>, _ bytes: UnsafePointer<UInt8>?,
  _ contexts: UnsafePointer<UInt8>?, _ count: Int, _ out: UnsafeMutablePointer<UInt8>?
) {
  for (byte, place) in zip(array(bytes, count), places(groups, contexts, count)) {
    out?[place] = byte
  }
}

private func histogramsTwin(
  _ bytes: UnsafePointer<UInt8>?, _ contexts: UnsafePointer<UInt8>?, _ count: Int, _ step: Int,
  _ bins: UnsafePointer<UInt8>?, _ counts: UnsafeMutablePointer<UInt32>
) {
  let (bytes, contexts, bins) = (array(bytes, count), array(contexts, count), array(bins, 256))
  for index in 0..<count where index / 64 % step == 0 {
    counts[256 * Int(bins[Int(contexts[index])]) + Int(bytes[index])] += 1
  }
}

private func inflateTwin(
  _ streams: UnsafePointer<ckernels_stream>, _ count: Int, _ done: UnsafeMutablePointer<UInt8>?
) {
  for index in 0..<count {
    let stream = streams[index]
    let content = InflateTwin.content(
      of: array(stream.bytes, stream.count), count: stream.out_count)
    done?[index] = content == nil ? 0 : 1
    store(content ?? [], stream.out)
  }
}

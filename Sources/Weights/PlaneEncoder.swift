import CKernels
import Foundation

/// Makes the record of one chunk as planes.
struct PlaneEncoder {
  /// Fewer bytes are one stream: they are decoded in no time.
  private static let lanesBytesMin = 8_192
  private static let laneCount = 4
  /// A run is not cut into pieces of fewer bytes, since each has a table of its own.
  private static let pieceBytesMin = 2048

  private let content: UnsafeRawBufferPointer
  private let prediction: [UInt8]
  private let words: Planes.Words
  private let mapping: WordMapping
  private let shift: Int
  private let kernels: ckernels_codec
  private var out: [UInt8]

  init(
    _ content: UnsafeRawBufferPointer, _ plan: PlanePlan, prediction: [UInt8],
    _ kernels: CodecKernels
  ) {
    self.content = content
    self.prediction = prediction
    words = plan.words
    mapping = plan.mapping
    shift = plan.shift
    self.kernels = kernels.functions
    out =
      ChunkHeader(
        mode: .planes, width: words.width, mapping: mapping, length: content.count
      ).bytes
    out.reserveCapacity(content.count / 2 + 256)
  }

  /// The whole record.
  mutating func record() -> [UInt8] {
    let count = words.count
    let bitmapBytes = (words.vectorCount + 7) / 8
    let codedBytes = count + count / 8 + Groups.countMax
    let streamBytes =
      // A group has two runs at most, each lane may begin in one, and has its own header.
      ckernels_deflate_bound(codedBytes, 2 * Groups.countMax + Self.laneCount)
      + Self.laneCount * ckernels_deflate_bound(0, 0)
    CodecMemory.with(
      parts: [
        CodecMemory.stride(count) * words.width, count, bitmapBytes, count, codedBytes, streamBytes,
      ]
    ) { parts in
      appendWords(
        planes: parts[0], contexts: parts[1], bitmap: parts[2],
        PlaneSpace(gathered: parts[3], coded: parts[4], streams: parts[5]))
    }
    out += content[(count * words.width)...]
    return out
  }

  private mutating func appendWords(
    planes: UnsafeMutableRawBufferPointer, contexts: UnsafeMutableRawBufferPointer,
    bitmap: UnsafeMutableRawBufferPointer, _ space: PlaneSpace
  ) {
    let stride = CodecMemory.stride(words.count)
    let found = kernels.split(
      words.kernelWords(mapping, shift: shift), content.baseOfBytes,
      planes.baseOfBytes, stride, contexts.baseOfBytes, bitmap.baseOfBytes)
    if mapping.usesBase { out += prediction }
    appendBitmap(UnsafeRawBufferPointer(bitmap), kept: found, space)
    guard found > 0 else { return }
    let kept = (0..<words.width).map { index in
      UnsafeRawBufferPointer(planes)[part: index * stride..<index * stride + found]
    }
    appendPlanes(kept, contexts: UnsafeRawBufferPointer(contexts)[part: 0..<found], space)
  }

  /// Memory for the work on one plane.
  private struct PlaneSpace {
    let gathered: UnsafeMutableRawBufferPointer
    let coded: UnsafeMutableRawBufferPointer
    let streams: UnsafeMutableRawBufferPointer
  }

  private mutating func appendBitmap(
    _ bitmap: UnsafeRawBufferPointer, kept: Int, _ space: PlaneSpace
  ) {
    let vectors: KeptVectors = kept == words.count ? .all : kept == 0 ? .none : .some
    out.append(vectors.rawValue)
    guard vectors == .some else { return }
    let size = kernels.deflate(
      bitmap.baseOfBytes, [UInt32(bitmap.count)], 1, space.streams.baseOfBytes)
    out.append(number: size)
    out += space.streams[..<size]
  }

  private mutating func appendPlanes(
    _ planes: [UnsafeRawBufferPointer], contexts: UnsafeRawBufferPointer, _ space: PlaneSpace
  ) {
    let codings = planes.map { coding(of: $0) }
    var groups = Groups(count: contexts.count)
    if mapping.usesBase {
      let coded = zip(planes, codings).filter { $1 == .coded }.compactMap { $0.0.baseOfBytes }
      groups = Groups.choose(for: coded, contexts: contexts, kernels)
      out.append(UInt8(groups.count))
      if groups.count > 1 { out += [UInt8(shift)] + groups.firsts.dropFirst() }
    }
    for (plane, coding) in zip(planes, codings) {
      switch coding {
      case .zero: out.append(coding.rawValue)
      case .constant: out += [coding.rawValue, plane[0]]
      case .stored: appendStored(plane)
      case .coded: appendCoded(plane, groups, contexts, space)
      }
    }
  }

  /// Looks at a sample, and at all of a plane only where that says something.
  private func coding(of plane: UnsafeRawBufferPointer) -> PlaneCoding {
    var counts = [UInt32](repeating: 0, count: 256)
    let sample = Sample(of: plane).bytes
    kernels.histogram(sample, sample.count, &counts)
    if counts.contains(UInt32(sample.count)), let start = plane.baseAddress,
      memcmp(start, start + 1, plane.count - 1) == 0
    {
      return plane[0] == 0 ? .zero : .constant
    }
    // Where Huffman codes save less than an eightieth, they are not worth the time.
    let bits = ckernels_block_bits(counts, UInt32(max(1, plane.count / sample.count)))
    return bits * 80 <= UInt64(8 * plane.count) * 79 ? .coded : .stored
  }

  private mutating func appendStored(_ plane: UnsafeRawBufferPointer) {
    out.append(PlaneCoding.stored.rawValue)
    out += plane
  }

  private mutating func appendCoded(
    _ plane: UnsafeRawBufferPointer, _ groups: Groups, _ contexts: UnsafeRawBufferPointer,
    _ space: PlaneSpace
  ) {
    var ordered = plane
    if groups.count > 1 {
      withUnsafePointer(to: groups.groups) { groups in
        kernels.gather(
          groups, plane.baseOfBytes, contexts.baseOfBytes, plane.count,
          space.gathered.baseOfBytes)
      }
      ordered = UnsafeRawBufferPointer(space.gathered)[part: 0..<plane.count]
    }
    let start = out.count
    out.append(PlaneCoding.coded.rawValue)
    let runs = appendForms(of: ordered, groups, space)
    appendLanes(runs, space)
    guard out.count - start > plane.count else { return }
    out.removeSubrange(start...)
    appendStored(plane)
  }

  /// Appends how each group is coded, and puts what is coded into `space.coded`.
  ///
  /// - Returns: The runs of what is coded.
  private mutating func appendForms(
    of plane: UnsafeRawBufferPointer, _ groups: Groups, _ space: PlaneSpace
  ) -> [Int] {
    let forms = out.count
    out += [UInt8](repeating: 0, count: (groups.count + 3) / 4)
    var runs: [Int] = []
    var filled = 0
    var from = 0
    for (index, size) in groups.sizes.enumerated() {
      let bytes = plane[part: from..<from + size]
      from += size
      let target = UnsafeMutableRawBufferPointer(rebasing: space.coded[filled...])
      let form: GroupForm
      if let pieces = sparse(bytes, into: target) {
        form = pieces.isEmpty ? .zero : .sparse
        if let nonzeros = pieces.last { out.append(number: nonzeros) }
        runs += pieces
        filled += pieces.reduce(0, +)
      } else {
        form = .dense
        target.copyMemory(from: bytes)
        runs.append(size)
        filled += size
      }
      out[forms + index / 4] |= form.rawValue << (2 * (index % 4))
    }
    return runs
  }

  /// Writes a bitmap and the bytes that are not zero, where that is smaller than codes of all.
  ///
  /// - Returns: The sizes of the two; none when all bytes are zero; nil where it is not smaller.
  private func sparse(
    _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> [Int]? {
    guard let start = bytes.baseOfBytes, let out = target.baseOfBytes, !bytes.isEmpty else {
      return []
    }
    let bitmapBytes = (bytes.count + 7) / 8
    kernels.bitmap(start, bytes.count, out)
    let zeros = bytes.count - UnsafeRawBufferPointer(target)[part: 0..<bitmapBytes].setBitCount
    if zeros == bytes.count { return [] }
    // With fewer zeros a bitmap never pays.
    guard zeros > bytes.count / 5 else { return nil }
    let nonzeros = kernels.compact(start, bytes.count, out + bitmapBytes)
    var counts = [UInt32](repeating: 0, count: 256)
    kernels.histogram(out, bitmapBytes, &counts)
    let bitmapBits = ckernels_block_bits(counts, 1)
    kernels.histogram(out + bitmapBytes, nonzeros, &counts)
    let nonzeroBits = ckernels_block_bits(counts, 1)
    counts[0] = UInt32(zeros)
    guard bitmapBits + nonzeroBits < ckernels_block_bits(counts, 1) else { return nil }
    return [bitmapBytes, nonzeros]
  }

  /// Appends the streams of what is coded: four where they can be decoded side by side.
  private mutating func appendLanes(_ runs: [Int], _ space: PlaneSpace) {
    let lanes = Self.lanes(of: runs)
    out.append(UInt8(lanes.count))
    var streamBytes = 0
    var from = 0
    for lane in lanes {
      let size = lane.reduce(0, +)
      let coded = UnsafeRawBufferPointer(space.coded)[part: from..<from + size]
      let stream = UnsafeMutableRawBufferPointer(rebasing: space.streams[streamBytes...])
      let length = kernels.deflate(
        coded.baseOfBytes, lane.map { UInt32($0) }, lane.count, stream.baseOfBytes)
      out.append(number: size)
      out.append(number: length)
      streamBytes += length
      from += size
    }
    out += space.streams[..<streamBytes]
  }

  /// Deals runs to lanes of about the same size; a run is cut where it does not fit.
  static func lanes(of runs: [Int]) -> [[Int]] {
    let total = runs.reduce(0, +)
    guard total >= lanesBytesMin else { return runs.isEmpty ? [] : [runs] }
    let target = (total + laneCount - 1) / laneCount
    var lanes: [[Int]] = [[]]
    var filled = 0
    for run in runs {
      var rest = run
      while rest > 0 {
        let room = target - filled
        let isLast = lanes.count == laneCount
        if isLast || rest <= room + target / 8 {
          lanes[lanes.count - 1].append(rest)
          filled += rest
          rest = 0
        } else if room >= pieceBytesMin, rest - room >= pieceBytesMin {
          lanes[lanes.count - 1].append(room)
          rest -= room
          filled = target
        } else if filled == 0 {
          lanes[lanes.count - 1].append(rest)
          filled = rest
          rest = 0
        }
        if !isLast, rest > 0 || filled >= target - target / 8 {
          lanes.append([])
          filled = 0
        }
      }
    }
    return lanes.filter { !$0.isEmpty }
  }
}

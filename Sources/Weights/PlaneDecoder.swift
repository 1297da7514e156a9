import CKernels
import Storage

/// Takes the planes of one record apart and makes the chunk's content of them.
struct PlaneDecoder {
  private let words: Planes.Words
  private let mapping: WordMapping
  private var reader: RecordReader
  private let kernels: ckernels_codec

  init(
    _ words: Planes.Words, _ mapping: WordMapping, _ reader: RecordReader, _ kernels: CodecKernels
  ) {
    self.words = words
    self.mapping = mapping
    self.reader = reader
    self.kernels = kernels.functions
  }

  /// A plane whose streams are still to be decoded and put in their places.
  private struct Coded {
    let plane: UnsafeMutableRawBufferPointer
    /// One a group, with how many of its bytes are not zero where it is sparse.
    let forms: [(form: GroupForm, nonzeros: Int)]
    /// What the streams decode to; it can be read for the slack.
    let content: UnsafeMutableRawBufferPointer
  }

  /// Memory for the work on all planes.
  private struct Space {
    let contexts: UnsafeMutableRawBufferPointer
    /// A plane by its groups.
    let ordered: UnsafeMutableRawBufferPointer
    /// One a plane.
    let planes: ArraySlice<UnsafeMutableRawBufferPointer>
    /// What the streams of a plane decode to, one a plane.
    let contents: ArraySlice<UnsafeMutableRawBufferPointer>
  }

  /// Fills the content from what the reader has, all of it.
  mutating func decode(into content: UnsafeMutableRawBufferPointer) throws(RegistryError) {
    let kept = try bitmap()
    let count = kept.map { keptCount($0) } ?? words.count
    // No group takes more than its bytes and an eighth for a bitmap.
    let contentBytes = count + count / 8 + Groups.countMax
    let width = words.width
    let sizes =
      [count, count] + Array(repeating: count, count: width)
      + Array(repeating: contentBytes, count: width)
    let result = CodecMemory.with(parts: sizes) { parts in
      let space = Space(
        contexts: parts[0], ordered: parts[1], planes: parts[2..<2 + width],
        contents: parts[(2 + width)...])
      return Result { () throws(RegistryError) in
        try decode(into: content, kept, count: count, space)
      }
    }
    try result.get()
  }

  private mutating func decode(
    into content: UnsafeMutableRawBufferPointer, _ kept: [UInt8]?, count: Int, _ space: Space
  ) throws(RegistryError) {
    let planes =
      count == 0 ? space.planes.map { UnsafeRawBufferPointer($0) } : try planes(kept, space)
    let whole = words.count * words.width
    guard reader.rest.count == content.count - whole else {
      throw RecordReader.damage("its planes do not fill it")
    }
    kernels.merge(
      words.kernelWords(mapping, shift: 0), planes.map(\.baseOfBytes), kept, content.baseOfBytes)
    content[part: whole..<content.count].copyMemory(from: reader.rest)
  }

  /// Which vectors were kept; nil when all were.
  private mutating func bitmap() throws(RegistryError) -> [UInt8]? {
    let noneKept = [UInt8](repeating: 0, count: (words.vectorCount + 7) / 8)
    guard let vectors = KeptVectors(rawValue: try reader.byte()) else {
      throw RecordReader.damage("it does not say which vectors it has")
    }
    if vectors != .some { return vectors == .all ? nil : noneKept }
    let stream = try reader.bytes(try reader.number())
    var bitmap = noneKept
    let result = bitmap.withUnsafeMutableBytes { bitmap in
      Result { () throws(RegistryError) in
        try inflate([Stream(bytes: stream, target: bitmap)])
      }
    }
    try result.get()
    guard bitmap.hasNoBits(from: words.vectorCount) else {
      throw RecordReader.damage("its bitmap has bits after its end")
    }
    return bitmap
  }

  /// How many words the kept vectors have.
  private func keptCount(_ kept: [UInt8]) -> Int {
    let set = kept.withUnsafeBytes { $0.setBitCount }
    let perVector = Planes.vectorBytes / words.width
    let last = words.vectorCount - 1
    let isLastKept = kept[last / 8] >> (last % 8) & 1 == 1
    return set * perVector - (isLastKept ? words.vectorCount * perVector - words.count : 0)
  }

  /// Decodes all planes; they can be read for the slack where vectors were dropped.
  private mutating func planes(
    _ kept: [UInt8]?, _ space: Space
  ) throws(RegistryError) -> [UnsafeRawBufferPointer] {
    var groups = Groups(count: space.contexts.count)
    if mapping.usesBase, let read = try readGroups(kept, space.contexts) { groups = read }
    var planes: [UnsafeRawBufferPointer] = []
    var coded: [Coded] = []
    var streams: [Stream] = []
    for (plane, content) in zip(space.planes, space.contents) {
      planes.append(UnsafeRawBufferPointer(plane))
      switch PlaneCoding(rawValue: try reader.byte()) {
      case .zero: plane.initializeMemory(as: UInt8.self, repeating: 0)
      case .constant: plane.initializeMemory(as: UInt8.self, repeating: try reader.byte())
      case .stored:
        let stored = try reader.bytes(plane.count)
        if kept == nil || reader.rest.count >= Planes.slack {
          planes[planes.count - 1] = stored
        } else {
          plane.copyMemory(from: stored)
        }
      case .coded: coded.append(try readCoded(plane, groups, content, &streams))
      case nil: throw RecordReader.damage("a plane's coding is unknown")
      }
    }
    try inflate(streams)
    for plane in coded { try place(plane, groups, space) }
    return planes
  }

  /// The groups, and each kept word's context into `contexts`; nil for one group.
  private mutating func readGroups(
    _ kept: [UInt8]?, _ contexts: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) -> Groups? {
    let groupCount = Int(try reader.byte())
    guard (1...Groups.countMax).contains(groupCount) else {
      throw RecordReader.damage("it has an impossible number of groups")
    }
    guard groupCount > 1 else { return nil }
    let shift = Int(try reader.byte())
    guard shift < 8 * words.width else { throw RecordReader.damage("a context is outside a word") }
    let firsts = [0] + Array(try reader.bytes(groupCount - 1))
    guard zip(firsts, firsts.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw RecordReader.damage("its groups are not in order")
    }
    kernels.contexts(words.kernelWords(mapping, shift: shift), kept, contexts.baseOfBytes)
    return Groups(firsts: firsts, contexts: UnsafeRawBufferPointer(contexts), kernels)
  }

  private mutating func readCoded(
    _ plane: UnsafeMutableRawBufferPointer, _ groups: Groups,
    _ space: UnsafeMutableRawBufferPointer, _ streams: inout [Stream]
  ) throws(RegistryError) -> Coded {
    let packed = try reader.bytes((groups.count + 3) / 4)
    var forms: [(form: GroupForm, nonzeros: Int)] = []
    var contentBytes = 0
    for (index, size) in groups.sizes.enumerated() {
      guard let form = GroupForm(rawValue: packed[index / 4] >> (2 * (index % 4)) & 3) else {
        throw RecordReader.damage("a group's form is unknown")
      }
      let nonzeros = form == .sparse ? try reader.number() : 0
      guard nonzeros <= size, form != .sparse || nonzeros > 0 else {
        throw RecordReader.damage("a group has an impossible number of bytes")
      }
      forms.append((form, nonzeros))
      contentBytes += form == .dense ? size : form == .sparse ? (size + 7) / 8 + nonzeros : 0
    }
    guard packed[packed.count - 1] >> (2 * ((groups.count - 1) % 4 + 1)) == 0 else {
      throw RecordReader.damage("it has forms of no group")
    }
    // A plane of one dense group is decoded in its place.
    let isDense = groups.count == 1 && forms[0].form == .dense
    let content = isDense ? plane : space[part: 0..<contentBytes]
    try readLanes(of: content, &streams)
    return Coded(plane: plane, forms: forms, content: content)
  }

  private mutating func readLanes(
    of content: UnsafeMutableRawBufferPointer, _ streams: inout [Stream]
  ) throws(RegistryError) {
    var sizes: [(raw: Int, stream: Int)] = []
    for _ in 0..<(try reader.byte()) {
      sizes.append((try reader.number(), try reader.number()))
    }
    var start = 0
    for size in sizes {
      guard size.raw > 0, size.raw <= content.count - start else {
        throw RecordReader.damage("a plane's streams are longer than it")
      }
      let target = content[part: start..<start + size.raw]
      streams.append(Stream(bytes: try reader.bytes(size.stream), target: target))
      start += size.raw
    }
    guard start == content.count else {
      throw RecordReader.damage("a plane's streams are shorter than it")
    }
  }

  /// A zlib stream and the memory that it has to fill.
  private struct Stream {
    let bytes: UnsafeRawBufferPointer
    let target: UnsafeMutableRawBufferPointer
  }

  /// Decodes streams side by side; what is not of our encoder's kind, zlib decodes or refuses.
  private func inflate(_ streams: [Stream]) throws(RegistryError) {
    let parts = streams.compactMap { stream in
      stream.target.baseOfBytes.map { target in
        ckernels_stream(
          bytes: stream.bytes.baseOfBytes, count: stream.bytes.count, out: target,
          out_count: stream.target.count)
      }
    }
    var done = [UInt8](repeating: 0, count: parts.count)
    kernels.inflate(parts, parts.count, &done)
    for (stream, isDone) in zip(streams, done) where isDone == 0 {
      try Deflate.inflate(stream.bytes, into: stream.target)
    }
  }

  /// Puts what the streams of a plane gave into the plane.
  private func place(
    _ coded: Coded, _ groups: Groups, _ space: Space
  ) throws(RegistryError) {
    if coded.content.baseAddress == coded.plane.baseAddress { return }
    if coded.forms.allSatisfy({ $0.form == .dense }) {
      return scatter(UnsafeRawBufferPointer(coded.content), groups, space, into: coded.plane)
    }
    let target = groups.count == 1 ? coded.plane : space.ordered
    var from = UnsafeRawBufferPointer(coded.content)
    var start = 0
    for (size, (form, nonzeros)) in zip(groups.sizes, coded.forms) {
      let part = target[part: start..<start + size]
      start += size
      switch form {
      case .zero: part.initializeMemory(as: UInt8.self, repeating: 0)
      case .dense:
        part.copyMemory(from: from[part: 0..<size])
        from = from[part: size..<from.count]
      case .sparse:
        let bitmap = from[part: 0..<(size + 7) / 8]
        from = from[part: bitmap.count..<from.count]
        try expand(bitmap, from[part: 0..<nonzeros], into: part)
        from = from[part: nonzeros..<from.count]
      }
    }
    guard groups.count > 1 else { return }
    scatter(UnsafeRawBufferPointer(space.ordered), groups, space, into: coded.plane)
  }

  private func scatter(
    _ ordered: UnsafeRawBufferPointer, _ groups: Groups, _ space: Space,
    into plane: UnsafeMutableRawBufferPointer
  ) {
    withUnsafePointer(to: groups.groups) { groups in
      kernels.scatter(
        groups, ordered.baseOfBytes, space.contexts.baseOfBytes, plane.count, plane.baseOfBytes)
    }
  }

  private func expand(
    _ bitmap: UnsafeRawBufferPointer, _ nonzeros: UnsafeRawBufferPointer,
    into part: UnsafeMutableRawBufferPointer
  ) throws(RegistryError) {
    let set = bitmap.setBitCount
    let used = part.count % 8
    guard set == nonzeros.count, used == 0 || bitmap[bitmap.count - 1] >> used == 0 else {
      throw RecordReader.damage("a bitmap does not fit its bytes")
    }
    kernels.expand(bitmap.baseOfBytes, nonzeros.baseOfBytes, part.count, part.baseOfBytes)
  }
}

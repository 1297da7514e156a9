/// Writes pickles of protocol 2 as `torch.save` does, and wrong ones.
struct PickleMaker {
  var bytes: [UInt8] = [0x80, 2]

  /// A pickle of what the body writes.
  static func make(_ body: (inout PickleMaker) -> Void) -> [UInt8] {
    var maker = PickleMaker()
    body(&maker)
    return maker.bytes + [UInt8(ascii: ".")]
  }

  mutating func op(_ code: Character) { bytes.append(code.asciiValue ?? 0) }

  mutating func text(_ text: String) {
    op("X")
    bytes += UInt32(text.utf8.count).littleEndianBytes + Array(text.utf8)
  }

  mutating func int(_ number: Int) {
    if let small = Int32(exactly: number) {
      op("J")
      bytes += small.littleEndianBytes
    } else {
      bytes += [0x8A, 8] + Int64(number).littleEndianBytes
    }
  }

  mutating func ints(_ numbers: [Int]) {
    op("(")
    for number in numbers { int(number) }
    op("t")
  }

  mutating func global(_ module: String, _ name: String) {
    op("c")
    bytes += Array("\(module)\n\(name)\n".utf8)
  }

  mutating func dict(_ pairs: [(key: String, value: (inout PickleMaker) -> Void)]) {
    op("}")
    op("(")
    for pair in pairs {
      text(pair.key)
      pair.value(&self)
    }
    op("u")
  }

  mutating func storage(_ type: String, _ key: String, count: Int) {
    op("(")
    text("storage")
    global("torch", type)
    text(key)
    text("cpu")
    int(count)
    op("t")
    op("Q")
  }

  /// A tensor; `strides` are those of the usual order unless given.
  mutating func tensor(
    _ type: String = "FloatStorage", _ key: String, count: Int, offset: Int = 0, _ shape: [Int],
    strides: [Int]? = nil
  ) {
    global("torch._utils", "_rebuild_tensor_v2")
    op("(")
    storage(type, key, count: count)
    int(offset)
    ints(shape)
    let usual = shape.indices.map { shape[($0 + 1)...].reduce(1) { $0 &* $1 } }
    ints(strides ?? usual)
    bytes.append(0x89)
    global("collections", "OrderedDict")
    op(")")
    op("R")
    op("t")
    op("R")
  }
}

/// The bytes of a PyTorch archive with this pickle and these storages.
func torch(_ pickle: [UInt8], _ storages: [(key: String, content: [UInt8])]) -> [UInt8] {
  zip(torchEntries(pickle, storages))
}

/// What is in such an archive.
func torchEntries(
  _ pickle: [UInt8], _ storages: [(key: String, content: [UInt8])], byteOrder: String = "little"
) -> [MadeEntry] {
  [MadeEntry("m/data.pkl", pickle), MadeEntry("m/byteorder", Array(byteOrder.utf8))]
    + storages.map { MadeEntry("m/data/\($0.key)", $0.content) }
    + [MadeEntry("m/version", Array("3\n".utf8))]
}

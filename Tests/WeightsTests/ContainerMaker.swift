/// A file in a zip archive that a test makes.
struct MadeEntry {
  var name: String
  var content: [UInt8]
  var method: UInt16 = 0
  /// What the list says instead of the truth.
  var claimedSize: UInt32?
  var claimedOffset: UInt32?

  init(_ name: String, _ content: [UInt8]) {
    self.name = name
    self.content = content
  }
}

/// The bytes of a zip archive; each content begins at a multiple of 64, as PyTorch has it.
func zip(_ entries: [MadeEntry], isLarge: Bool = false, comment: String = "") -> [UInt8] {
  var file: [UInt8] = []
  var list: [UInt8] = []
  for entry in entries {
    let offset = file.count
    let name = Array(entry.name.utf8)
    let padding = (128 - (offset + 30 + name.count + 4) % 64) % 64
    let size = UInt32(entry.content.count).littleEndianBytes
    let common =
      [0, 0] + entry.method.littleEndianBytes + [0, 0, 0x21, 0, 0, 0, 0, 0] + size + size
      + UInt16(name.count).littleEndianBytes
    file += [0x50, 0x4B, 3, 4, 20, 0] + common + UInt16(4 + padding).littleEndianBytes + name
    file += [0x46, 0x42] + UInt16(padding).littleEndianBytes
    file += [UInt8](repeating: 0x5A, count: padding) + entry.content
    let claimed = entry.claimedSize.map(\.littleEndianBytes) ?? size
    let claimedOffset = entry.claimedOffset ?? UInt32(offset)
    var extra: [UInt8] = []
    var fields = common
    fields.replaceSubrange(12..<20, with: claimed + claimed)
    if isLarge {
      fields.replaceSubrange(12..<20, with: [UInt8](repeating: 255, count: 8))
      extra = [1, 0, 24, 0] + UInt64(entry.content.count).littleEndianBytes
      extra += UInt64(entry.content.count).littleEndianBytes + UInt64(offset).littleEndianBytes
    }
    list += [0x50, 0x4B, 1, 2, 20, 0, 20, 0] + fields + UInt16(extra.count).littleEndianBytes
    list += [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    list += isLarge ? [255, 255, 255, 255] : claimedOffset.littleEndianBytes
    list += name + extra
  }
  let start = file.count
  file += list
  let count = UInt16(truncatingIfNeeded: entries.count)
  if isLarge {
    let end = UInt64(file.count)
    file += [0x50, 0x4B, 6, 6] + UInt64(44).littleEndianBytes + [45, 0, 45, 0, 0, 0, 0, 0]
    file += [0, 0, 0, 0]
    for number in [entries.count, entries.count, list.count, start] {
      file += UInt64(number).littleEndianBytes
    }
    file += [0x50, 0x4B, 6, 7, 0, 0, 0, 0] + end.littleEndianBytes + [1, 0, 0, 0]
  }
  file += [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
  let counts = isLarge ? [255, 255, 255, 255] : count.littleEndianBytes + count.littleEndianBytes
  file += counts
  file +=
    isLarge
    ? [UInt8](repeating: 255, count: 8)
    : UInt32(list.count).littleEndianBytes + UInt32(start).littleEndianBytes
  return file + UInt16(comment.utf8.count).littleEndianBytes + Array(comment.utf8)
}

/// The bytes of a `.npy` file.
func npy(
  _ descr: String, _ shape: [Int], _ content: [UInt8], isFortran: Bool = false, version: UInt8 = 1
) -> [UInt8] {
  let numbers = shape.map { "\($0)," }.joined(separator: " ")
  let text =
    "{'descr': \(descr), 'fortran_order': \(isFortran ? "True" : "False"), "
    + "'shape': (\(numbers)), }"
  let prefix = version == 1 ? 10 : 12
  let blanks = String(repeating: " ", count: 63 - (prefix + text.utf8.count) % 64)
  let header = Array((text + blanks + "\n").utf8)
  let length =
    version == 1
    ? UInt16(header.count).littleEndianBytes : UInt32(header.count).littleEndianBytes
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + header + content
}

/// A tensor for a GGUF file that a test makes; the shape has the outermost dimension first.
struct MadeBlock {
  var name: String
  var type: UInt32
  var shape: [Int]
  var content: [UInt8]
  var claimedOffset: UInt64?

  init(_ name: String, _ type: UInt32, _ shape: [Int], _ content: [UInt8]) {
    self.name = name
    self.type = type
    self.shape = shape
    self.content = content
  }
}

/// Parts of a GGUF file.
enum GGUF {
  static func text(_ text: String) -> [UInt8] {
    UInt64(text.utf8.count).littleEndianBytes + Array(text.utf8)
  }

  static func pair(_ key: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] {
    text(key) + type.littleEndianBytes + value
  }

  /// The bytes of a file with these pairs and tensors, and the counts that it claims.
  static func file(
    _ tensors: [MadeBlock], pairs: [[UInt8]] = [], alignment: Int = 32, version: UInt32 = 3,
    tensorCount: UInt64? = nil, pairCount: UInt64? = nil
  ) -> [UInt8] {
    var file = Array("GGUF".utf8) + version.littleEndianBytes
    file += (tensorCount ?? UInt64(tensors.count)).littleEndianBytes
    file += (pairCount ?? UInt64(pairs.count)).littleEndianBytes + pairs.joined()
    var offset = 0
    for tensor in tensors {
      file += text(tensor.name) + UInt32(tensor.shape.count).littleEndianBytes
      for dimension in tensor.shape.reversed() {
        file += UInt64(bitPattern: Int64(dimension)).littleEndianBytes
      }
      file += tensor.type.littleEndianBytes
      file += (tensor.claimedOffset ?? UInt64(offset)).littleEndianBytes
      offset += (tensor.content.count + alignment - 1) / alignment * alignment
    }
    func pad() {
      file += [UInt8](repeating: 0, count: (alignment - file.count % alignment) % alignment)
    }
    pad()
    for tensor in tensors {
      file += tensor.content
      pad()
    }
    return file
  }
}

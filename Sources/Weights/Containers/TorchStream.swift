import Storage

/// Finds the tensors of what `torch.save` made before 1.6: five pickles, then the storages.
///
/// Source: torch/serialization.py, `_legacy_save`.
enum TorchStream {
  /// 0x1950a86a20f9469cfc6c as a pickle has it.
  private static let magic: [UInt8] = [
    0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// Whether a file begins with the number that all of them have.
  static func starts(_ head: [UInt8]) -> Bool {
    head.first == 0x80
      && (head.dropFirst(2).starts(with: magic) || head.dropFirst(11).starts(with: magic))
  }

  /// Reads the pickles and cuts the file.
  ///
  /// - Throws: `invalidInput` when the file is malformed, or the pickles cannot be read.
  static func segments(of file: SourceFile) throws -> [Segment] {
    let head = try file.read(
      at: 0, sizeBytes: Int(min(file.sizeBytes, TorchFile.pickleBytesMax)))
    var start = 0
    func next() throws -> (Pickle, root: Int32) {
      var reader = try PickleReader(head, at: start)
      let root = try reader.read()
      start = reader.index
      return (reader.pickle, root)
    }
    _ = try next()  // the number, then the version
    _ = try next()
    let isBigEndian = try isBigEndian(try next())
    let (pickle, root) = try next()
    let tensors = TorchTensors(pickle, root: root)
    let (keys, list) = try next()
    var offset = Int64(start)
    var segments: [Segment] = []
    for key in keys.members(of: list) {
      guard let key = keys.text(of: key).map(Array.init), let storage = tensors.storages[key]
      else { throw Container.fault("a storage has no key") }
      var cursor = try FileCursor(file, from: offset, to: min(file.sizeBytes, offset + 8))
      let count: Int64 = try cursor.number()
      let (size, overflows) = count.multipliedReportingOverflow(by: storage.element?.sizeBytes ?? 1)
      guard count == storage.count, !overflows, size <= file.sizeBytes - offset - 8 else {
        throw Container.fault("a storage ends too early")
      }
      let content = offset + 8..<offset + 8 + size
      segments +=
        storage.segments(in: content, isBigEndian: isBigEndian)
        ?? [TorchFile.unexplained(key, content)]
      offset = content.upperBound
    }
    guard !segments.isEmpty else { throw Container.fault("it has no tensors") }
    return try Segment.parts(segments, ofFileOf: file.sizeBytes)
  }

  private static func isBigEndian(_ system: (Pickle, root: Int32)) throws -> Bool {
    let (pickle, root) = system
    let members = pickle.members(of: root)
    for (key, value) in zip(members, members.dropFirst())
    where pickle.text(of: key)?.elementsEqual("little_endian".utf8) == true {
      return pickle.kind(of: value) == .bool && pickle.values[Int(value)].first == 0
    }
    return false
  }
}

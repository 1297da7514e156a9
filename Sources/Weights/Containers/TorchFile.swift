import Storage

/// Finds the tensors of PyTorch's zip archives: `torch.save` since 1.6, TorchScript.
///
/// Each storage lies open in the archive; which tensors show it is in a pickle that is read as
/// data. A storage that the pickle does not explain has its own key as its name, and no type.
///
/// Source: torch/serialization.py.
enum TorchFile {
  static let pickleBytesMax: Int64 = 8 << 20
  /// The type of what the pickle does not explain.
  static let unknownName = "UNKNOWN"

  /// Cuts an archive.
  ///
  /// - Returns: The parts; nil when it is not PyTorch's, or has no storages.
  /// - Throws: `invalidInput` when it is malformed.
  static func segments(of file: SourceFile, _ zip: ZipDirectory) throws -> [Segment]? {
    let pickleName = Array("data.pkl".utf8)
    let found = zip.entries.first { entry in
      let folder = entry.name.dropLast(pickleName.count)
      return entry.name.suffix(pickleName.count).elementsEqual(pickleName)
        && folder.last ?? 47 == 47
    }
    guard let found else { return nil }
    let root = Array(found.name.dropLast(pickleName.count))
    let tensors = try readTensors(found, of: file, zip)
    let order = try zip.entries.first { $0.name == root + Array("byteorder".utf8) }
      .flatMap { try zip.content(of: $0, in: file) }
    let isBigEndian =
      try order.map { place in
        try place.count == 3 && file.read(at: place.lowerBound, sizeBytes: 3) == Array("big".utf8)
      } ?? false
    let folder = root + Array("data/".utf8)
    let segments = try zip.entries.flatMap { entry -> [Segment] in
      guard entry.name.starts(with: folder), entry.name.count > folder.count,
        let content = try zip.content(of: entry, in: file)
      else { return [] }
      let key = Array(entry.name.dropFirst(folder.count))
      return tensors?.storages[key]?.segments(in: content, isBigEndian: isBigEndian)
        ?? [unexplained(key, content)]
    }
    return segments.isEmpty ? nil : try Segment.parts(segments, ofFileOf: file.sizeBytes)
  }

  /// A storage of which only its key is known.
  static func unexplained(_ key: [UInt8], _ content: Range<Int64>) -> Segment {
    let size = content.upperBound - content.lowerBound
    let name = "data/" + String(decoding: key.prefix(TorchTensors.nameBytesMax), as: UTF8.self)
    return Segment(
      tensor: .init(name: name, dtypeName: unknownName, shape: [Int(size)]),
      offset: content.lowerBound, sizeBytes: size)
  }

  /// What the pickle says; nil when it cannot be read.
  private static func readTensors(
    _ entry: ZipDirectory.Entry, of file: SourceFile, _ zip: ZipDirectory
  ) throws -> TorchTensors? {
    guard entry.sizeBytes <= pickleBytesMax, let content = try zip.content(of: entry, in: file)
    else { return nil }
    let bytes = try file.read(at: content.lowerBound, sizeBytes: Int(entry.sizeBytes))
    do {
      var reader = try PickleReader(bytes)
      let root = try reader.read()
      return TorchTensors(reader.pickle, root: root)
    } catch let error as RegistryError where error.kind == .invalidInput {
      return nil
    }
  }
}

extension TorchTensors.Storage {
  /// Cuts a storage's bytes into the tensors that show it.
  ///
  /// Of tensors that show the same place the one that begins first counts, the largest of these;
  /// where values lie apart in all of them, the first gives the storage its name.
  ///
  /// - Returns: The tensors; nil when the pickle and the bytes contradict each other.
  func segments(in content: Range<Int64>, isBigEndian: Bool) -> [Segment]? {
    let size = content.upperBound - content.lowerBound
    let unit = element?.sizeBytes ?? 1
    let (expected, overflows) = count.multipliedReportingOverflow(by: unit)
    guard !overflows, expected == size, let first = views.first else { return nil }
    func segment(_ view: TorchTensors.View, _ part: Range<Int64>, _ shape: [Int]) -> Segment {
      let name =
        view.element.sizeBytes > 1 && isBigEndian
        ? ">" + view.element.name : view.element.name
      return Segment(
        tensor: .init(name: view.name, dtypeName: name, shape: shape),
        offset: content.lowerBound + part.lowerBound,
        sizeBytes: part.upperBound - part.lowerBound)
    }
    let dense = views.compactMap { view -> (TorchTensors.View, Range<Int64>, [Int])? in
      guard let shape = view.shape, let part = view.place(in: size) else { return nil }
      return (view, part, shape)
    }
    guard !dense.isEmpty else {
      let whole = Int(size / first.element.sizeBytes)
      guard size.isMultiple(of: first.element.sizeBytes) else { return nil }
      return [segment(first, 0..<size, [whole])]
    }
    var reached: Int64 = 0
    var segments: [Segment] = []
    let order = dense.indices.sorted {
      (dense[$0].1.lowerBound, -dense[$0].1.upperBound, $0)
        < (dense[$1].1.lowerBound, -dense[$1].1.upperBound, $1)
    }
    for (view, part, shape) in order.map({ dense[$0] })
    where part.lowerBound >= reached && (!part.isEmpty || size == 0 && segments.isEmpty) {
      segments.append(segment(view, part, shape))
      reached = part.upperBound
    }
    return segments.isEmpty ? nil : segments
  }
}

extension TorchTensors.View {
  /// Which bytes of a storage it shows; nil when they are not all there.
  fileprivate func place(in sizeBytes: Int64) -> Range<Int64>? {
    var count: Int64 = 1
    for dimension in shape ?? [] {
      let (product, overflows) = count.multipliedReportingOverflow(by: Int64(dimension))
      guard !overflows else { return nil }
      count = product
    }
    let (begin, beginOverflows) = offset.multipliedReportingOverflow(by: element.sizeBytes)
    let (length, lengthOverflows) = count.multipliedReportingOverflow(by: element.sizeBytes)
    guard !beginOverflows, !lengthOverflows, begin <= sizeBytes, length <= sizeBytes - begin
    else { return nil }
    return begin..<begin + length
  }
}

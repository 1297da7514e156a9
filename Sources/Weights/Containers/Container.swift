import Storage

/// The format of a file that decides where its tensors begin and end.
package enum Container: String, Sendable, CaseIterable {
  // The raw values are stored.
  case safetensors
  case gguf
  case npy
  case npz
  case torch
  /// Anything else, cut by its content.
  case bytes

  /// Recognises a file by its first bytes, and finds its tensors.
  ///
  /// Only a name that ends in `.safetensors` is a promise; what any other file turns out not to be
  /// is kept as bytes.
  ///
  /// - Parameters:
  ///   - file: The open file.
  ///   - asBytes: Whether the name is no promise either.
  /// - Returns: The container, and all parts of the file in order; no parts for `bytes`.
  /// - Throws: `invalidInput` for a malformed file whose name is a promise; `unavailable`.
  static func layout(
    of file: SourceFile, asBytes: Bool
  ) throws -> (container: Container, segments: [Segment]?) {
    if !asBytes && SafetensorsFile.isNamedBy(file.name) {
      return (.safetensors, try SafetensorsFile.segments(of: file))
    }
    do {
      return try recognised(file) ?? (.bytes, nil)
    } catch let error as RegistryError where error.kind == .invalidInput {
      return (.bytes, nil)
    }
  }

  private static func recognised(
    _ file: SourceFile
  ) throws -> (container: Container, segments: [Segment]?)? {
    let head = try file.read(at: 0, sizeBytes: Int(min(file.sizeBytes, 32)))
    if head.starts(with: GGUFFile.magic) { return (.gguf, try GGUFFile.segments(of: file)) }
    if head.starts(with: NpyHeader.magic) { return (.npy, try NpyFile.segments(of: file)) }
    if head.starts(with: ZipDirectory.magic) {
      let zip = try ZipDirectory(file)
      if let segments = try TorchFile.segments(of: file, zip) { return (.torch, segments) }
      return try NpyFile.segments(of: file, zip).map { (.npz, $0) }
    }
    if TorchStream.starts(head) { return (.torch, try TorchStream.segments(of: file)) }
    if head.dropFirst(8).first == UInt8(ascii: "{") {
      return (.safetensors, try SafetensorsFile.segments(of: file))
    }
    return nil
  }

  /// The fault of a file that is not what its first bytes say.
  static func fault(_ what: String) -> RegistryError { RegistryError(.invalidInput, what) }
}

extension Segment {
  /// All parts of a file: its tensors, and what lies before, between and after them.
  ///
  /// - Parameters:
  ///   - tensors: In any order.
  ///   - sizeBytes: The size of the file.
  /// - Returns: The tensors by their place, and the other parts between them.
  /// - Throws: `invalidInput` when tensors overlap or reach beyond the end, or are so many and small
  ///   that to keep them apart costs more than it can save.
  static func parts(_ tensors: [Segment], ofFileOf sizeBytes: Int64) throws -> [Segment] {
    guard tensors.count <= 4096 + sizeBytes / 4096 else {  // a part costs some 100 B and 40 µs
      throw Container.fault("it has more tensors than any file of its size")
    }
    var parts: [Segment] = []
    parts.reserveCapacity(2 * tensors.count + 1)
    var reached: Int64 = 0
    func fill(to end: Int64) {
      guard end > reached else { return }
      parts.append(Segment(tensor: nil, offset: reached, sizeBytes: end - reached))
    }
    let order = tensors.sorted { ($0.offset, $0.sizeBytes) < ($1.offset, $1.sizeBytes) }
    for tensor in order {
      let (end, overflows) = tensor.offset.addingReportingOverflow(tensor.sizeBytes)
      guard tensor.offset >= reached, tensor.sizeBytes >= 0, !overflows, end <= sizeBytes else {
        throw Container.fault("two tensors overlap, or one ends beyond the file")
      }
      fill(to: tensor.offset)
      parts.append(tensor)
      reached = end
    }
    fill(to: sizeBytes)
    return parts
  }
}

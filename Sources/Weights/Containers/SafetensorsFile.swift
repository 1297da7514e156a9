import Foundation
import Storage

/// Cuts a safetensors file into its header and tensors, or refuses it with one sentence.
///
/// Source: https://huggingface.co/docs/safetensors, "Format".
enum SafetensorsFile {
  /// Whether a file's name says that it is one.
  static func isNamedBy(_ name: String) -> Bool {
    name.lowercased().hasSuffix(".safetensors")
  }

  /// Reads and checks the header.
  ///
  /// - Parameter file: The open file.
  /// - Returns: The header (with its length, 8 bytes) and the tensors, in file order, without
  ///   holes.
  /// - Throws: `invalidInput` naming the first fault.
  static func segments(of file: SourceFile) throws -> [Segment] {
    let name = file.name
    func fault(_ what: String) -> RegistryError {
      RegistryError(.invalidInput, "'\(name)' is not a valid safetensors file: \(what)")
    }
    let length = try headerLength(of: file, fault)
    let header = try SafetensorsHeader(file, sizeBytes: length)
    var segments = [Segment(tensor: nil, offset: 0, sizeBytes: 8 + length)]
    let content = file.sizeBytes - 8 - length
    var reached: Int64 = 0
    for entry in header.entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      let tensor = "tensor '\(entry.tensor.name.excerpt)'"
      guard entry.begin <= entry.end else { throw fault("\(tensor) ends before it begins") }
      guard entry.end <= content else {
        throw fault("\(tensor) ends at byte \(entry.end) of \(content)")
      }
      guard entry.begin >= reached else { throw fault("\(tensor) overlaps the one before") }
      guard entry.begin == reached else {
        throw fault("\(entry.begin - reached) bytes before \(tensor) belong to none")
      }
      try check(entry, tensor, fault)
      segments.append(
        Segment(
          tensor: entry.tensor, offset: 8 + length + entry.begin,
          sizeBytes: entry.end - entry.begin))
      reached = entry.end
    }
    guard reached == content else {
      throw fault("\(content - reached) bytes after the last tensor belong to none")
    }
    return segments
  }

  private static func headerLength(
    of file: SourceFile, _ fault: (String) -> RegistryError
  ) throws -> Int64 {
    guard file.sizeBytes >= 8 else { throw fault("it has \(file.sizeBytes) bytes") }
    let length = try file.read(at: 0, sizeBytes: 8)
      .reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= SafetensorsHeader.sizeBytesMax else {
      throw fault("its header would have \(length) bytes")
    }
    guard Int64(length) <= file.sizeBytes - 8 else {
      throw fault("its header of \(length) bytes is cut off")
    }
    return Int64(length)
  }

  private static func check(
    _ entry: SafetensorsHeader.Entry, _ tensor: String, _ fault: (String) -> RegistryError
  ) throws {
    var count = 1
    for dimension in entry.tensor.shape where count != 0 {
      let (product, overflows) = count.multipliedReportingOverflow(by: dimension)
      guard !overflows || entry.tensor.shape.contains(0) else {
        throw fault("\(tensor) has more elements than can be counted")
      }
      count = overflows ? 0 : product
    }
    guard let dtype = DType(safetensorsName: entry.tensor.dtypeName) else { return }
    let (size, overflows) = count.multipliedReportingOverflow(by: dtype.sizeBytes)
    guard !overflows, Int64(size) == entry.end - entry.begin else {
      throw fault(
        "\(tensor) has \(entry.end - entry.begin) bytes, its shape and type another number")
    }
  }
}

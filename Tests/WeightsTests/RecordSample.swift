import Storage
import Testing
import Weights

/// A record with what decoding needs.
struct RecordSample {
  var name = ""
  var record: [UInt8] = []
  let length: Int
  var base: [UInt8]?
  var factor: [UInt8]?

  /// What the codec makes of a record in this one's place; nil for `corrupt`, and any other error
  /// is recorded.
  func decode(_ record: [UInt8], _ kernels: CodecKernels = .best) -> [UInt8]? {
    do {
      return try ChunkCodec.decode(
        record, length: length, base: base, factor: factor, kernels: kernels)
    } catch let error as RegistryError where error.kind == .corrupt {
      return nil
    } catch {
      Issue.record(error)
      return nil
    }
  }

  /// What the page says that a record in this one's place means; nil where it is none.
  func meaning(_ record: [UInt8]) -> [UInt8]? {
    var reference = CodecReference(record)
    let content = try? reference.content(base: base, factor: factor)
    return content?.count == length ? content : nil
  }
}

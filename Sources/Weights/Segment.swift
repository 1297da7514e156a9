import Foundation
import GRDB
import Storage

/// A part of a file: a tensor, or bytes of any other kind.
struct Segment: Sendable, Equatable {
  /// What makes a segment a tensor.
  struct TensorInfo: Sendable, Equatable {
    let name: String
    let dtypeName: String
    let shape: [Int]
  }

  let tensor: TensorInfo?
  let offset: Int64
  let sizeBytes: Int64

  /// The type of its elements; nil when the content is plain bytes or of a type that we do not
  /// know.
  var dtype: DType? { tensor.flatMap { DType(safetensorsName: $0.dtypeName) } }

  /// The size of every chunk but the last: one index means the same values in every type up to 4
  /// bytes.
  var chunkSizeBytes: Int {
    switch dtype?.sizeBytes {
    case nil, 8: 1 << 20
    case .some(let element): 262_144 * element
    }
  }

  /// How many chunks its content is cut into.
  var chunkCount: Int {
    Int((sizeBytes + Int64(chunkSizeBytes) - 1) / Int64(chunkSizeBytes))
  }

  /// The size of one chunk.
  func sizeBytes(ofChunk index: Int) -> Int {
    Int(min(Int64(chunkSizeBytes), sizeBytes - Int64(index) * Int64(chunkSizeBytes)))
  }
}

/// A segment as it is stored, with the ids of its chunks in order.
struct StoredSegment: Equatable {
  let position: Int
  let segment: Segment
  let chunkIds: [Int64]

  func insert(blobId: Int64, _ db: Database) throws {
    let tensor = segment.tensor
    let shape = tensor.map { JSON.array($0.shape.map { .integer(Int64($0)) }).text() }
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO segment (blobId, position, name, dtype, shape, offset, sizeBytes, chunkIds)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """)
    try statement.execute(arguments: [
      blobId, position, tensor.map { Data($0.name.utf8) }, tensor?.dtypeName, shape,
      segment.offset, segment.sizeBytes, ChunkList.encode(chunkIds),
    ])
  }

  /// Reads the segments of a blob in file order.
  static func list(blobId: Int64, tensorsOnly: Bool = false, _ db: Database) throws
    -> [StoredSegment]
  {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT position, name, dtype, shape, offset, sizeBytes, chunkIds FROM segment
        WHERE blobId = ? AND (name IS NOT NULL OR NOT ?) ORDER BY position
        """, arguments: [blobId, tensorsOnly])
    var segments: [StoredSegment] = []
    while let row = try rows.next() { segments.append(try StoredSegment(row)) }
    return segments
  }

  init(_ row: Row) throws(RegistryError) {
    position = try row.value("position")
    segment = Segment(
      tensor: try Self.tensor(row), offset: try row.value("offset"),
      sizeBytes: try row.value("sizeBytes"))
    guard (0...Blob.sizeBytesMax).contains(segment.offset),
      (0...Blob.sizeBytesMax).contains(segment.sizeBytes)
    else { throw RegistryError(.corrupt, "segment \(position) has an impossible size or place") }
    let list: Data = try row.value("chunkIds")
    chunkIds = try ChunkList.decode(list)
  }

  /// What the row says of a tensor; nil when it is of other bytes.
  private static func tensor(_ row: Row) throws(RegistryError) -> Segment.TensorInfo? {
    guard let name: Data = try row.value("name") else { return nil }
    let dtype: String = try row.value("dtype")
    let text: String = try row.value("shape")
    let dimensions = (try? JSON.parse(Array(text.utf8)))?.array
    let shape = dimensions?.compactMap { $0.integer.flatMap(Int.init(exactly:)) }
    guard let shape, shape.count == dimensions?.count, shape.allSatisfy({ $0 >= 0 }) else {
      throw RegistryError(.corrupt, "a tensor's row has no shape")
    }
    return Segment.TensorInfo(
      name: String(decoding: name, as: UTF8.self), dtypeName: dtype, shape: shape)
  }

  init(position: Int, segment: Segment, chunkIds: [Int64]) {
    self.position = position
    self.segment = segment
    self.chunkIds = chunkIds
  }
}

/// Ids of chunks in few bytes: each as its difference to the last, zigzag, then LEB128.
enum ChunkList {
  static func encode(_ ids: [Int64]) -> Data {
    var out = Data()
    var last: Int64 = 0
    for id in ids {
      let difference = id &- last
      var rest = UInt64(bitPattern: difference << 1 ^ difference >> 63)
      while rest >= 128 {
        out.append(UInt8(truncatingIfNeeded: rest) | 128)
        rest >>= 7
      }
      out.append(UInt8(rest))
      last = id
    }
    return out
  }

  static func decode(_ list: Data) throws(RegistryError) -> [Int64] {
    var ids: [Int64] = []
    var last: Int64 = 0
    var number: UInt64 = 0
    var shift: UInt64 = 0
    for byte in list {
      guard shift < 64 else { throw RegistryError(.corrupt, "a list of chunks is damaged") }
      number |= UInt64(byte & 127) << shift
      shift += 7
      guard byte < 128 else { continue }
      last = last &+ (Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1))
      ids.append(last)
      number = 0
      shift = 0
    }
    guard shift == 0 else { throw RegistryError(.corrupt, "a list of chunks is cut off") }
    return ids
  }
}

import GRDB
import Storage
import Weights

/// One pass over a version's float tensors, each beside its parent's of the same name.
///
/// Memory is bounded by a few chunks, however large the tensors are.
struct WeightScan {
  /// A float tensor of the version.
  struct Entry {
    let tensor: Tensor
    let partner: Partner?
    var sums = TensorSums()
  }

  /// The parent's tensor that it matches.
  struct Partner {
    let tensor: Tensor
    /// The number of values they have in common: all of them, or those of the common rows.
    let commonCount: Int
  }

  /// The version's float tensors in order.
  private(set) var entries: [Entry]
  /// Tensors of a type that this program does not know.
  let unknown: [Tensor]

  /// Reads and sums everything.
  ///
  /// - Parameters:
  ///   - tensors: The version's.
  ///   - parent: The claimed parent's; none to sum the version's alone.
  ///   - progress: Called with the bytes that are done, of all.
  ///   - db: An open read of the weights.
  /// - Throws: `corrupt` when content is not what it was.
  init(
    _ tensors: [FileTensor], beside parent: [FileTensor],
    progress: (_ doneBytes: Int64, _ totalBytes: Int64) -> Void, _ db: Database
  ) throws {
    let partners = FileTensor.partners(of: tensors, in: parent, isShared: true) {
      Partner($1, for: $0) != nil
    }
    let own = tensors.map(\.tensor)
    entries = zip(own, partners).filter { $0.0.dtype?.isFloat == true }.map { tensor, place in
      Entry(tensor: tensor, partner: place.flatMap { Partner(parent[$0].tensor, for: tensor) })
    }
    unknown = own.filter { $0.dtype == nil }
    let total = entries.reduce(0) { $0 + $1.tensor.sizeBytes }
    var done: Int64 = 0
    for lot in lots {
      try sum(lot, db) { bytes in
        done += Int64(bytes)
        progress(done, total)
      }
    }
  }

  /// Tensors read side by side: several small ones, or one whose chunks keep all cores busy.
  private var lots: [Range<Int>] {
    var lots: [Range<Int>] = []
    for (place, entry) in entries.enumerated() {
      let isSmall = entry.tensor.chunkIds.count <= 1
      if isSmall, let last = lots.last, last.count < Self.lotCount,
        entries[last.lowerBound].tensor.chunkIds.count <= 1
      {
        lots[lots.count - 1] = last.lowerBound..<place + 1
      } else {
        lots.append(place..<place + 1)
      }
    }
    return lots
  }

  private static let lotCount = 4  // with their partners at most 8 MiB

  private mutating func sum(
    _ lot: Range<Int>, _ db: Database, progress: (_ bytes: Int) -> Void
  ) throws {
    var tensors: [Tensor] = []
    let steps = lot.map { place in
      tensors.append(entries[place].tensor)
      let own = tensors.count - 1
      guard let partner = entries[place].stepsWithPartner else { return (place, own, nil as Int?) }
      tensors.append(partner.tensor)
      return (place, own, own + 1)
    }
    let chunkCount = entries[lot].map(\.tensor.chunkIds.count).max() ?? 0
    try Tensor.forEachChunk(of: tensors, indices: 0..<chunkCount, db) { chunk, contents in
      for (place, own, other) in steps where !contents[own].isEmpty {
        try entries[place].add(contents[own], other.map { contents[$0] }, chunk: chunk, db)
        progress(contents[own].count)
      }
    }
  }
}

extension WeightScan.Partner {
  /// Nil unless both are floats of the same number of dimensions that are equal after the first.
  fileprivate init?(_ tensor: Tensor, for own: Tensor) {
    guard tensor.dtype?.isFloat == true, tensor.shape.count == own.shape.count,
      tensor.shape.dropFirst() == own.shape.dropFirst()
    else { return nil }
    self.tensor = tensor
    commonCount = Int(min(tensor.elementCount, own.elementCount))
  }
}

extension WeightScan.Entry {
  /// The partner, if its chunks hold the same elements as the tensor's at the same index.
  fileprivate var stepsWithPartner: WeightScan.Partner? {
    guard let partner, partner.tensor.chunkElementCount == tensor.chunkElementCount else {
      return nil
    }
    return partner
  }

  /// Adds one chunk of the tensor; reads the partner's values where they do not come along.
  fileprivate mutating func add(
    _ own: [UInt8], _ other: [UInt8]?, chunk: Int, _ db: Database
  ) throws {
    guard let dtype = tensor.dtype else { return }
    let piece = TensorPiece(bytes: own, dtype: dtype, start: chunk * tensor.chunkElementCount)
    guard let partner, let partnerType = partner.tensor.dtype else {
      return try sums.add(piece, beside: [], below: 0)
    }
    let width = partner.tensor.chunkElementCount
    func beside(_ bytes: [UInt8], chunk: Int) -> TensorPiece {
      TensorPiece(bytes: bytes, dtype: partnerType, start: chunk * width)
    }
    if let other {
      let others = [beside(other, chunk: chunk)]
      return try sums.add(piece, beside: others, below: partner.commonCount)
    }
    let end = min(piece.end, partner.commonCount)
    let others = try stride(from: piece.start / width, to: (end + width - 1) / width, by: 1).map {
      beside(try partner.tensor.chunk(at: $0, db), chunk: $0)
    }
    try sums.add(piece, beside: others, below: partner.commonCount)
  }
}

extension Tensor {
  /// The elements of every chunk but the last.
  fileprivate var chunkElementCount: Int { dtype?.sizeBytes == 8 ? 131_072 : 262_144 }
}

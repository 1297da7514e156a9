import CKernels
package import Storage

/// What a base chunk becomes before a chunk is taken against it; Format.md specifies its bytes.
package enum Prediction: Sendable, Equatable {
  /// The base as it is.
  case none
  /// The base's values in another type.
  case cast(Cast)
  /// The base's values and a matrix of low rank, in the type of the chunk.
  case lowRank(LowRank)

  /// Which values of the base become which.
  package struct Cast: Sendable, Equatable {
    /// The type of the base's elements.
    package let source: DType
    /// The type of the chunk's elements.
    package let target: DType
    /// The element of the base that predicts the first one of the chunk.
    package let start: Int

    /// Takes two types of floats; chunks of 8-byte elements begin in the middle of others.
    package init(from source: DType, to target: DType, start: Int = 0) {
      self.source = source
      self.target = target
      self.start = start
    }
  }

  /// A product of two matrices that is added to the base: row-major, with a common first row.
  package struct LowRank: Sendable, Equatable {
    /// What the base's elements become before the product is added.
    package let cast: Cast
    /// The rows of the column factor: a chunk of its own with `rank` × `columns` values of F32.
    package let rank: Int
    /// The columns of the whole matrix.
    package let columns: Int
    /// The column of the chunk's first element.
    package let firstColumn: Int
    /// `rank` values for each row of the matrix that the chunk has a part of.
    package let rowFactor: [Float]
    /// Whether nothing is added to zeros of the base: what was pruned stays so.
    package let keepsZeros: Bool

    /// Takes factors of fitting sizes.
    package init(
      cast: Cast, rank: Int, columns: Int, firstColumn: Int, rowFactor: [Float],
      keepsZeros: Bool = false
    ) {
      self.cast = cast
      self.rank = rank
      self.columns = columns
      self.firstColumn = firstColumn
      self.rowFactor = rowFactor
      self.keepsZeros = keepsZeros
    }

    /// How many rows of a matrix some of its consecutive elements are in.
    static func rowCount(columns: Int, firstColumn: Int, elements: Int) -> Int {
      (firstColumn + elements + columns - 1) / columns
    }
  }

  /// The raw values are stored.
  private enum Kind: UInt8 {
    case none = 0
    case cast = 1
    case lowRank = 2
    case lowRankKeepingZeros = 3
  }

  /// Whether decoding needs the column factor.
  package var usesFactor: Bool {
    if case .lowRank = self { true } else { false }
  }

  /// The memory that a column factor has room in: it is a chunk.
  package static let factorCountMax = Chunk.sizeBytesMax / 4
}

extension Prediction {
  /// Appends the bytes that stand in a record.
  func append(to record: inout [UInt8], _ kernels: CodecKernels) throws(RegistryError) {
    switch self {
    case .none:
      record.append(Kind.none.rawValue)
    case .cast(let cast):
      record.append(Kind.cast.rawValue)
      cast.append(to: &record)
    case .lowRank(let lowRank):
      record.append((lowRank.keepsZeros ? Kind.lowRankKeepingZeros : .lowRank).rawValue)
      lowRank.cast.append(to: &record)
      record.append(number: lowRank.rank)
      record.append(number: lowRank.columns)
      record.append(number: lowRank.firstColumn)
      let result = lowRank.rowFactor.withUnsafeBytes { factor in
        Result { () throws(RegistryError) in
          try ChunkCodec.encode(factor, element: .f32, base: nil, kernels: kernels).record
        }
      }
      let factor = try result.get()
      record.append(number: factor.count)
      record += factor
    }
  }

  /// Takes a prediction out of a record, for so many words of a width.
  ///
  /// - Throws: `corrupt` for what cannot be computed.
  init(
    _ reader: inout RecordReader, width: Int, count: Int, _ kernels: CodecKernels
  ) throws(RegistryError) {
    guard let kind = Kind(rawValue: try reader.byte()) else {
      throw RecordReader.damage("it has an unknown prediction")
    }
    guard kind != .none else {
      self = .none
      return
    }
    let cast = try Cast(&reader)
    guard cast.target.sizeBytes == width else {
      throw RecordReader.damage("its prediction has elements of another size")
    }
    guard kind == .cast else {
      let keepsZeros = kind == .lowRankKeepingZeros
      self = .lowRank(try LowRank(cast, &reader, count: count, keepsZeros: keepsZeros, kernels))
      return
    }
    guard cast.source != cast.target else {
      throw RecordReader.damage("its prediction casts a type to itself")
    }
    self = .cast(cast)
  }

  /// Predicts a chunk.
  ///
  /// - Parameters:
  ///   - base: The content of the base; it is continued with zeros.
  ///   - factor: The column factor's content, where one is used.
  ///   - length: The length of the chunk's content in bytes.
  ///   - kernels: Which loops do the work; all give the same bytes.
  /// - Returns: What stands for the base; bytes of no whole element are zero.
  /// - Throws: `corrupt` when the factor is missing or of another size.
  package func base(
    of base: UnsafeRawBufferPointer, factor: UnsafeRawBufferPointer?, length: Int,
    kernels: PredictionKernels = .best
  ) throws(RegistryError) -> [UInt8] {
    switch self {
    case .none:
      return Array(base.prefix(length)) + [UInt8](repeating: 0, count: max(0, length - base.count))
    case .cast(let cast):
      return cast.predict(base, length: length) { bytes, count, out in
        kernels.functions.cast(
          Int32(cast.source.rawValue), Int32(cast.target.rawValue), bytes, count, out)
      }
    case .lowRank(let lowRank):
      return try lowRank.predict(base, factor: factor, length: length, kernels)
    }
  }
}

extension Prediction.Cast {
  fileprivate init(_ reader: inout RecordReader) throws(RegistryError) {
    guard let source = DType(rawValue: try reader.byte()), source.isFloat,
      let target = DType(rawValue: try reader.byte()), target.isFloat
    else { throw RecordReader.damage("its prediction is of no floats") }
    self.init(from: source, to: target, start: try reader.number())
  }

  fileprivate func append(to record: inout [UInt8]) {
    record += [source.rawValue, target.rawValue]
    record.append(number: start)
  }

  /// Has the elements of the base computed that the chunk needs, continued with zeros.
  fileprivate func predict(
    _ base: UnsafeRawBufferPointer, length: Int,
    _ compute: (_ base: UnsafePointer<UInt8>, Int, _ out: UnsafeMutablePointer<UInt8>) -> Void
  ) -> [UInt8] {
    let count = length / target.sizeBytes
    let first = min(start * source.sizeBytes, base.count)
    let needed = count * source.sizeBytes
    var elements = base[part: first..<min(first + needed, base.count)]
    var extended: [UInt8] = []
    if elements.count < needed {
      extended.reserveCapacity(needed)
      extended += elements
      extended += repeatElement(0, count: needed - elements.count)
    }
    return extended.withUnsafeBytes { extended in
      if elements.count < needed { elements = extended }
      var predicted = [UInt8](repeating: 0, count: length)
      predicted.withUnsafeMutableBytes { predicted in
        if let from = elements.baseOfBytes, let to = predicted.baseOfBytes {
          compute(from, count, to)
        }
      }
      return predicted
    }
  }
}

extension Prediction.LowRank {
  fileprivate init(
    _ cast: Prediction.Cast, _ reader: inout RecordReader, count: Int, keepsZeros: Bool,
    _ kernels: CodecKernels
  ) throws(RegistryError) {
    let (rank, columns) = (try reader.number(), try reader.number())
    let firstColumn = try reader.number()
    // Numbers have 28 bits, so none of the products below overflows.
    let rows =
      columns == 0
      ? 0
      : Self.rowCount(
        columns: columns, firstColumn: firstColumn, elements: count)
    guard rank > 0, firstColumn < columns, rank * columns <= Prediction.factorCountMax,
      rows * rank * 4 <= ChunkCodec.contentBytesMax
    else { throw RecordReader.damage("its prediction has an impossible size") }
    let record = try reader.bytes(try reader.number())
    var rowFactor = [Float](repeating: 0, count: rows * rank)
    let result = rowFactor.withUnsafeMutableBytes { rowFactor in
      Result { () throws(RegistryError) in
        try ChunkCodec.decode(record, into: rowFactor, base: nil, kernels: kernels)
      }
    }
    try result.get()
    self.init(
      cast: cast, rank: rank, columns: columns, firstColumn: firstColumn, rowFactor: rowFactor,
      keepsZeros: keepsZeros)
  }

  fileprivate func predict(
    _ base: UnsafeRawBufferPointer, factor: UnsafeRawBufferPointer?, length: Int,
    _ kernels: PredictionKernels
  ) throws(RegistryError) -> [UInt8] {
    guard let factor else { throw RecordReader.damage("it lacks the factor of its prediction") }
    guard factor.count == rank * columns * 4 else {
      throw RecordReader.damage("the factor of its prediction has another size")
    }
    let columnFactor = [Float](unsafeUninitializedCapacity: rank * columns) { values, count in
      UnsafeMutableRawBufferPointer(values).copyMemory(from: factor)
      count = rank * columns
    }
    return rowFactor.withUnsafeBufferPointer { a in
      columnFactor.withUnsafeBufferPointer { b in
        cast.predict(base, length: length) { bytes, count, out in
          guard let a = a.baseAddress, let b = b.baseAddress else { return }
          var product = ckernels_low_rank(
            from: Int32(cast.source.rawValue), to: Int32(cast.target.rawValue), columns: columns,
            first: firstColumn, rank: rank, a: a, b: b, keeps_zeros: keepsZeros)
          kernels.functions.add_product(&product, bytes, count, out)
        }
      }
    }
  }
}

extension ChunkHeader {
  /// Takes what a record says of its base, if anything.
  func prediction(
    _ reader: inout RecordReader, _ kernels: CodecKernels
  ) throws(RegistryError) -> Prediction {
    guard version > 1, mapping.usesBase else { return .none }
    return try Prediction(&reader, width: width, count: length / width, kernels)
  }
}

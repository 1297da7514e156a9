import ArgumentParser
import GRDB
import Storage
import Weights
import Workspace

/// Some rows of a tensor: `10:20`, `10:` or `:20`, the end not included.
struct RowRange: ExpressibleByArgument {
  private let first: Int?
  private let end: Int?

  init?(argument: String) {
    let ends = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } })
    else { return nil }
    (first, end) = (Int(ends[0]), Int(ends[1]))
    guard ends[0].isEmpty == (first == nil), ends[1].isEmpty == (end == nil),
      first ?? 0 <= end ?? .max
    else { return nil }
  }

  /// The rows of a tensor that are meant.
  func rows(of tensor: Tensor) throws -> Range<Int> {
    let first = first ?? 0
    return first..<max(first, end ?? tensor.shape.first ?? 0)
  }
}

struct TensorShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a tensor: type, shape, chunks, values; reads only what it shows.",
    discussion: """
      Examples:
        registry tensor show reviews@prod pooler.dense.weight
        registry tensor show reviews@prod encoder.layer.0.attention.self.query.weight --stats
        registry tensor show reviews:3 embeddings.word_embeddings.weight --rows 101:103 --json

      A name counts with and without prefixes that libraries put before it, such as bert. or model.
      """)

  @Argument(help: ArgumentHelp("The version, or a file of it.", valueName: "ref"))
  var reference: String
  @Argument(help: "The tensor.") var name: String
  @Flag(help: "Reads all values: least, greatest, mean, deviation, norm, zeros, NaN.")
  var stats = false
  @Option(
    help: ArgumentHelp("Shows these rows, the end not included: A:B, A: or :B.", valueName: "rows"))
  var rows: RowRange?
  @OptionGroup var globals: Globals

  private static let previewCount = 8
  private static let valuesMax = 1 << 20

  func run() throws {
    let reference = try Reference(reference)
    let report = try globals.reading { store in
      try store.withContent {
        let found = try FoundTensors(reference, store).tensor(named: name)
        return try store.read(.weights) { try self.report(found, $0) }
      }
    }
    globals.show(report)
  }

  private func report(_ found: FileTensor, _ db: Database) throws -> Report {
    let tensor = found.tensor
    let chunks = try tensor.chunks(db)
    let storedBytes = chunks.reduce(0) { $0 + Int64($1.storedBytes) }
    var report = Report("tensor")
    report.add(
      [
        .init("name", "tensor", .text(tensor.name), .bold), .init("file", nil, .text(found.path)),
        .init("dtype", nil, .text(tensor.dtypeName)), .init("shape", nil, tensor.shape.value),
        .init("elementCount", "values", .init(tensor.elementCount)),
        .init("sizeBytes", "size", .bytes(tensor.sizeBytes)),
        .init("storedBytes", "stored", .bytes(storedBytes)),
        .init("offset", "first byte in the file", .init(tensor.offset)),
      ] + (rows == nil ? try Self.preview(of: tensor, db) : []))
    if stats { report.add(try statistics(of: tensor, db), key: "statistics", title: "statistics") }
    if let rows {
      report.add(try Self.table(of: try rows.rows(of: tensor), tensor, db), title: "rows")
    }
    report.add(Self.table(of: chunks), title: "chunks")
    return report
  }

  private func statistics(of tensor: Tensor, _ db: Database) throws -> [Report.Field] {
    let progress = Progress("reading", .bytes, globals)
    defer { progress.end() }
    let found = try TensorStatistics(
      of: tensor, progress: { progress.update(done: $0, total: tensor.sizeBytes) }, db)
    func finite(_ value: Double) -> Value { found.finiteCount == 0 ? .none : .number(value) }
    return [
      .init("min", nil, finite(found.least)), .init("max", nil, finite(found.greatest)),
      .init("mean", nil, finite(found.mean)), .init("std", nil, finite(found.standardDeviation)),
      .init("norm", nil, finite(found.norm)), .init("zeroCount", "zeros", .init(found.zeroCount)),
      .init("nanCount", "NaN", .init(found.nanCount)),
      .init("infiniteCount", "infinite", .init(found.infiniteCount)),
    ]
  }

  /// The first values; none of a type that is not known.
  private static func preview(of tensor: Tensor, _ db: Database) throws -> [Report.Field] {
    guard let dtype = tensor.dtype else { return [] }
    let count = min(Int64(previewCount * dtype.sizeBytes), tensor.sizeBytes)
    let values = dtype.values(try tensor.bytes(in: 0..<count, db))
    return [.init("first", "first values", list(values, of: tensor.elementCount))]
  }

  private static func table(
    of rows: Range<Int>, _ tensor: Tensor, _ db: Database
  ) throws -> Table {
    guard let dtype = tensor.dtype else {
      throw RegistryError(
        .invalidInput, "the values of type \(tensor.dtypeName.excerpt) are not known",
        hint: "registry version cat REF//FILE --range FIRST-LAST prints its bytes")
    }
    let bytes = try tensor.bytes(ofRows: rows)
    guard bytes.count <= valuesMax * dtype.sizeBytes else {
      throw RegistryError(
        .invalidInput,
        "\(rows.count) rows have \(bytes.count / dtype.sizeBytes) values, at most "
          + "\(valuesMax) are shown",
        hint: "ask for fewer rows")
    }
    let values = dtype.values(try tensor.bytes(in: bytes, db))
    let width = rows.isEmpty ? 0 : values.count / rows.count
    var table = Table("rows", [.init("row", pinned: true), .init("values", flexible: true)])
    for (place, row) in rows.enumerated() {
      let own = Array(values[place * width..<(place + 1) * width])
      table.add(.init(row), list(own, of: Int64(width)))
    }
    return table
  }

  /// Values of which people see the first.
  private static func list(_ values: [Double], of count: Int64) -> Value {
    let shown = values.prefix(previewCount).map(\.fourDigits).joined(separator: " ")
    let more = count > Int64(min(values.count, previewCount)) ? " …" : ""
    return .structure(.array(values.map(JSON.number)), text: values.isEmpty ? "–" : shown + more)
  }

  private static func table(of chunks: [Tensor.StoredChunk]) -> Table {
    var table = Table(
      "chunks",
      [
        .init("digest", "sha256", pinned: true), .init("sizeBytes", "size"),
        .init("storedBytes", "stored"), .init("depth"),
      ])
    for chunk in chunks {
      table.add(
        .structure(.string(chunk.digest.hex), text: chunk.digest.short),
        .bytes(Int64(chunk.sizeBytes)), .bytes(Int64(chunk.storedBytes)), .init(chunk.depth))
    }
    return table
  }
}

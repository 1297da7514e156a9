import Foundation
import Storage
import Support

/// The most memory that a base and a child of 2 GB need on their way in and out.
func benchmarkWeightsMemory(_ lineage: WeightsLineage) throws {
  try WeightsStore.withEmpty { place in
    let copies = 22
    let child = WeightsLineage.timed
    let files = try ["base", child].map { name in
      let file = place.folder.appending(path: "\(name).safetensors")
      try writeRepeated(lineage.file(name, "f32"), copies: copies, to: file)
      return (name, try place.link(file, name))
    }
    let size = try WeightsLineage.sizeBytes(of: place.folder.appending(path: "base.safetensors"))
    let put = ["version", "add", child, files[1].1, "--parent", "base:1"]
    let steps = [
      ("put of a base", ["base", "add", files[0].1, "--name", "base"]),
      ("put of a child", put + ["--relation", "finetune"]),
      ("get of the child", ["version", "export", "\(child):1", "out"]),
    ]
    var rows = [["2 GB", "peak MiB", "MB/s"]]
    for (name, arguments) in steps {
      var peak: Int?
      let timing = try Timing.measure(rounds: 1, warmUp: false) {
        let (outcome, memory) = try Product.start(arguments, in: place.folder).finishWithMemory()
        guard outcome.status == 0 else {
          throw Product.Failure(arguments: arguments, outcome: outcome)
        }
        peak = memory
      }
      let rate = Double(size) / 1e6 / timing.median
      report(
        "weights memory",
        [
          "what": .string(name), "bytes": .integer(size),
          "peakBytes": peak.map { .integer(Int64($0)) } ?? .null, "MBps": rounded(rate),
        ])
      rows.append([name, peak.map { fixed(Double($0) / 1_048_576, 0) } ?? "-", fixed(rate, 0)])
    }
    printTable("A file of \(size) bytes", rows)
  }
}

/// Writes a file with the tensors of another several times, each time with other lowest bits.
private func writeRepeated(_ file: URL, copies: Int, to target: URL) throws {
  let content = try Data(contentsOf: file, options: .mappedIfSafe)
  let headerSize = content.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  let body = content.dropFirst(8 + headerSize)
  let header = try JSON.parse(Array(content.dropFirst(8).prefix(headerSize)))
  guard case .object(let members) = header else { throw WeightsLineage.Failure("no header") }
  let tensors = members.filter { $0.key != "__metadata__" }
  let all = (0..<copies).flatMap { copy in
    tensors.map { tensor in
      let offsets = (tensor.value["data_offsets"]?.array ?? []).map { offset in
        JSON.integer((offset.integer ?? 0) + Int64(copy) * Int64(body.count))
      }
      return JSON.Member(
        "copy.\(copy).\(tensor.key)",
        [
          "dtype": tensor.value["dtype"] ?? .null, "shape": tensor.value["shape"] ?? .null,
          "data_offsets": .array(offsets),
        ])
    }
  }
  var text = Array(JSON.object(all).text().utf8)
  text += repeatElement(32, count: (8 - text.count % 8) % 8)
  try Data().write(to: target)
  let output = try FileHandle(forWritingTo: target)
  defer { try? output.close() }
  try output.write(contentsOf: withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) })
  try output.write(contentsOf: text)
  let words = body.withUnsafeBytes { bytes in
    (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
  }
  for copy in 0..<UInt32(copies) {
    let changed = words.map { $0 ^ copy &* 37 }
    try changed.withUnsafeBytes { try output.write(contentsOf: Data($0)) }
    try output.write(contentsOf: body.suffix(body.count % 4))
  }
}

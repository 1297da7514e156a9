import Foundation
import Storage
import Support

/// What storing and taking out 90 MB of weights costs as whole processes, beside `cp` of the same file.
func benchmarkWeights() throws {
  try withTemporaryFolder { folder in
    let base = folder.appending(path: "base/model.safetensors")
    let child = folder.appending(path: "child/model.safetensors")
    try writeLineage(base: base, child: child)
    let megabytes = Double(try Data(contentsOf: base, options: .mappedIfSafe).count) / 1e6
    let copy = try Timing.measure(rounds: 5) {
      try Product.run(program: "/bin/cp", [base.path, folder.path + "/copy"], in: folder)
    }
    var imports: [Double] = []
    var childImports: [Double] = []
    var exports: [Double] = []
    var ratios = (base: 0.0, child: 0.0)
    for round in 0..<3 {
      let place = folder.appending(path: "round\(round)")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try Product.succeed("init", in: place)
      func size() throws -> Double { Double(try weightsSizeBytes(place)) / 1e6 }
      func seconds(_ arguments: [String]) throws -> Double {
        try Timing.measure(rounds: 1, warmUp: false) {
          let outcome = try Product.start(arguments, in: place).finish()
          guard outcome.status == 0 else {
            throw Product.Failure(arguments: arguments, outcome: outcome)
          }
        }.median
      }
      imports.append(try seconds(["base", "add", "../base", "--name", "base"]))
      ratios.base = try size() / megabytes
      childImports.append(
        try seconds([
          "version", "add", "child", "../child", "--parent", "base", "--relation", "finetune",
        ]))
      ratios.child = try size() / megabytes - ratios.base
      exports.append(try seconds(["version", "export", "child", "out"]))
    }
    report(
      "weights",
      [
        "megabytes": rounded(megabytes),
        "baseImportMBps": rounded(megabytes / Timing(seconds: imports).median),
        "childImportMBps": rounded(megabytes / Timing(seconds: childImports).median),
        "childExportMBps": rounded(megabytes / Timing(seconds: exports).median),
        "cpMBps": rounded(megabytes / copy.median),
        "baseRatio": rounded(ratios.base), "childRatio": rounded(ratios.child),
      ])
  }
}

private func weightsSizeBytes(_ folder: URL) throws -> Int64 {
  let store = try Store.open(folder.appending(path: Store.folderName), .read)
  defer { try? store.close() }
  return store.sizeBytes(.weights)
}

/// Writes 22.5 M normal F32 values in 60 tensors, and a child in which 60 % of them moved a little.
private func writeLineage(base: URL, child: URL) throws {
  let tensors = 60
  let values = 375_000
  let members = (0..<tensors).map { number in
    JSON.Member(
      "layer.\(number).weight",
      [
        "dtype": "F32", "shape": [.integer(Int64(values))],
        "data_offsets": [
          .integer(Int64(number * values * 4)), .integer(Int64((number + 1) * values * 4)),
        ],
      ])
  }
  var header = Array(JSON.object(members).text().utf8)
  header += repeatElement(32, count: (8 - header.count % 8) % 8)
  var random = SeededGenerator(seed: 1)
  var original = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header
  var tuned = original
  for _ in 0..<tensors {
    var before: [Float] = []
    var after: [Float] = []
    for _ in 0..<values {
      let bits = random.next()
      let sum = (0..<8).reduce(0) { $0 + Float(bits >> ($1 * 8) & 255) }
      let weight = (sum - 1020) / 1020 * 0.1 + Float(bits & 0xFFFF) * 1e-8
      before.append(weight)
      after.append(bits >> 32 & 7 < 3 ? weight : weight + (Float(bits >> 20 & 1023) - 512) * 1e-7)
    }
    before.withUnsafeBytes { original.append(contentsOf: $0) }
    after.withUnsafeBytes { tuned.append(contentsOf: $0) }
  }
  for (url, content) in [(base, original), (child, tuned)] {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try content.write(to: url)
  }
}

import Foundation
import Storage
import Support

/// Bar: with seeds 1 to 20, fine-tuning the base beats training from scratch on the same rows in at
/// least 18; frozen tensors are the base's bytes; the whole demo in under 60 seconds.
///
/// Beside the demo's own run from scratch, one of raw pixels is made, which is how a network without
/// a base does best here.
func benchmarkDemo() throws {
  var accuracies: [String: [Double]] = [:]
  var seconds: [Double] = []
  var equalCount = 0
  for seed in 1...20 {
    try withTemporaryFolder { folder in
      let demo = folder.appending(path: "demo")
      seconds += try Timing.measure(rounds: 1, warmUp: false) {
        try Product.succeed("demo", demo.path, "--seed", "\(seed)", in: folder)
      }.seconds
      try Product.succeed(
        "run", "digits-5-9", "--scratch", "--name", "raw", "--set", "hidden=256,128",
        "--data", "digits-5-9.csv", "--validation", "digits-5-9-val.csv", "--set", "batch_size=8",
        "--set", "standardize=false", "--seed", "\(seed)", in: demo)
      let runs = try Product.json("run", "ls", "digits-5-9", in: demo)["runs"]?.array ?? []
      for run in runs {
        guard let name = run["name"]?.string,
          let value = run["metrics"]?["val/accuracy"]?.double
        else { continue }
        accuracies[name, default: []].append(value)
      }
      try Product.succeed("verify", "--full", in: demo)
      let base = try tensors(of: "digits:1", in: demo)
      let frozen = try tensors(of: "frozen", in: demo)
      let isEqual = ["0.weight", "0.bias"].allSatisfy { base[$0] != nil && base[$0] == frozen[$0] }
      if isEqual, base["3.weight"] != frozen["3.weight"] { equalCount += 1 }
    }
  }
  for name in ["scratch", "raw", "full", "frozen", "regularised"] {
    let values = accuracies[name] ?? []
    let (wins, winsOverRaw) = (wins(values, accuracies["scratch"]), wins(values, accuracies["raw"]))
    report(
      "demo run",
      [
        "run": .string(name), "seeds": JSON(values.count), "meanAccuracy": rounded(mean(values)),
        "deviation": rounded(deviation(values)), "winsOverScratch": JSON(wins),
        "winsOverRawScratch": JSON(winsOverRaw),
      ])
  }
  let timing = Timing(seconds: seconds)
  report(
    "demo",
    [
      "fullWinsOverScratch": JSON(wins(accuracies["full"] ?? [], accuracies["scratch"])),
      "barWins": 18, "seedsWithFrozenTensorsEqual": JSON(equalCount), "barEqual": 20,
      "medianSeconds": rounded(timing.median), "worstSeconds": rounded(timing.worst),
      "barSeconds": 60,
    ])
}

private func wins(_ values: [Double], _ others: [Double]?) -> Int {
  zip(values, others ?? []).count { $0 > $1 }
}

private func mean(_ values: [Double]) -> Double {
  values.reduce(0, +) / Double(values.count)
}

/// Of a sample: divided by one less than its size.
private func deviation(_ values: [Double]) -> Double {
  let mean = mean(values)
  let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  return (squares / Double(values.count - 1)).squareRoot()
}

/// The bytes of each tensor of a version, read from an export as the safetensors format says.
private func tensors(of reference: String, in folder: URL) throws -> [String: Data] {
  let out = folder.appending(path: "export-\(UUID().uuidString)")
  try Product.succeed("version", "export", reference, out.path, in: folder)
  let content = Array(try Data(contentsOf: out.appending(path: "model.safetensors")))
  let length = content.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  let header = try JSON.parse(Array(content[8..<8 + length]))
  var tensors: [String: Data] = [:]
  for member in header.members ?? [] where member.key != "__metadata__" {
    let ends = (member.value["data_offsets"]?.array ?? []).compactMap { $0.integer.map { Int($0) } }
    guard ends.count == 2 else { continue }
    tensors[member.key] = Data(content[(8 + length + ends[0])..<(8 + length + ends[1])])
  }
  return tensors
}

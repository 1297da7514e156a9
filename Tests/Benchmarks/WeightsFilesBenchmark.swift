import Foundation
import Storage
import Support

/// A child put into a store and got out again as whole processes, beside `cp` of the same file.
///
/// Rounds alternate, so that whatever else the machine does meets all of them.
func benchmarkWeightsFiles(_ lineage: WeightsLineage) throws {
  try WeightsStore.withEmpty { place in
    for node in lineage.nodes where ["base", "f050", "f100", "f150", "f200"].contains(node.name) {
      _ = try place.add(node, "f32", lineage)
    }
    let timed = WeightsLineage.timed
    let file = lineage.file(timed, "f32").path
    let path = try place.link(URL(filePath: file), timed)
    try shell(place.folder, "cp -R .registry without")
    try place.run(
      "version", "add", timed, path, "--parent", "base:1", "--relation", "finetune")
    try shell(place.folder, "mv .registry with-child")
    let names = ["cp", "cp + fsync", "put", "get", "get of depth 4"]
    var seconds: [String: [Double]] = [:]
    for _ in 0..<7 {
      for name in names {
        try shell(place.folder, "rm -rf .registry copy out; sync")
        let state = name == "put" ? "without" : "with-child"
        try shell(place.folder, "cp -R \(state) .registry; sync")
        let command =
          switch name {
          case "cp": "exec cp '\(file)' copy"
          case "cp + fsync": "cp '\(file)' copy && sync copy"
          case "put":
            "exec $REGISTRY version add \(timed) \(path) --parent base:1 "
              + "--relation finetune"
          case "get": "exec $REGISTRY version export \(timed):1 out"
          default: "exec $REGISTRY version export f200:1 out"
          }
        seconds[name, default: []] += try Timing.measure(rounds: 1, warmUp: false) {
          try shell(place.folder, command)
        }.seconds
      }
      let taken = try Data(contentsOf: place.folder.appending(path: "out/model.safetensors"))
      let put = try Data(contentsOf: lineage.file("f200", "f32"))
      guard taken == put else { throw WeightsLineage.Failure("the export differs") }
    }
    reportFiles(seconds, names, try lineage.sizeBytes(timed, "f32"))
  }
}

private func shell(_ folder: URL, _ command: String) throws {
  let outcome = try Product.shell(command, in: folder)
  guard outcome.status == 0 else { throw WeightsLineage.Failure(outcome.messages) }
}

private func reportFiles(_ seconds: [String: [Double]], _ names: [String], _ bytes: Int64) {
  func median(_ name: String) -> Double { Timing(seconds: seconds[name] ?? []).median }
  var rows = [["whole processes", "median ms", "best ms", "MB/s", "x cp", "x cp + fsync"]]
  for name in names {
    let timing = Timing(seconds: seconds[name] ?? [])
    report(
      "weights files",
      [
        "what": .string(name), "milliseconds": milliseconds(timing.median),
        "millisecondsBest": milliseconds(timing.best),
        "MBps": rounded(Double(bytes) / 1e6 / timing.median),
        "timesCp": rounded(timing.median / median("cp")),
        "timesCpAndFsync": rounded(timing.median / median("cp + fsync")),
      ])
    rows.append([
      name, fixed(timing.median * 1000, 1), fixed(timing.best * 1000, 1),
      fixed(Double(bytes) / 1e6 / timing.median, 0), fixed(timing.median / median("cp"), 2),
      fixed(timing.median / median("cp + fsync"), 2),
    ])
  }
  printTable("A child of \(bytes) bytes, F32; medians of 7 rounds, by the clock", rows)
}

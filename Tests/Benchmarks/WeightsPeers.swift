import Foundation
import Storage
import Support

/// What other compressors make of the same lineage: Tests/Python/weight_peers.py.
func benchmarkWeightsPeers(_ lineage: WeightsLineage) throws {
  let python = try WeightsLineage.shell("Tests/python-venv peers", "the Python of the peers")
  let method = RegistryBenchmark.option("--peers") ?? ""
  for kind in WeightsLineage.kinds {
    let timed = WeightsLineage.timed
    let lines = try WeightsLineage.shell(
      """
      exec '\(python)' Tests/Python/weight_peers.py '\(lineage.folder.path)' \(kind) \(timed) \
      '\(method)'
      """, "peers, \(kind) (minutes)")
    var rows = [
      ["stored/raw"] + lineage.nodes.map(\.name)
        + ["children", "all", "encode", "median", "decode", "median", "ours enc", "ours dec"]
    ]
    let own = try CodecSpeed.measure(lineage, kind)
    for line in lines.split(separator: "\n") {
      let peer = try JSON.parse(Array(line.utf8))
      let name = peer["method"]?.string ?? ""
      let sizes = lineage.nodes.map { ($0.name, peer["sizes"]?[$0.name]?.integer ?? 0) }
      let ratios = try WeightsRatios(
        Dictionary(uniqueKeysWithValues: sizes), lineage, kind)
      let speeds = [("encode", own.encode), ("decode", own.decode)].map { key, own in
        let best = peer["\(key)MBps"]?.double
        return (
          key: key, best: best, median: peer["\(key)MBpsMedian"]?.double,
          times: best.map { own.best / $0 }
        )
      }
      report(
        "weights sizes",
        [("kind", .string(kind)), ("method", .string(name))] + ratios.facts
          + speeds.flatMap { key, best, median, times in
            [
              ("\(key)MBps", best), ("\(key)MBpsMedian", median),
              ("ours\(key.capitalized)Times", times),
            ].compactMap { key, number in number.map { (key, rounded($0)) } }
          })
      rows.append(
        ["\(name) \(kind)"] + ratios.cells
          + speeds.flatMap { [$0.best, $0.median].map { $0.map { fixed($0, 0) } ?? "-" } }
          + speeds.map { $0.times.map { fixed($0, 2) } ?? "-" })
    }
    printTable(
      """
      Peers; MB/s of CPU time on \(timed), the best and the median of 7 rounds, and the codec's \
      best over theirs (\(fixed(own.encode.best, 0)) in, \(fixed(own.decode.best, 0)) out)
      """, rows)
  }
}

/// Commit and checkout of the base and two children by git-theta; left out where there is none.
func benchmarkWeightsGitTheta(_ lineage: WeightsLineage) throws {
  let python: String
  do {
    try WeightsLineage.shell("git lfs version", "git-theta: git-lfs")
    python = try WeightsLineage.shell("Tests/python-venv git-theta", "git-theta: its Python")
  } catch {
    FileHandle.standardError.write(Data("weights: git-theta is left out: \(error)\n".utf8))
    return
  }
  try withTemporaryFolder { folder in
    let names = ["base", "b", WeightsLineage.timed]
    let script = """
      export HOME="$PWD" GIT_CONFIG_NOSYSTEM=1 PATH="$(dirname '\(python)'):$PATH"
      export GIT_THETA_CHECKPOINT_TYPE=safetensors GIT_THETA_LOG_LEVEL=ERROR
      git config --global user.email a@b && git config --global user.name n
      git init -q r && cd r && git lfs install --local && git theta install
      git theta track model.safetensors

      """
    _ = try WeightsLineage.shell("set -e\n\(script)", "git-theta: set up", in: folder)
    func run(_ commands: String) throws -> (seconds: Double, text: String) {
      var text = ""
      let environment = script.split(separator: "\n").prefix(2).joined(separator: "\n")
      let timing = try Timing.measure(rounds: 1, warmUp: false) {
        text = try WeightsLineage.shell(
          "set -e\n\(environment)\ncd r\n\(commands)", "git-theta", in: folder)
      }
      return (timing.median, text)
    }
    var rows = [["git-theta", "stored/raw", "add + commit s", "checkout s"]]
    var before = Double(try run("du -sb .git | cut -f1").text) ?? 0
    for name in names {
      let file = lineage.file(name, "f32").path
      _ = try run("cp '\(file)' model.safetensors")
      let put = try run("git add . && git commit -q -m '\(name)'")
      let size = Double(try run("du -sb .git | cut -f1").text) ?? 0
      let get = try run("rm model.safetensors && git checkout -q -- model.safetensors")
      let ratio = (size - before) / Double(try lineage.sizeBytes(name, "f32"))
      before = size
      report(
        "weights git-theta",
        [
          "node": .string(name), "ratio": rounded(ratio),
          "putMilliseconds": milliseconds(put.seconds),
          "getMilliseconds": milliseconds(get.seconds),
        ])
      rows.append([name, fixed(ratio, 4), fixed(put.seconds, 2), fixed(get.seconds, 2)])
    }
    printTable("git-theta, F32, by the clock", rows)
  }
}

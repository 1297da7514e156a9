import Foundation
import GRDB
import Storage
import Support

/// What a lineage costs in a store that the program itself fills: records by child, and the disk.
func benchmarkWeightsSizes(_ lineage: WeightsLineage) throws {
  var rows = [["stored/raw"] + lineage.nodes.map(\.name) + ["children", "all", "disk/records"]]
  for kind in WeightsLineage.kinds {
    try WeightsStore.withEmpty { place in
      var sizes: [String: Int64] = [:]
      for node in lineage.nodes {
        sizes[node.name] = try place.add(node, kind, lineage)
      }
      let disk = try place.diskOverhead()
      let ratios = try WeightsRatios(sizes, lineage, kind)
      report(
        "weights sizes",
        [
          ("kind", .string(kind)), ("method", "registry"), ("diskOverRecords", .number(disk)),
        ] + ratios.facts)
      rows.append(["registry \(kind)"] + ratios.cells + [fixed(disk, 4)])
      if kind == "f32" { try measureSpecial(place, lineage) }
    }
  }
  printTable("Records of the store beside the size of the files", rows)
}

/// A fork; a stored F32 child cast to BF16; the state of an optimizer.
private func measureSpecial(_ place: WeightsStore, _ lineage: WeightsLineage) throws {
  let timed = WeightsLineage.timed
  let before = try place.recordBytes()
  try place.run("fork", "base:1", "forked", "--metric", "loss:min")
  let fork = try place.recordBytes() - before
  let cast = try place.add(
    lineage.file(timed, "bf16"), as: "cast", parent: timed, relation: "quantize")
  let castRatio = Double(cast) / Double(try lineage.sizeBytes(timed, "bf16"))
  var facts: [(String, JSON)] = [
    ("forkBytes", .integer(fork)), ("castRatio", rounded(castRatio)),
  ]
  var rows = [
    ["others", "stored/raw"], ["fork of the base", "\(fork)"],
    ["\(timed) bf16, cast of the stored f32", fixed(castRatio, 5)],
  ]
  let state = lineage.folder.appending(path: "f250.optimizer.pt")
  if FileManager.default.fileExists(atPath: state.path) {
    let stored = try place.add(state, as: "adam", parent: "f250", relation: "finetune")
    let ratio = Double(stored) / Double(try WeightsLineage.sizeBytes(of: state))
    facts.append(("adamRatio", rounded(ratio)))
    rows.append(["state of AdamW, .pt", fixed(ratio, 4)])
  }
  report("weights others", facts)
  printTable("Other content", rows)
}

/// Stored over raw by node, of the children and of all.
struct WeightsRatios {
  let byName: [(name: String, ratio: Double)]
  let children: Double
  let all: Double

  init(_ sizes: [String: Int64], _ lineage: WeightsLineage, _ kind: String) throws {
    var stored = (children: 0.0, all: 0.0)
    var raw = stored
    var byName: [(name: String, ratio: Double)] = []
    for node in lineage.nodes {
      let size = Double(sizes[node.name] ?? 0)
      let rawSize = Double(try lineage.sizeBytes(node.name, kind))
      byName.append((node.name, size / rawSize))
      stored.all += size
      raw.all += rawSize
      if node.parent != nil {
        stored.children += size
        raw.children += rawSize
      }
    }
    self.byName = byName
    children = stored.children / raw.children
    all = stored.all / raw.all
  }

  var facts: [(String, JSON)] {
    let nodes = byName.map { JSON.Member($0.name, .number(($0.ratio * 1e5).rounded() / 1e5)) }
    return [
      ("ratios", .object(nodes)), ("children", .number((children * 1e5).rounded() / 1e5)),
      ("all", .number((all * 1e5).rounded() / 1e5)),
    ]
  }

  var cells: [String] {
    (byName.map(\.ratio) + [children, all]).map { fixed($0, 4) }
  }
}

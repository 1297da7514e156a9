import Storage
import Weights

/// Every float value is finite; the evidence names the tensors that are not.
enum FiniteGate {
  static let namesMax = 20  // enough to see which layers; the count says the rest

  static func judge(_ scan: WeightScan) -> Gate.Result {
    let faulty = scan.entries.filter { $0.sums.nonFiniteCount > 0 }
    let values = scan.entries.reduce(0) { $0 + $1.tensor.elementCount }
    let evidence: JSON = [
      "tensors": JSON(scan.entries.count), "values": JSON(values),
      "notFiniteValues": JSON(faulty.reduce(0) { $0 + $1.sums.nonFiniteCount }),
      "notFiniteTensors": JSON(faulty.count),
      "notFinite": .array(
        faulty.prefix(namesMax).map {
          ["tensor": .string($0.tensor.name), "values": JSON($0.sums.nonFiniteCount)]
        }),
      "unknownTypes": .array(scan.unknown.prefix(namesMax).map(JSON.string)),
    ]
    if let first = faulty.first {
      let others = faulty.count > 1 ? " and \(faulty.count - 1) more" : ""
      let count = first.sums.nonFiniteCount
      return Gate.Result(
        .finite, .fail,
        "\(count) \(count == 1 ? "value" : "values") of \(first.tensor.name)\(others) not finite",
        evidence)
    }
    guard !scan.entries.isEmpty else {
      return Gate.Result(
        .finite, .notApplicable, "no float tensors in a format that is read", evidence)
    }
    return Gate.Result(
      .finite, .ok, "\(values) values of \(scan.entries.count) tensors", evidence)
  }
}

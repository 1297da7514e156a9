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
      "notReadTensors": JSON(scan.unknown.count),
      "notRead": .array(
        scan.unknown.prefix(namesMax).map {
          ["tensor": .string($0.name), "dtype": .string($0.dtypeName)]
        }),
    ]
    let rest = notRead(scan.unknown)
    if let first = faulty.first {
      let others = faulty.count > 1 ? " and \(faulty.count - 1) more" : ""
      let count = first.sums.nonFiniteCount
      let what = "\(count) \(count == 1 ? "value" : "values") of \(first.tensor.name)\(others)"
      return Gate.Result(.finite, .fail, "\(what) not finite\(rest)", evidence)
    }
    guard !scan.entries.isEmpty else {
      return Gate.Result(
        .finite, .notApplicable, "no float tensors in a format that is read\(rest)", evidence)
    }
    return Gate.Result(
      .finite, .ok, "\(values) values of \(scan.entries.count) tensors\(rest)", evidence)
  }

  /// `; 2 tensors not read, of unknown type F4, F8_E8M0`; nothing when all were read.
  private static func notRead(_ unknown: [Tensor]) -> String {
    guard !unknown.isEmpty else { return "" }
    let types = Set(unknown.map(\.dtypeName)).sorted()
    let shown = types.prefix(3).joined(separator: ", ") + (types.count > 3 ? " …" : "")
    return "; \(unknown.count) \(unknown.count == 1 ? "tensor" : "tensors") not read, of unknown "
      + "\(types.count == 1 ? "type" : "types") \(shown)"
  }
}

import Storage
import Weights

extension Verification {
  /// Damaged content by the files that have it: chunks that damage the same files are one fault.
  static func contentFaults(_ faults: [BlobFault], _ store: Store) -> [Fault] {
    var names = ContentNames(store)
    var groups: [[BlobFault]] = []
    var places: [[Digest]: Int] = [:]
    for fault in faults {
      let blobs = fault.places.map(\.blob)
      if fault.chunk != nil, let place = places[blobs] {
        groups[place].append(fault)
      } else {
        if fault.chunk != nil { places[blobs] = groups.count }
        groups.append([fault])
      }
    }
    return groups.map { group in
      let files = group[0].places.flatMap { names.names(of: $0.blob) }
      var fault = Fault(
        kind: "weights", subject: files.first ?? "weights.sqlite", message: message(of: group))
      fault.files = files
      fault.blobs = group[0].places.map(\.blob)
      fault.chunks = group.compactMap(\.chunk)
      var seen: Set<[UInt8]> = []
      fault.tensors = group.compactMap { $0.places.first?.tensor }
        .filter { seen.insert(Array($0.utf8)).inserted }
      return fault
    }
  }

  /// The first damage in words, and how much more of the same there is.
  private static func message(of group: [BlobFault]) -> String {
    let first = group[0]
    var message = first.message
    if let place = first.places.first {
      if let tensor = place.tensor {
        message = "tensor '\(tensor.excerpt)' \(message)"
      } else if let offset = place.offset {
        message = "byte \(offset), \(message)"
      }
    }
    let more = group.count - 1
    return more == 0 ? message : "\(message) (and \(more) more \(more == 1 ? "chunk" : "chunks"))"
  }
}

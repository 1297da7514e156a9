/// Numbers the keys of metrics, so that a point costs no string.
struct MetricKeys {
  /// The keys in the order of their first point.
  private(set) var names: [String] = []
  private var bytes: [[UInt8]] = []
  private var indexes: [[UInt8]: Int] = [:]
  private var guess = 0

  /// The number of a key; the key after the one asked for last is tried first, as lines repeat.
  mutating func index(of key: UnsafeRawBufferPointer) -> Int {
    if guess >= bytes.count { guess = 0 }
    if guess < bytes.count, key.elementsEqual(bytes[guess]) {
      guess += 1
      return guess - 1
    }
    let copy = Array(key)
    if let index = indexes[copy] {
      guess = index + 1
      return index
    }
    indexes[copy] = names.count
    names.append(String(decoding: key, as: UTF8.self))
    bytes.append(copy)
    guess = names.count
    return names.count - 1
  }
}

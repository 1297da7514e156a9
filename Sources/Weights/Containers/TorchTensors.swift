/// The tensors that a PyTorch pickle describes, by the storages that they are views of.
struct TorchTensors {
  /// What the pickle says of a storage.
  struct Storage {
    /// Nil when its class does not say.
    let element: TorchElement?
    /// The number of elements; of bytes when there is no element type.
    let count: Int64
    fileprivate(set) var views: [View] = []
  }

  /// A tensor that shows all or a part of a storage.
  struct View {
    let name: String
    let element: TorchElement
    /// The first element, from the storage's first.
    let offset: Int64
    /// How its values lie there, the outermost dimension first; nil when they lie apart.
    let shape: [Int]?
  }

  static let nestingMax = 64
  static let nameBytesMax = 1024
  static let namesBytesMax = 16 << 20
  static let dimensionCountMax = 64

  /// By the key that also names the storage's bytes.
  private(set) var storages: [[UInt8]: Storage] = [:]

  private let pickle: Pickle
  private var namesBytes = 0
  /// What has been come by, and on which way.
  private var steps: [Step] = []
  private var wasSeen: [Bool]

  /// A value on the way from the pickle's root to a tensor.
  private struct Step {
    let value: Int32
    /// The step before it, and what leads from there to here: a key, or a number as -1 - number.
    let previous: Int32
    let key: Int32
  }

  /// Looks for tensors in everything that a value holds.
  init(_ pickle: Pickle, root: Int32) {
    self.pickle = pickle
    wasSeen = [Bool](repeating: false, count: pickle.values.count)
    var stack = [Step(value: root, previous: -1, key: Self.noKey)]
    while let step = stack.popLast() {
      guard !wasSeen[Int(step.value)] else { continue }
      wasSeen[Int(step.value)] = true
      steps.append(step)
      stack += next(after: Int32(steps.count - 1)).reversed()
    }
    steps = []
    wasSeen = []
  }

  private static let noKey = Int32.min

  /// Where it goes on from a step, after noting the tensor or storage that is there.
  private mutating func next(after number: Int32) -> [Step] {
    let value = steps[Int(number)].value
    func members(_ value: Int32) -> [Step] {
      pickle.members(of: value).enumerated().compactMap { place, member in
        guard isContainer(member) else { return nil }
        return Step(value: member, previous: number, key: -1 - Int32(place))
      }
    }
    switch pickle.kind(of: value) {
    case .tuple, .list: return members(value)
    case .dict: return pairs(of: value, from: number)
    case .persistent:
      note(storage: value)
      return []
    case .call: return next(afterCall: value, number) + pairs(of: value, from: number)
    default: return []
    }
  }

  private func pairs(of value: Int32, from number: Int32) -> [Step] {
    let members = pickle.members(of: value)
    return stride(from: 0, to: members.count - 1, by: 2).compactMap { place in
      guard isContainer(members[place + 1]) else { return nil }
      var key = members[place]
      switch pickle.kind(of: key) {
      case .text, .int: break
      case .other: key = Self.noKey  // the state of an object
      default: key = -1 - Int32(place / 2)
      }
      return Step(value: members[place + 1], previous: number, key: key)
    }
  }

  private func isContainer(_ value: Int32) -> Bool {
    switch pickle.kind(of: value) {
    case .tuple, .list, .dict, .call, .persistent: true
    default: false
    }
  }

  private mutating func next(afterCall value: Int32, _ number: Int32) -> [Step] {
    guard let (callee, arguments) = pickle.call(of: value),
      pickle.kind(of: arguments) == .tuple
    else { return [] }
    func here(_ value: Int32) -> Step { Step(value: value, previous: number, key: Self.noKey) }
    let parts = pickle.members(of: arguments, atMost: 8)
    switch pickle.global(of: callee) {
    case "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor":
      if parts.count >= 4 { note(tensor: parts, dtype: nil, at: number) }
      return []
    case "torch._utils _rebuild_tensor_v3":
      if parts.count >= 7 { note(tensor: parts, dtype: parts[6], at: number) }
      return []
    case "torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state":
      return parts.prefix(1).map(here)
    case "torch._tensor _rebuild_from_type_v2":
      // The function, the class and the function's arguments: as if the function were called.
      guard parts.count >= 3, pickle.kind(of: parts[2]) == .tuple else { return [] }
      let inner = pickle.members(of: parts[2], atMost: 8)
      switch pickle.global(of: parts[0]) {
      case "torch._utils _rebuild_tensor_v2" where inner.count >= 4:
        note(tensor: inner, dtype: nil, at: number)
      case "torch._utils _rebuild_tensor_v3" where inner.count >= 7:
        note(tensor: inner, dtype: inner[6], at: number)
      default: return [here(parts[2])]
      }
      return []
    default: return [here(arguments)]
    }
  }

  /// Notes a storage, and returns its key: ('storage', class, key, location, count).
  @discardableResult
  private mutating func note(storage value: Int32) -> [UInt8]? {
    guard let id = pickle.persistentId(of: value), pickle.kind(of: id) == .tuple else { return nil }
    let parts = pickle.members(of: id, atMost: 6)
    guard parts.count >= 5, pickle.text(of: parts[0])?.elementsEqual("storage".utf8) == true,
      let global = pickle.global(of: parts[1]), let key = pickle.text(of: parts[2]).map(Array.init),
      let count = pickle.int(of: parts[4]), count >= 0
    else { return nil }
    let element = TorchElement(global: global)
    guard element != nil || TorchElement.isUntyped(global: global) else { return nil }
    if storages[key] == nil { storages[key] = Storage(element: element, count: count) }
    return key
  }

  /// Notes a tensor: its storage, offset, shape and strides, and with some its type.
  private mutating func note(tensor parts: [Int32], dtype: Int32?, at number: Int32) {
    guard let key = note(storage: parts[0]), let storage = storages[key],
      let offset = pickle.int(of: parts[1]), offset >= 0,
      let sizes = pickle.ints(of: parts[2], atMost: Self.dimensionCountMax),
      let strides = pickle.ints(of: parts[3], atMost: Self.dimensionCountMax),
      sizes.count == strides.count, let name = name(of: number)
    else { return }
    let named = dtype.flatMap { pickle.global(of: $0) }.flatMap { TorchElement(global: $0) }
    guard let element = dtype == nil ? storage.element : named else { return }
    storages[key]?.views.append(
      View(name: name, element: element, offset: offset, shape: Self.shape(sizes, strides)))
  }

  /// The dimensions by falling stride, in which the values lie one after the other; nil if they
  /// do not.
  static func shape(_ sizes: [Int64], _ strides: [Int64]) -> [Int]? {
    guard sizes.allSatisfy({ $0 >= 0 }) else { return nil }
    let shape = sizes.map { Int($0) }
    guard !shape.contains(0) else { return shape }
    var expected: Int64 = 1
    var order = sizes.indices.reversed().map { $0 }
    // The usual order stays as it is, whatever the strides of dimensions of one are.
    let wide = order.filter { sizes[$0] > 1 }
    let isUsual = zip(wide, wide.dropFirst()).allSatisfy { strides[$0] <= strides[$1] }
    if !isUsual { order.sort { (strides[$0], $1) < (strides[$1], $0) } }
    for dimension in order where sizes[dimension] > 1 {
      guard strides[dimension] == expected else { return nil }
      let (product, overflows) = expected.multipliedReportingOverflow(by: sizes[dimension])
      guard !overflows else { return nil }
      expected = product
    }
    return order.reversed().map { shape[$0] }
  }

  /// The keys that lead to a step, with a point between; nil when they are too many or too long.
  private mutating func name(of number: Int32) -> String? {
    var parts: [[UInt8]] = []
    var step = steps[Int(number)]
    var lengthBytes = 0
    while true {
      if let part = part(step.key) {
        parts.append(part)
        lengthBytes += part.count + 1
        guard parts.count <= Self.nestingMax, lengthBytes <= Self.nameBytesMax else { return nil }
      }
      guard step.previous >= 0 else { break }
      step = steps[Int(step.previous)]
    }
    namesBytes += lengthBytes
    guard namesBytes <= Self.namesBytesMax else { return nil }
    return String(decoding: Array(parts.reversed().joined(separator: [46])), as: UTF8.self)
  }

  /// A key as a part of a name; nil for what says nothing: a module's tables of its parts.
  private func part(_ key: Int32) -> [UInt8]? {
    guard key != Self.noKey else { return nil }
    guard key >= 0 else { return Array(String(-1 - key).utf8) }
    if let number = pickle.int(of: key) { return Array(String(number).utf8) }
    guard let text = pickle.text(of: key), text.count <= Self.nameBytesMax else { return [] }
    let tables = ["_modules", "_parameters", "_buffers"]
    return tables.contains { text.elementsEqual($0.utf8) } ? nil : Array(text)
  }
}

/// What a pickle describes, as data: nothing in it is ever called or imported.
///
/// Values are numbers in flat arrays, so that nesting, sharing and loops cost no stack and no more
/// memory than the limits say.
struct Pickle {
  /// What a value is.
  enum Kind: UInt8 {
    /// Nothing of use here: None, a float, a large number.
    case other
    case bool
    case int
    /// Text or bytes.
    case text
    case tuple
    case list
    case dict
    /// The name of a class or function.
    case global
    /// What a call would make; its members are what is set on it.
    case call
    /// What stands for something outside of the pickle: in PyTorch a storage.
    case persistent
  }

  /// A value; values name each other by their number.
  struct Value {
    let kind: Kind
    /// By kind: the number; where the text begins and its length; the global's number; the callee
    /// and its arguments; the persistent id.
    let first: Int64
    var second: Int32 = 0
    /// The chain of members: elements, or keys and values in turn.
    var firstLink: Int32 = -1
    var lastLink: Int32 = -1
  }

  /// A member, and the next one.
  struct Link {
    let value: Int32
    var next: Int32
  }

  static let valueCountMax = 1 << 19
  static let linkCountMax = 1 << 20

  /// The pickle itself, in which texts are found.
  let bytes: [UInt8]
  private(set) var values: [Value] = []
  private var links: [Link] = []
  /// `torch._utils _rebuild_tensor_v2` and others.
  var globals: [String] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Adds a value, and returns its number.
  mutating func add(_ kind: Kind, _ first: Int64 = 0, _ second: Int32 = 0) throws -> Int32 {
    guard values.count < Self.valueCountMax else { throw Container.fault("the pickle is too long") }
    values.append(Value(kind: kind, first: first, second: second))
    return Int32(values.count - 1)
  }

  /// Adds a member at the end of a value.
  mutating func append(_ member: Int32, to value: Int32) throws {
    guard links.count < Self.linkCountMax else { throw Container.fault("the pickle is too long") }
    let link = Int32(links.count)
    links.append(Link(value: member, next: -1))
    let last = values[Int(value)].lastLink
    if last >= 0 { links[Int(last)].next = link } else { values[Int(value)].firstLink = link }
    values[Int(value)].lastLink = link
  }

  /// The members of a value: in a dictionary each key with its value after it.
  func members(of value: Int32) -> [Int32] {
    var members: [Int32] = []
    var next = values[Int(value)].firstLink
    while next >= 0 {
      members.append(links[Int(next)].value)
      next = links[Int(next)].next
    }
    return members
  }

  /// The first members of a value, no more than some.
  func members(of value: Int32, atMost count: Int) -> [Int32] {
    var members: [Int32] = []
    var next = values[Int(value)].firstLink
    while next >= 0, members.count < count {
      members.append(links[Int(next)].value)
      next = links[Int(next)].next
    }
    return members
  }

  func kind(of value: Int32) -> Kind { values[Int(value)].kind }

  /// The bytes of a text; nil for any other value.
  func text(of value: Int32) -> ArraySlice<UInt8>? {
    let value = values[Int(value)]
    guard value.kind == .text else { return nil }
    return bytes[Int(value.first)..<Int(value.first) + Int(value.second)]
  }

  /// The number of an int; nil for any other value.
  func int(of value: Int32) -> Int64? {
    let value = values[Int(value)]
    return value.kind == .int ? value.first : nil
  }

  /// The name of a global; nil for any other value.
  func global(of value: Int32) -> String? {
    let value = values[Int(value)]
    return value.kind == .global ? globals[Int(value.first)] : nil
  }

  /// What a call would call, with which arguments; nil for any other value.
  func call(of value: Int32) -> (callee: Int32, arguments: Int32)? {
    let value = values[Int(value)]
    return value.kind == .call ? (Int32(value.first), value.second) : nil
  }

  /// What a persistent id is; nil for any other value.
  func persistentId(of value: Int32) -> Int32? {
    let value = values[Int(value)]
    return value.kind == .persistent ? Int32(value.first) : nil
  }

  /// The numbers of a tuple or list; nil when it is none or has anything else.
  func ints(of value: Int32, atMost count: Int) -> [Int64]? {
    guard kind(of: value) == .tuple || kind(of: value) == .list else { return nil }
    let members = members(of: value, atMost: count + 1)
    let ints = members.compactMap { int(of: $0) }
    return ints.count == members.count && ints.count <= count ? ints : nil
  }
}

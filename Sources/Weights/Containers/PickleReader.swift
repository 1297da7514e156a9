/// Reads the opcodes of pickle protocols 2 to 5 that data is made of, and refuses all others.
///
/// Source: CPython's Lib/pickletools.py.
struct PickleReader {
  static let stackMax = 1 << 19
  static let memoMax = 1 << 20
  static let globalCountMax = 4096
  static let globalBytesMax = 256

  private(set) var pickle: Pickle
  /// Where the next opcode is; after the end, where the pickle ends.
  private(set) var index: Int
  private var stack: [Int32] = []
  private var marks: [Int] = []
  private var memo: [Int32] = []
  private var memoCount = 0
  private var small: [Int32] = []
  private var emptyTuple: Int32 = 0

  private static let fault = Container.fault(
    "the pickle has an opcode or a value that is not known")

  /// Begins at a place in some bytes.
  init(_ bytes: [UInt8], at index: Int = 0) throws {
    pickle = Pickle(bytes)
    self.index = index
    // What stands in a pickle many times is kept once: none, false, true, () and small numbers.
    small = [try pickle.add(.other), try pickle.add(.bool, 0), try pickle.add(.bool, 1)]
    emptyTuple = try pickle.add(.tuple)
    for number in Int64(0)..<256 { small.append(try pickle.add(.int, number)) }
  }

  /// Reads to the end of the pickle, and returns what it is.
  mutating func read() throws -> Int32 {
    while true {
      let code = try number(UInt8.self)
      if code == UInt8(ascii: ".") { return try pop() }
      switch code {
      case 0x80: _ = try number(UInt8.self)  // PROTO
      case 0x95: _ = try number(UInt64.self)  // FRAME
      case 0x28:  // MARK
        guard marks.count < Self.stackMax else { throw Self.fault }
        marks.append(stack.count)
      case 0x30: _ = try pop()  // POP
      case 0x31: _ = try popToMark()  // POP_MARK
      case 0x32: try push(try top())  // DUP
      case 0x68, 0x6A, 0x71, 0x72, 0x94: try readMemo(code)
      case 0x29, 0x5D, 0x7D, 0x8F, 0x61, 0x64, 0x65, 0x6C, 0x73, 0x74, 0x75, 0x85...0x87, 0x90,
        0x91:
        try readCollection(code)
      case 0x52, 0x51, 0x62, 0x63, 0x81, 0x92, 0x93: try readCall(code)
      default: try readScalar(code)
      }
    }
  }

  private mutating func readScalar(_ code: UInt8) throws {
    switch code {
    case 0x4E: try push(small[0])  // NONE
    case 0x89: try push(small[1])  // NEWFALSE
    case 0x88: try push(small[2])  // NEWTRUE
    case 0x4A: try push(Int64(try number(Int32.self)))  // BININT
    case 0x4B: try push(Int64(try number(UInt8.self)))  // BININT1
    case 0x4D: try push(Int64(try number(UInt16.self)))  // BININT2
    case 0x8A: try pushLong(length: Int(try number(UInt8.self)))  // LONG1
    case 0x8B: try pushLong(length: Int(try number(Int32.self)))  // LONG4
    case 0x47:  // BINFLOAT
      _ = try number(UInt64.self)
      try push(small[0])
    case 0x55, 0x43, 0x8C: try pushText(length: UInt64(try number(UInt8.self)))  // SHORT_BIN…
    case 0x54, 0x42, 0x58: try pushText(length: UInt64(try number(UInt32.self)))  // BIN…
    case 0x8D, 0x8E, 0x96: try pushText(length: try number(UInt64.self))  // …8
    default: throw Self.fault
    }
  }

  private mutating func readMemo(_ code: UInt8) throws {
    switch code {
    case 0x68: try push(try memo(at: Int(try number(UInt8.self))))  // BINGET
    case 0x6A: try push(try memo(at: Int(try number(UInt32.self))))  // LONG_BINGET
    case 0x71: try keep(at: Int(try number(UInt8.self)))  // BINPUT
    case 0x72: try keep(at: Int(try number(UInt32.self)))  // LONG_BINPUT
    default: try keep(at: memoCount)  // MEMOIZE
    }
  }

  private mutating func readCollection(_ code: UInt8) throws {
    switch code {
    case 0x29: try push(emptyTuple)
    case 0x5D, 0x8F: try push(try pickle.add(.list))  // EMPTY_LIST, EMPTY_SET
    case 0x7D: try push(try pickle.add(.dict))
    case 0x74: try push(.tuple, of: try popToMark())
    case 0x6C, 0x91: try push(.list, of: try popToMark())  // LIST, FROZENSET
    case 0x64: try push(.dict, of: try popToMark())
    case 0x85...0x87: try push(.tuple, of: try pop(Int(code) - 0x84))
    case 0x61: try add(try pop(1))  // APPEND
    case 0x65, 0x90: try add(try popToMark())  // APPENDS, ADDITEMS
    case 0x73: try addPairs(try pop(2))  // SETITEM
    default: try addPairs(try popToMark())  // SETITEMS
    }
  }

  private mutating func readCall(_ code: UInt8) throws {
    switch code {
    case 0x63:  // GLOBAL
      let module = try line()
      try pushGlobal(module, try line())
    case 0x93:  // STACK_GLOBAL
      let names = try pop(2).map { name in
        guard let text = pickle.text(of: name) else { throw Self.fault }
        return text
      }
      try pushGlobal(names[0], names[1])
    case 0x51: try push(try pickle.add(.persistent, Int64(try pop())))
    case 0x52, 0x81:  // REDUCE, NEWOBJ
      let parts = try pop(2)
      try push(try pickle.add(.call, Int64(parts[0]), parts[1]))
    case 0x92:  // NEWOBJ_EX
      let parts = try pop(3)
      try push(try pickle.add(.call, Int64(parts[0]), parts[1]))
    default:  // BUILD
      let state = try pop()
      try addPairs([small[0], state])
    }
  }

  private mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws -> Number {
    let size = Number.bitWidth / 8
    guard pickle.bytes.count - index >= size else { throw Self.fault }
    let bits = pickle.bytes.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: index, as: Number.self)
    }
    index += size
    return Number(littleEndian: bits)
  }

  private mutating func line() throws -> ArraySlice<UInt8> {
    let rest = pickle.bytes[index...].prefix(Self.globalBytesMax)
    guard let end = rest.firstIndex(of: 10) else { throw Self.fault }
    defer { index = end + 1 }
    return rest[..<end]
  }

  private mutating func push(_ value: Int32) throws {
    guard stack.count < Self.stackMax else { throw Self.fault }
    stack.append(value)
  }

  private mutating func push(_ number: Int64) throws {
    try push(
      (0..<256).contains(number) ? small[3 + Int(number)] : try pickle.add(.int, number))
  }

  private mutating func push(_ kind: Pickle.Kind, of members: [Int32]) throws {
    let value = try pickle.add(kind)
    for member in members { try pickle.append(member, to: value) }
    try push(value)
  }

  private mutating func pushText(length: UInt64) throws {
    guard length <= UInt64(pickle.bytes.count - index) else { throw Self.fault }
    try push(try pickle.add(.text, Int64(index), Int32(length)))
    index += Int(length)
  }

  private mutating func pushLong(length: Int) throws {
    guard (0...pickle.bytes.count - index).contains(length) else { throw Self.fault }
    let digits = pickle.bytes[index..<index + length]
    index += length
    guard length <= 8 else { return try push(small[0]) }
    let sign: UInt64 = (digits.last ?? 0) >= 128 ? .max : 0
    try push(Int64(bitPattern: digits.reversed().reduce(sign) { $0 << 8 | UInt64($1) }))
  }

  private mutating func pushGlobal(
    _ module: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>
  ) throws {
    guard pickle.globals.count < Self.globalCountMax,
      module.count + name.count <= Self.globalBytesMax
    else { throw Self.fault }
    pickle.globals.append(String(decoding: module + [32] + name, as: UTF8.self))
    try push(try pickle.add(.global, Int64(pickle.globals.count - 1)))
  }

  private func top() throws -> Int32 {
    guard let last = stack.last, stack.count > marks.last ?? 0 else { throw Self.fault }
    return last
  }

  private mutating func pop() throws -> Int32 {
    let last = try top()
    stack.removeLast()
    return last
  }

  private mutating func pop(_ count: Int) throws -> [Int32] {
    guard stack.count - (marks.last ?? 0) >= count else { throw Self.fault }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [Int32] {
    guard let mark = marks.popLast() else { throw Self.fault }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private mutating func add(_ members: [Int32]) throws {
    let target = try top()
    switch pickle.kind(of: target) {
    case .list: for member in members { try pickle.append(member, to: target) }
    case .call:  // a subclass of list: members without keys
      for member in members {
        try pickle.append(small[0], to: target)
        try pickle.append(member, to: target)
      }
    default: throw Self.fault
    }
  }

  private mutating func addPairs(_ members: [Int32]) throws {
    let target = try top()
    guard members.count.isMultiple(of: 2),
      pickle.kind(of: target) == .dict || pickle.kind(of: target) == .call
    else { throw Self.fault }
    for member in members { try pickle.append(member, to: target) }
  }

  private func memo(at place: Int) throws -> Int32 {
    guard memo.indices.contains(place), memo[place] >= 0 else { throw Self.fault }
    return memo[place]
  }

  private mutating func keep(at place: Int) throws {
    guard place < Self.memoMax else { throw Self.fault }
    if place >= memo.count {
      memo.append(contentsOf: repeatElement(-1, count: place + 1 - memo.count))
    }
    if memo[place] < 0 { memoCount += 1 }
    memo[place] = try top()
  }
}

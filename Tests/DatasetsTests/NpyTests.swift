import Datasets
import Foundation
import Storage
import Support
import Testing

@Suite struct NpyTests {
  private static let twoLabels = NumpyFiles.file("<i8", shape: "(2,)", content: bytes([3, -1]))

  private static func bytes(_ numbers: [Int64]) -> [UInt8] {
    numbers.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
  }

  private static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
    }
  }

  private func fault(
    _ features: [UInt8], labels: [UInt8] = twoLabels, _ options: FeatureTable.ReadOptions = .init()
  ) -> String {
    DatasetsTests.fault { _ = try read(features, as: "X.npy", options, labels: labels) }
  }

  @Test func `a file as numpy lays it out is what numpy wrote`() {
    let content = Array(NumpyFiles.whole.suffix(24))
    #expect(NumpyFiles.file("<f4", shape: "(2, 3)", content: content) == NumpyFiles.whole)
  }

  @Test func `every type, byte order and axis order that numpy wrote is read`() throws {
    for array in NumpyFiles.arrays {
      let file = NumpyFiles.file(
        array.descr, isFortran: array.isFortran, shape: "(2, 3)", content: Self.bytes(array.hex))
      let table = try read(file, as: "X.npy", labels: Self.twoLabels)
      #expect(table.features == array.values, "\(array.descr) \(array.isFortran)")
      #expect(table.columns == ["0", "1", "2"])
      #expect(table.labels == ["3", "-1"])
      #expect(table.place(ofRow: 1) == "row 1 of X.npy")
    }
    #expect(Set(NumpyFiles.arrays.map(\.descr)).count == 21)
    for file in [NumpyFiles.whole, NumpyFiles.second] {
      let table = try read(file, as: "X.npy", labels: Self.twoLabels)
      #expect(table.features == [0.5, -1.25, 2, 3, 1024, -0.0625])
    }
  }

  @Test func `labels are whole numbers, booleans or texts`() throws {
    func labels(_ file: [UInt8], rows: Int = 2) throws -> [String] {
      let features = NumpyFiles.file(
        "|u1", shape: "(\(rows), 1)", content: [UInt8](repeating: 7, count: rows))
      return try read(features, as: "X.npy", labels: file).labels
    }
    #expect(try labels(NumpyFiles.texts, rows: 3) == ["cat", "d\u{f6}g", "a"])
    #expect(try labels(NumpyFiles.bigEndianTexts) == ["cat", "dog"])
    #expect(
      try labels(NumpyFiles.file("|b1", shape: "(2, 1)", content: [1, 0])) == ["true", "false"])
    let floats = NumpyFiles.file("<f4", shape: "(2,)", content: Self.bytes("0000803f000000c0"))
    #expect(try labels(floats) == ["1", "-2"])
    let large = NumpyFiles.file("<i8", shape: "(2,)", content: Self.bytes([.max, .max - 1]))
    #expect(try labels(large) == ["9223372036854775807", "9223372036854775806"])
    let largest = NumpyFiles.file("<u8", shape: "(2,)", content: Self.bytes([-1, -2]))
    #expect(try labels(largest) == ["18446744073709551615", "18446744073709551614"])
  }

  @Test func `targets of a regression are numbers`() throws {
    let targets = NumpyFiles.file("<f4", shape: "(2,)", content: Self.bytes("0000803f0000c0c0"))
    let table = try read(
      NumpyFiles.whole, as: "X.npy", .init(kind: .numbers), labels: targets)
    #expect(table.numbers == [1, -6])
    #expect(
      fault(NumpyFiles.whole, labels: NumpyFiles.bigEndianTexts, .init(kind: .numbers))
        == "y.npy holds no numbers, as the targets of a regression are")
  }

  @Test func `labels that do not fit are refused`() {
    let file = NumpyFiles.whole
    #expect(
      fault(file, labels: NumpyFiles.texts) == "y.npy has 3 labels for the 2 rows of X.npy")
    #expect(
      fault(file, labels: file) == "y.npy has the shape (2, 3), where labels have one dimension")
    let half = NumpyFiles.file("<f4", shape: "(2,)", content: Self.bytes("0000803f0000003f"))
    #expect(fault(file, labels: half) == "row 1 of X.npy: the label 0.5 is not a whole number")
    let text = NumpyFiles.file("<U1", shape: "(2,)", content: Self.bytes("6100000000d80000"))
    #expect(fault(file, labels: text) == "row 1 of y.npy: the label is not UTF-32")
    let empty = NumpyFiles.file("<U1", shape: "(2,)", content: Self.bytes("6100000000000000"))
    #expect(fault(file, labels: empty) == "row 1 of X.npy: the label is empty")
    #expect(
      DatasetsTests.fault { _ = try read(file, as: "X.npy") } == "X.npy has no labels in it")
  }

  @Test func `features that are no finite numbers of two dimensions are refused`() {
    #expect(
      fault(Self.twoLabels)
        == "X.npy has the shape (2,), where features are numbers of two dimensions")
    let cube = NumpyFiles.file("|u1", shape: "(2, 2, 2)", content: Array(0..<8))
    #expect(
      fault(cube) == "X.npy has the shape (2, 2, 2), where features are numbers of two dimensions")
    let texts = NumpyFiles.file("<U1", shape: "(1, 1)", content: [97, 0, 0, 0])
    #expect(fault(texts) == "X.npy has texts, where features are numbers of two dimensions")
    let none = NumpyFiles.file("<f4", shape: "(0, 3)", content: [])
    #expect(fault(none) == "X.npy has no rows")
    let narrow = NumpyFiles.file("<f4", shape: "(2, 0)", content: [])
    #expect(fault(narrow) == "X.npy has no feature column")
    for isFortran in [false, true] {
      // 1, NaN, 2, infinity
      let file = NumpyFiles.file(
        "<f4", isFortran: isFortran, shape: "(2, 2)",
        content: Self.bytes("0000803f0000c07f000000400000807f"))
      #expect(
        fault(file)
          == (isFortran
            ? "row 1 of X.npy: nan in column '0' is not a finite 32-bit float"
            : "row 0 of X.npy: nan in column '1' is not a finite 32-bit float"))
    }
    let large = NumpyFiles.file("<f8", shape: "(2, 1)", content: Self.bytes([0, 0x7FE0 << 48]))
    #expect(
      fault(large).hasPrefix("row 1 of X.npy: 8.98846567431158e+307 in column '0' is not"))
  }

  /// What follows `X.npy is not a .npy file that can be read: `.
  @Test(arguments: [
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }",
      "its shape (2, 4) needs 32 bytes of content, and it has 24"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
      "its shape (2, 2) needs 16 bytes of content, and it has 24"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
      "its shape () needs 4 bytes of content, and it has 24"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
      "its shape is larger than any file"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2), }",
      "its shape is larger than any file"
    ),
    ("{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", "it holds pickled objects"),
    (
      "{'descr': '<f16', 'fortran_order': False, 'shape': (2, 3), }", "the type '<f16' is not known"
    ),
    ("{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }", "the type '<c8' is not known"),
    (
      "{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3), }",
      "the type '|f4' has no byte order"
    ),
    ("{'descr': '<U0', 'fortran_order': False, 'shape': (2, 3), }", "the type '<U0' is not known"),
    (
      "{'descr': '<U9999999999999999999', 'fortran_order': False, 'shape': (2, 3), }",
      "the type '<U9999999999999999999' is not known"
    ),
    (
      "{'descr': '<M8[D]', 'fortran_order': False, 'shape': (3,), }",
      "the type '<M8[D]' is not known"
    ),
    ("{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }", "the type 'f4' is not known"),
  ])
  func `a header that lies is refused`(header: String, sentence: String) {
    let file = NumpyFiles.file(header: header, content: [UInt8](repeating: 0, count: 24))
    #expect(fault(file) == "X.npy is not a .npy file that can be read: " + sentence)
  }

  @Test(arguments: [
    "", "{}", "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4'",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
    "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
    "{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (2, 3)}",
  ])
  func `a header that is not one is refused`(header: String) {
    let file = NumpyFiles.file(header: header, content: [UInt8](repeating: 0, count: 24))
    #expect(
      fault(file)
        == "X.npy is not a .npy file that can be read: its header is not descr, fortran_order and "
        + "shape")
  }

  @Test func `objects and records that numpy wrote are refused`() {
    #expect(fault(NumpyFiles.objects).hasSuffix("it holds pickled objects"))
    #expect(fault(NumpyFiles.records).hasSuffix("its header is not descr, fortran_order and shape"))
  }

  @Test func `a file cut anywhere or with a byte more is refused`() {
    for file in [NumpyFiles.whole, NumpyFiles.second, NumpyFiles.texts] {
      for count in 0..<file.count {
        let sentence = fault(Array(file.prefix(count)))
        #expect(sentence.hasPrefix("X.npy is not a .npy file that can be read: "))
      }
      #expect(fault(file + [0]).hasPrefix("X.npy is not a .npy file that can be read: its shape"))
    }
  }

  @Test func `damaged headers are read or refused, and nothing traps`() throws {
    var random = SeededGenerator(seed: 3)
    for round in 0..<1000 {
      var file = NumpyFiles.whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<128, using: &random)
        file[place] = UInt8.random(in: 0...255, using: &random)
      }
      do {
        let table = try read(file, as: "X.npy", labels: Self.twoLabels)
        #expect(table.features.count == table.rowCount * table.columnCount, "round \(round)")
      } catch let error as RegistryError {
        #expect(error.kind == .invalidInput, "round \(round)")
      }
    }
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `an array of more than one piece is read, number by number`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let (rowCount, columnCount) = (70_001, 7)
    let isFortran = seed % 2 == 1
    let isBigEndian = seed > 1
    var content: [UInt8] = []
    content.reserveCapacity(rowCount * columnCount * 4)
    var features = [Float](repeating: 0, count: rowCount * columnCount)
    for place in features.indices {
      let value = Float.random(in: -1...1, using: &random)
      let target =
        isFortran ? place % rowCount * columnCount + place / rowCount : place
      features[target] = value
      let bits = isBigEndian ? value.bitPattern.bigEndian : value.bitPattern.littleEndian
      withUnsafeBytes(of: bits) { content += $0 }
    }
    let file = NumpyFiles.file(
      isBigEndian ? ">f4" : "<f4", isFortran: isFortran, shape: "(\(rowCount), \(columnCount))",
      content: content)
    let labels = NumpyFiles.file(
      "|u1", shape: "(\(rowCount),)", content: (0..<rowCount).map { UInt8($0 % 251) })
    let table = try read(file, as: "X.npy", labels: labels)
    #expect(table.features == features, "seed \(seed)")
    #expect(table.labels == (0..<rowCount).map { "\($0 % 251)" }, "seed \(seed)")
  }
}

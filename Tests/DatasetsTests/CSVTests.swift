import Datasets
import Foundation
import Storage
import Support
import Testing

@Suite struct CSVTests {
  @Test func `columns, features, labels and lines are read`() throws {
    let table = try read("a,label,b\n1,cat,2\n-3.5,dog,4e2\n")
    #expect(table.columns == ["a", "b"])
    #expect(table.features == [1, 2, -3.5, 400])
    #expect(table.labels == ["cat", "dog"])
    #expect(table.rowNumbers == [2, 3])
    #expect(table.place(ofRow: 1) == "line 3 of train.csv")
  }

  /// Spellings of the table a = 1, 2; label = x, y.
  @Test(arguments: [
    "a,label\n1,x\n2,y\n", "a,label\n1,x\n2,y", "a,label\r\n1,x\r\n2,y\r\n", "a,label\r1,x\r2,y",
    "\u{FEFF}a,label\n1,x\n2,y\n", "\"a\",\"label\"\n\"1\",\"x\"\n\"2\",\"y\"\n",
    "\u{FEFF}\"a\",label\n 1 ,x\n\t2.0,y\n\n\r\n  \n", "label,a\nx,1\ny,2\n",
    "a,class\n+1,x\n2e0,y\n", "a,target\n1.,x\n0.2e1,y\n", "a,y\n1,x\n2,y\n",
  ])
  func `spellings of one table are one table`(text: String) throws {
    let table = try read(text)
    #expect(table.columns == ["a"])
    #expect(table.features == [1, 2])
    #expect(table.labels == ["x", "y"])
  }

  @Test func `quotes hold commas, quotes and ends of lines, and lines are counted through them`()
    throws
  {
    let table = try read("\"a\r\nb\",label\n1,\"x,\ny\"\n2,\"say \"\"hi\"\"\"\n3,\"\"\"\"\n")
    #expect(table.columns == ["a\r\nb"])
    #expect(table.labels == ["x,\ny", "say \"hi\"", "\""])
    #expect(table.rowNumbers == [3, 5, 6])
  }

  @Test func `tabs part the cells of a tsv file`() throws {
    let table = try read("a\tlabel\n1\tx,1\n", as: "train.TSV")
    #expect(table.labels == ["x,1"])
  }

  @Test func `a file without a header names its columns by number, the last the label`() throws {
    let options = FeatureTable.ReadOptions(hasHeader: false)
    let table = try read("1,2,x\n3,4,y\n", options)
    #expect(table.columns == ["1", "2"])
    #expect(table.features == [1, 2, 3, 4])
    #expect(table.rowNumbers == [1, 2])
    let first = try read("x,1\n", .init(labelColumn: "1", hasHeader: false))
    #expect(first.labels == ["x"])
  }

  @Test func `the label is the column that is named`() throws {
    #expect(try read("label,kind\n1,x\n", .init(labelColumn: "kind")).columns == ["label"])
    #expect(try read("y,label\n1,x\n").columns == ["y"])
  }

  @Test func `targets of a regression are numbers`() throws {
    let table = try read("a,y\n1,2.5\n2,-1\n", .init(kind: .numbers))
    #expect(table.numbers == [2.5, -1])
  }

  @Test(arguments: [
    ("a,label\n1,x\nabc,y\n", "line 3 of train.csv: 'abc' in column 'a' is not a number"),
    ("a,label\n1,x\n,y\n", "line 3 of train.csv: column 'a' is empty"),
    ("a,label\n1,x\n  ,y\n", "line 3 of train.csv: column 'a' is empty"),
    ("a,label\n1,x\n2,\n", "line 3 of train.csv: the label is empty"),
    ("a,label\n1,x\n2\n", "line 3 of train.csv: 1 cell where the first row has 2"),
    ("a,label\n1,x\n2,y,\n", "line 3 of train.csv: 3 cells where the first row has 2"),
    ("a,label\n1,x\n\n2,y\n", "line 3 of train.csv: the line is blank"),
    (
      "a,label\n1e999,x\n",
      "line 2 of train.csv: '1e999' in column 'a' is not a finite 32-bit float"
    ),
    ("a,label\n1e39,x\n", "line 2 of train.csv: '1e39' in column 'a' is not a finite 32-bit float"),
    ("a,label\nNaN,x\n", "line 2 of train.csv: 'NaN' in column 'a' is not a finite 32-bit float"),
    ("a,label\n-inf,x\n", "line 2 of train.csv: '-inf' in column 'a' is not a finite 32-bit float"),
    ("a,label\n0x10,x\n", "line 2 of train.csv: '0x10' in column 'a' is not a number"),
    ("a,label\n1 2,x\n", "line 2 of train.csv: '1 2' in column 'a' is not a number"),
    ("a,label\n\"1\"\"\",x\n", "line 2 of train.csv: '1\"' in column 'a' is not a number"),
    ("a,label\n1\0,x\n", "line 2 of train.csv: '1\\u{0}' in column 'a' is not a number"),
    ("a,label\n1,x\0\n", "line 2 of train.csv: the label 'x\\u{0}' has a NUL byte in it"),
    ("a,a,label\n1,2,x\n", "train.csv has two columns named 'a'"),
    ("a,,label\n1,2,x\n", "column 2 of train.csv has no name"),
    ("label\nx\n", "train.csv has no feature column"),
    ("a,b\n1,x\n", "train.csv has no column named label, target, class or y"),
    ("class,y\n1,2\n", "train.csv has columns named class and y, and each could be the label"),
    ("a,label\n", "train.csv has no rows"),
    ("\n\n", "train.csv has no rows"),
    ("\u{FEFF}", "train.csv has no rows"),
    ("", "train.csv is empty"),
    ("a,label\n1,\"x\n2,y\n", "line 2 of train.csv: a quote that is not closed in cell 2"),
    ("a,label\n1,\"x\" \n", "line 2 of train.csv: text after the closing quote in cell 2"),
    (
      "a,label\n1,5\"\n",
      "line 2 of train.csv: a quote in a cell that does not start with one in cell 2"
    ),
  ])
  func `a fault is one sentence with its row and column`(text: String, sentence: String) {
    #expect(fault(text) == sentence)
  }

  @Test func `faults of targets and of named columns are told`() {
    let numbers = FeatureTable.ReadOptions(kind: .numbers)
    #expect(
      fault("a,price\n1,x\n", .init(kind: .numbers, labelColumn: "price"))
        == "line 2 of train.csv: 'x' in column 'price' is not a number")
    #expect(fault("a,y\n1,\n", numbers) == "line 2 of train.csv: column 'y' is empty")
    #expect(
      fault("a,y\n1,1e99\n", numbers)
        == "line 2 of train.csv: the target '1e99' is not a finite 32-bit float")
    #expect(
      fault("a,y\n1,x\n", .init(labelColumn: "price"))
        == "train.csv has no column named 'price'")
  }

  @Test func `a missing file, a folder and a strange ending are told`() throws {
    try withTemporaryFolder { folder in
      let missing = folder.appending(path: "none.csv")
      #expect(throws: RegistryError(.notFound, "no file \(missing.path)")) {
        try FeatureTable.read(missing)
      }
      #expect(throws: RegistryError(.notFound, "no file \(folder.path)/none.txt")) {
        try FeatureTable.read(folder.appending(path: "none.txt"))
      }
      let inside = folder.appending(path: "a.csv")
      try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
      #expect(
        fault({ _ = try FeatureTable.read(inside) }) == "\(inside.path) is not a regular file")
    }
    #expect(
      fault("a", as: "a.parquet")
        == "a.parquet does not end in .csv, .tsv, .jsonl, .ndjson or .npy")
    #expect(
      fault({ _ = try read(Array("a,y\n1,2\n".utf8), labels: []) })
        == "train.csv has its labels in a column, so y.npy would not be used")
  }

  @Test func `bytes that are no UTF-8 are refused in names and labels`() {
    let name: [UInt8] = [0x61, 0xFF] + Array(",label\n1,x\n".utf8)
    #expect(
      fault({ _ = try read(name) }) == "line 1 of train.csv: cell 1, 'a\u{FFFD}', is not UTF-8")
    let label = Array("a,label\n1,".utf8) + [0xC0, 0x80, 0x0A]
    #expect(
      fault({ _ = try read(label) })
        == "line 2 of train.csv: cell 2, '\u{FFFD}\u{FFFD}', is not UTF-8")
    let wide: [UInt8] = [0xFF, 0xFE, 0x61, 0]
    #expect(fault({ _ = try read(wide) }) == "train.csv is UTF-16")
  }

  @Test func `labels that look alike and differ in bytes are two classes`() throws {
    let table = try read("a,label\n1,\u{e9}\n2,e\u{301}\n")
    #expect(try LabelMap(training: table).count == 2)
  }

  @Test func `huge cells, rows and headers are refused or read, and nothing traps`() throws {
    let cell = String(repeating: "7", count: 10 << 20)
    #expect(
      fault("a,label\n\(cell),x\n")
        == "line 2 of train.csv: cell 1 has 10485760 bytes, at most 4096")
    #expect(
      fault("a,label\n1,\(cell)\n")
        == "line 2 of train.csv: cell 2 has 10485760 bytes, at most 4096")
    #expect(
      fault("\(cell),label\n") == "line 1 of train.csv: cell 1 has 10485760 bytes, at most 4096")
    let long = String(repeating: "x", count: 1025)
    #expect(
      fault("a,label\n1,\(long)\n").hasPrefix("line 2 of train.csv: a label of more than 1024"))
    let digits = String(repeating: "0", count: 4000)
    #expect(try read("a,label\n0.\(digits)1,x\n").features == [0])
    #expect(try read("a,label\n\(digits)1,x\n").features == [1])

    let names = (0..<1_000_000).map { "c\($0)" }.joined(separator: ",")
    let row = String(repeating: "1,", count: 1_000_000)
    let table = try read("\(names),label\n\(row)x\n\(row)y\n")
    #expect(table.columnCount == 1_000_000)
    #expect(table.rowCount == 2)
    let commas = String(repeating: ",", count: 2_000_000)
    #expect(fault(commas) == "line 1 of train.csv: the row has more than 1048576 cells")
    let open = "a,label\n1,\"" + String(repeating: "\n", count: 90 << 20)
    #expect(fault(open) == "line 2 of train.csv: the row is longer than 64 MiB")
  }

  /// A file of some megabytes crosses the pieces in which it is read at every kind of place.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func `what is written is read, number by number`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let columnCount = Int.random(in: 1...9, using: &random)
    let rowCount = 20_000
    let end = ["\n", "\r\n", "\r", "\n"][Int(seed)]
    func quoted(_ cell: String, _ force: Bool) -> String {
      force || cell.utf8.contains(where: ",\"\n\r".utf8.contains)
        ? "\"\(cell.replacing("\"", with: "\"\""))\"" : cell
    }
    var features: [Float] = []
    var labels: [String] = []
    var lines = [(0..<columnCount).map { "c\($0)" }.joined(separator: ",") + ",label"]
    for _ in 0..<rowCount {
      let row = (0..<columnCount).map { _ in
        let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
        return value.isFinite ? value : 0
      }
      let label = ["a", "b,c", "d\"e", "f\ng", "\"", "h\r\ni"].randomElement(using: &random) ?? ""
      features += row
      labels.append(label)
      let isForced = Bool.random(using: &random)
      lines.append(
        (row.map { "\($0)" } + [label]).map { quoted($0, isForced) }.joined(separator: ","))
    }
    let table = try read(lines.joined(separator: end) + (seed % 2 == 0 ? end : ""))
    #expect(table.features.map(\.bitPattern) == features.map(\.bitPattern), "seed \(seed)")
    #expect(table.labels == labels, "seed \(seed)")
  }

  @Test func `damaged files are read or refused, and nothing traps`() throws {
    var random = SeededGenerator(seed: 11)
    let whole = Array("a,b,label\n1,2.5e-3,\"x\"\"y\"\r\n-3,+4,z\n".utf8)
    for round in 0..<1000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let choices: [UInt8] = [0, 9, 10, 13, 32, 34, 44, 0xFF, 0x65]
        let other = choices.randomElement(using: &random) ?? 0
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[place] = other
        case 1: bytes.insert(other, at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { bytes = [44] }
      }
      do {
        let table = try read(bytes)
        #expect(table.features.count == table.rowCount * table.columnCount, "round \(round)")
        #expect(!table.features.contains { !$0.isFinite }, "round \(round)")
      } catch let error as RegistryError {
        #expect(error.kind == .invalidInput, "round \(round)")
      }
    }
  }
}

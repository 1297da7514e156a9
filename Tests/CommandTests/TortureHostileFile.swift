import Foundation

/// Safetensors files that no reader may take, each by its fault.
enum HostileFile {
  static let all: [(name: String, bytes: Data)] =
    cutAndClaimed
    + headers.map { name, header, dataBytes in
      (name, file(Data(header.utf8), dataBytes: dataBytes))
    }
    + large

  /// A whole file: the header with its true length, then zeros.
  private static func file(_ header: Data, dataBytes: Int = 0) -> Data {
    claim(UInt64(header.count)) + header + Data(count: dataBytes)
  }

  private static func claim(_ size: UInt64) -> Data {
    withUnsafeBytes(of: size.littleEndian) { Data($0) }
  }

  private static let cutAndClaimed: [(name: String, bytes: Data)] = [
    ("empty", Data()), ("short", Data([1, 2])), ("only-length", claim(2)),
    ("claims-2-63", claim(1 << 63) + Data("{}".utf8)),
    ("claims-all", claim(.max) + Data("{}".utf8)),
    ("claims-limit", claim(100_000_000) + Data("{}".utf8)),
    ("cut-header", claim(100) + Data(#"{"a":"#.utf8)),
    ("not-utf-8", file(Data([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7B, 0x7D, 0x7D]))),
  ]

  private static func tensor(_ shape: String, _ begin: String, _ end: String) -> String {
    #"{"dtype":"F32","shape":[\#(shape)],"data_offsets":[\#(begin),\#(end)]}"#
  }

  private static let good = tensor("4", "0", "16")

  private static let headers: [(name: String, header: String, dataBytes: Int)] = [
    ("cut-data", #"{"a":\#(good)}"#, 15), ("more-data", #"{"a":\#(good)}"#, 17),
    ("overlap", #"{"a":\#(good),"b":\#(tensor("4", "8", "24"))}"#, 24),
    ("same-place", #"{"a":\#(good),"b":\#(good)}"#, 16),
    ("hole", #"{"a":\#(good),"b":\#(tensor("4", "20", "36"))}"#, 36),
    ("late-start", #"{"a":\#(tensor("4", "8", "24"))}"#, 24),
    ("twice", #"{"a":\#(good),"a":\#(tensor("4", "16", "32"))}"#, 32),
    ("twice-escaped", #"{"a":\#(good),"\u0061":\#(tensor("4", "16", "32"))}"#, 32),
    ("twice-metadata", #"{"__metadata__":{},"__metadata__":{}}"#, 0),
    ("odd-metadata", #"{"__metadata__":{"a":1}}"#, 0),
    ("twice-field", #"{"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, 16),
    ("overflow", #"{"a":\#(tensor("4611686018427387904,4", "0", "0"))}"#, 0),
    ("overflow-bytes", #"{"a":\#(tensor("4611686018427387904", "0", "16"))}"#, 16),
    ("overflow-number", #"{"a":\#(tensor("9223372036854775808", "0", "0"))}"#, 0),
    ("large-offsets", #"{"a":\#(tensor("4", "18446744073709551600", "18446744073709551616"))}"#, 0),
    ("far-offsets", #"{"a":\#(tensor("4", "9223372036854775791", "9223372036854775807"))}"#, 0),
    ("negative", #"{"a":\#(tensor("-4", "0", "16"))}"#, 16),
    ("negative-offset", #"{"a":\#(tensor("4", "-16", "0"))}"#, 16),
    ("fraction", #"{"a":\#(tensor("4.0", "0", "16"))}"#, 16),
    ("exponent", #"{"a":\#(tensor("4e0", "0", "16"))}"#, 16),
    ("wrong-size", #"{"a":\#(tensor("5", "0", "16"))}"#, 16),
    ("backward", #"{"a":\#(tensor("4", "16", "0"))}"#, 16),
    ("no-shape", #"{"a":{"dtype":"F32","data_offsets":[0,16]}}"#, 16),
    ("one-offset", #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}}"#, 16),
    ("half-surrogate", #"{"\ud800":\#(good)}"#, 16), ("control", "{\"a\n\":\(good)}", 16),
    ("rest", #"{"a":\#(good)}x"#, 16), ("two-values", #"{"a":\#(good)}{}"#, 16),
    ("comma", #"{"a":\#(good),}"#, 16), ("no-json", "hello", 0), ("array", "[]", 0),
  ]

  /// Headers that are as large as a reader takes, or a little larger.
  private static var large: [(name: String, bytes: Data)] {
    func repeated(_ text: String, _ count: Int) -> Data {
      let piece = Data(text.utf8)
      var data = Data(capacity: piece.count * count)
      for _ in 0..<count { data.append(piece) }
      return data
    }
    let zeros = Array(repeating: "0", count: 64).joined(separator: ",")
    let deep = (0..<131_000).map { #""\#($0)":\#(tensor(zeros, "0", "0"))"# }
    let cluster = "e" + String(repeating: "\u{301}", count: 900_000)  // one character of 1.8 MB
    let tensors = (0..<1_300_000).map { #""\#($0)":\#(tensor("0", "0", "0"))"# }
    return [
      ("over-limit", file(Data("{".utf8) + repeated(" ", 99_999_999) + Data("}".utf8))),
      ("many-dimensions", file(Data("{\(deep.joined(separator: ","))}".utf8))),
      ("long-character", file(Data(#"{"\#(cluster)":{"\#(cluster)":0}}"#.utf8))),
      ("many-tensors", file(Data("{\(tensors.joined(separator: ","))}".utf8))),
      ("long-name", file(Data("{\"".utf8) + repeated("n", 90_000_000) + Data("\":0}".utf8))),
      ("nothing-closed", file(repeated("{\"a\":", 10_000_000))),
      ("brackets", file(Data("{\"a\":".utf8) + repeated("[", 99_000_000))),
      ("dimensions", file(Data(#"{"a":{"shape":["#.utf8) + repeated("1,", 40_000_000))),
    ]
  }
}

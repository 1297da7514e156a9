import Foundation

/// Files that numpy 2.4.6 wrote, as literals: `numpy.lib.format.write_array`.
enum NumpyFiles {
  /// A type, whether the order is Fortran's, the content in hex, and the six values by rows.
  static let arrays: [(descr: String, isFortran: Bool, hex: String, values: [Float])] = [
    ("<f2", false, "003800bd00400042006400ac", [0.5, -1.25, 2, 3, 1024, -0.0625]),
    (">f2", false, "3800bd00400042006400ac00", [0.5, -1.25, 2, 3, 1024, -0.0625]),
    (">f2", true, "38004200bd0064004000ac00", [0.5, -1.25, 2, 3, 1024, -0.0625]),
    (
      "<f4", false,
      "0000003f0000a0bf000000400000404000008044000080bd",
      [0.5, -1.25, 2, 3, 1024, -0.0625]
    ),
    (
      "<f4", true,
      "0000003f000040400000a0bf0000804400000040000080bd",
      [0.5, -1.25, 2, 3, 1024, -0.0625]
    ),
    (
      ">f4", false,
      "3f000000bfa00000400000004040000044800000bd800000",
      [0.5, -1.25, 2, 3, 1024, -0.0625]
    ),
    (
      "<f8", false,
      "000000000000e03f000000000000f4bf00000000000000400000000000000840"
        + "0000000000009040000000000000b0bf",
      [0.5, -1.25, 2, 3, 1024, -0.0625]
    ),
    (
      ">f8", false,
      "3fe0000000000000bff400000000000040000000000000004008000000000000"
        + "4090000000000000bfb0000000000000",
      [0.5, -1.25, 2, 3, 1024, -0.0625]
    ),
    ("|i1", false, "00ff020364fb", [0, -1, 2, 3, 100, -5]),
    ("<i2", false, "0000ffff020003006400fbff", [0, -1, 2, 3, 100, -5]),
    (">i2", false, "0000ffff000200030064fffb", [0, -1, 2, 3, 100, -5]),
    ("<i4", false, "00000000ffffffff020000000300000064000000fbffffff", [0, -1, 2, 3, 100, -5]),
    (">i4", false, "00000000ffffffff000000020000000300000064fffffffb", [0, -1, 2, 3, 100, -5]),
    (
      "<i8", false,
      "0000000000000000ffffffffffffffff02000000000000000300000000000000"
        + "6400000000000000fbffffffffffffff",
      [0, -1, 2, 3, 100, -5]
    ),
    (
      ">i8", false,
      "0000000000000000ffffffffffffffff00000000000000020000000000000003"
        + "0000000000000064fffffffffffffffb",
      [0, -1, 2, 3, 100, -5]
    ),
    (
      ">i8", true,
      "00000000000000000000000000000003ffffffffffffffff0000000000000064"
        + "0000000000000002fffffffffffffffb",
      [0, -1, 2, 3, 100, -5]
    ),
    ("|u1", false, "00010203c805", [0, 1, 2, 3, 200, 5]),
    ("|u1", true, "000301c80205", [0, 1, 2, 3, 200, 5]),
    ("<u2", false, "0000010002000300c8000500", [0, 1, 2, 3, 200, 5]),
    (">u2", false, "000000010002000300c80005", [0, 1, 2, 3, 200, 5]),
    ("<u4", false, "00000000010000000200000003000000c800000005000000", [0, 1, 2, 3, 200, 5]),
    (">u4", false, "00000000000000010000000200000003000000c800000005", [0, 1, 2, 3, 200, 5]),
    (
      "<u8", false,
      "0000000000000000010000000000000002000000000000000300000000000000"
        + "c8000000000000000500000000000000",
      [0, 1, 2, 3, 200, 5]
    ),
    (
      ">u8", false,
      "0000000000000000000000000000000100000000000000020000000000000003"
        + "00000000000000c80000000000000005",
      [0, 1, 2, 3, 200, 5]
    ),
    ("|b1", false, "000100010100", [0, 1, 0, 1, 1, 0]),
  ]

  /// `array([[0.5, -1.25, 2], [3, 1024, -0.0625]], "<f4")`, version 1.0, whole.
  static let whole = bytes(
    """
    k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMp\
    LCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAA/\
    AACgvwAAAEAAAEBAAACARAAAgL0=
    """)

  /// The same with version 2.0, big-endian.
  static let second = bytes(
    """
    k05VTVBZAgB0AAAAeydkZXNjcic6ICc+ZjQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwg\
    MyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/AAAA\
    v6AAAEAAAABAQAAARIAAAL2AAAA=
    """)

  /// `array(["cat", "dög", "a"])`.
  static let texts = bytes(
    """
    k05VTVBZAQB2AHsnZGVzY3InOiAnPFUzJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwg\
    fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIApjAAAA\
    YQAAAHQAAABkAAAA9gAAAGcAAABhAAAAAAAAAAAAAAA=
    """)

  /// `array(["cat", "dog"], ">U3")`, version 3.0.
  static let bigEndianTexts = bytes(
    """
    k05VTVBZAwB0AAAAeydkZXNjcic6ICc+VTMnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwp\
    LCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAABj\
    AAAAYQAAAHQAAABkAAAAbwAAAGc=
    """)

  /// `array([[1, "a"]], dtype=object)`, pickled.
  static let objects = bytes(
    """
    k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwgMiks\
    IH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqABJWS\
    AAAAAAAAAIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5\
    lJOUSwCFlEMBYpSHlFKUKEsBSwFLAoaUaAOMBWR0eXBllJOUjAJPOJSJiIeUUpQoSwOMAXyUTk5OSv////9K////\
    /0s/dJRiiV2UKEsBjAFhlGV0lGIu
    """)

  /// `array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")])`.
  static let records = bytes(
    """
    k05VTVBZAQB2AHsnZGVzY3InOiBbKCdhJywgJzxpNCcpLCAoJ2InLCAnPGY4JyldLCAnZm9ydHJhbl9vcmRlcic6\
    IEZhbHNlLCAnc2hhcGUnOiAoMSwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAA\
    AAAAAAAAAEA=
    """)

  private static func bytes(_ base64: String) -> [UInt8] {
    Data(base64Encoded: base64).map(Array.init) ?? []
  }

  /// A file as numpy lays it out; the tests compare it with `whole`.
  static func file(
    _ descr: String, isFortran: Bool = false, shape: String, content: [UInt8]
  ) -> [UInt8] {
    let order = isFortran ? "True" : "False"
    return file(
      header: "{'descr': '\(descr)', 'fortran_order': \(order), 'shape': \(shape), }",
      content: content)
  }

  /// A file with any header text.
  static func file(header: String, content: [UInt8] = []) -> [UInt8] {
    var text = Array(header.utf8)
    while (text.count + 11) % 64 != 0 { text.append(32) }
    text.append(10)
    return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(text.count & 255), UInt8(text.count >> 8)] + text
      + content
  }
}

package import Foundation

/// A small safetensors file made in code, tensor by tensor.
package struct SafetensorsFixture {
  /// One tensor as it goes into the file.
  package struct Entry {
    /// The tensor's name.
    package var name: String
    /// The type as the header spells it: `F32`.
    package var dtype: String
    /// The dimensions.
    package var shape: [Int]
    /// The content, little-endian.
    package var bytes: [UInt8]
  }

  /// The tensors in file order; change them to make a variant.
  package var entries: [Entry] = []

  /// Starts without tensors.
  package init() {}

  /// Adds a tensor of 32-bit floats.
  package mutating func add(_ name: String, _ shape: [Int], _ values: [Float]) {
    let bytes = values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
    }
    entries.append(Entry(name: name, dtype: "F32", shape: shape, bytes: bytes))
  }

  /// Adds a tensor of any type from its bytes.
  package mutating func add(_ name: String, _ dtype: String, _ shape: [Int], bytes: [UInt8]) {
    entries.append(Entry(name: name, dtype: dtype, shape: shape, bytes: bytes))
  }

  /// Adds a tensor of 32-bit floats around zero, all different for each seed.
  package mutating func addNoise(_ name: String, _ shape: [Int], seed: UInt64) {
    add(name, shape, Self.noise(shape.reduce(1, *), seed: seed))
  }

  /// Floats between -1 and 1.
  package static func noise(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  /// The whole file.
  package var file: [UInt8] {
    var offset = 0
    let fields = entries.map { entry in
      let shape = entry.shape.map(String.init).joined(separator: ",")
      let end = offset + entry.bytes.count
      defer { offset = end }
      let description =
        "\"dtype\":\"\(entry.dtype)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]"
      return "\"\(entry.name)\":{\(description)}"
    }
    var header = Array("{\(fields.joined(separator: ","))}".utf8)
    while header.count % 8 != 0 { header.append(32) }
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian, Array.init)
    return length + header + entries.flatMap(\.bytes)
  }

  /// Writes the file to a folder, which is made where needed, and returns the folder.
  @discardableResult
  package func write(
    to folder: URL, name: String = "model.safetensors"
  ) throws -> URL {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data(file).write(to: folder.appending(path: name))
    return folder
  }
}

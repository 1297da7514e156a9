package import Foundation

/// Folders with weights that differ from a common origin in a few values, as fine-tunes do.
package enum Checkpoint {
  /// Writes a folder with `model.safetensors` and `config.json`.
  ///
  /// - Parameters:
  ///   - folder: Where to; made where needed.
  ///   - seed: 0 is the origin itself; any other changes a tenth of the values by a little.
  ///   - count: The values of each of four tensors.
  /// - Returns: The folder.
  /// - Throws: What the file system says.
  @discardableResult
  package static func write(to folder: URL, seed: UInt64, count: Int = 65_536) throws -> URL {
    var generator = SeededGenerator(seed: seed)
    var weights = SafetensorsFixture()
    for tensor in 0..<4 {
      var values = SafetensorsFixture.noise(count, seed: UInt64(tensor) + 1)
      if seed != 0 {
        for index in stride(from: Int(seed % 10), to: count, by: 10) {
          values[index] += Float.random(in: -0.01...0.01, using: &generator)
        }
      }
      weights.add("layer.\(tensor).weight", [count / 64, 64], values)
    }
    try weights.write(to: folder)
    try Data(#"{"architectures": ["Tiny"], "seed": \#(seed)}"#.utf8)
      .write(to: folder.appending(path: "config.json"))
    return folder
  }

  /// Whether two folders have the same files with the same bytes.
  package static func equal(_ one: URL, _ other: URL) throws -> Bool {
    let names = try FileManager.default.contentsOfDirectory(atPath: one.path).sorted()
    guard try FileManager.default.contentsOfDirectory(atPath: other.path).sorted() == names else {
      return false
    }
    return try names.allSatisfy { name in
      try Data(contentsOf: one.appending(path: name))
        == Data(contentsOf: other.appending(path: name))
    }
  }
}

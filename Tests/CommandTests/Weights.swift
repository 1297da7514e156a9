import Foundation

/// Small weights made in code.
enum TinyModel {
  /// The safetensors file of a model whose values follow from a seed; equal seeds give equal tensors.
  static func file(seeds: [(name: String, shape: [Int], seed: UInt64)], shift: Float = 0) -> Data {
    var header: [String] = []
    var content = Data()
    for tensor in seeds {
      let count = tensor.shape.reduce(1, *)
      let start = content.count
      var state = tensor.seed &* 0x9E37_79B9_7F4A_7C15 | 1
      for _ in 0..<count {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var value = Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
        if tensor.name.hasPrefix("encoder") { value += shift * value * value }
        withUnsafeBytes(of: value.bitPattern.littleEndian) { content.append(contentsOf: $0) }
      }
      header.append(
        "\"\(tensor.name)\":{\"dtype\":\"F32\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(start),\(content.count)]}")
    }
    let text = Data("{\(header.joined(separator: ","))}".replacing(" ", with: "").utf8)
    var file = Data()
    withUnsafeBytes(of: UInt64(text.count).littleEndian) { file.append(contentsOf: $0) }
    return file + text + content
  }

  /// Writes a base and two fine-tuned children, and a script that stands for training.
  static func write(in folder: URL) throws {
    let tensors: [(String, [Int], UInt64)] = [
      ("embeddings.word", [100, 16], 1), ("encoder.layer.0.weight", [16, 16], 2),
      ("encoder.layer.1.weight", [16, 16], 3), ("pooler.bias", [16], 4),
    ]
    for (name, shift) in [("tiny", Float(0)), ("child1", 0.01), ("child2", 0.05)] {
      let place = folder.appending(path: name)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try file(seeds: tensors, shift: shift).write(to: place.appending(path: "model.safetensors"))
      try Data(#"{"architectures": ["BertModel"], "model_type": "bert"}"#.utf8)
        .write(to: place.appending(path: "config.json"))
    }
    try Data(
      """
      test -f "$REGISTRY_BASE_DIR/config.json" || exit 9
      for n in 0 1 2; do echo "step=$((n * 10)) loss=0.$((9 - n)) val/f1=0.$((4 + $2 + n))"; done
      cp "$1/"* "$REGISTRY_OUTPUT_DIR"
      mkdir "$REGISTRY_OUTPUT_DIR/checkpoint-10"
      echo x > "$REGISTRY_OUTPUT_DIR/checkpoint-10/state"
      sleep 0.02

      """.utf8
    ).write(to: folder.appending(path: "train.sh"))
  }
}

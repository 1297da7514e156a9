/// The type of the elements of a PyTorch storage or tensor.
struct TorchElement: Equatable {
  /// As safetensors spells it: `F32`.
  let name: String
  let sizeBytes: Int64

  /// Finds a type by the storage's class or the dtype's name: `torch FloatStorage`,
  /// `torch float32`.
  init?(global: String) {
    let words = global.split(separator: " ")
    guard words.count == 2, words[0] == "torch" || words[0] == "torch.cuda",
      let found = Self.known[String(words[1])]
    else { return nil }
    (name, sizeBytes) = found
  }

  /// A storage whose class says nothing of its elements; its size is counted in bytes.
  static func isUntyped(global: String) -> Bool {
    global == "torch.storage UntypedStorage" || global == "torch UntypedStorage"
  }

  private static let known: [String: (String, Int64)] = [
    "DoubleStorage": ("F64", 8), "FloatStorage": ("F32", 4), "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2), "LongStorage": ("I64", 8), "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1), "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1), "ComplexFloatStorage": ("C64", 8),
    "ComplexDoubleStorage": ("C128", 16),
    "float64": ("F64", 8), "float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
    "float8_e4m3fn": ("F8_E4M3", 1), "float8_e5m2": ("F8_E5M2", 1),
    "float8_e8m0fnu": ("F8_E8M0", 1), "float8_e4m3fnuz": ("F8_E4M3FNUZ", 1),
    "float8_e5m2fnuz": ("F8_E5M2FNUZ", 1),
    "int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1),
    "uint64": ("U64", 8), "uint32": ("U32", 4), "uint16": ("U16", 2), "uint8": ("U8", 1),
    "bool": ("BOOL", 1), "complex64": ("C64", 8), "complex128": ("C128", 16),
    "complex32": ("C32", 4),
  ]
}

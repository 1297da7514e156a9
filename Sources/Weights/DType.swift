/// The type of a tensor's elements; chunks of a tensor of another type are coded as plain bytes.
package enum DType: UInt8, Sendable, CaseIterable {
  // Those of floats are stored in predictions (Format.md); CKernels.h has the same numbers.
  case f64 = 1
  case f32 = 2
  case f16 = 3
  case bf16 = 4
  case f8E4M3 = 5
  case f8E5M2 = 6
  case i64 = 16
  case i32 = 17
  case i16 = 18
  case i8 = 19
  case u64 = 32
  case u32 = 33
  case u16 = 34
  case u8 = 35
  case bool = 48

  /// Finds a type by its name in a safetensors header; nil for any other name.
  package init?(safetensorsName: String) {
    let found = DType.allCases.first { $0.name.utf8.elementsEqual(safetensorsName.utf8) }
    guard let found else { return nil }
    self = found
  }

  /// The name in a safetensors header.
  package var name: String {
    switch self {
    case .f64: "F64"
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .f8E4M3: "F8_E4M3"
    case .f8E5M2: "F8_E5M2"
    case .i64: "I64"
    case .i32: "I32"
    case .i16: "I16"
    case .i8: "I8"
    case .u64: "U64"
    case .u32: "U32"
    case .u16: "U16"
    case .u8: "U8"
    case .bool: "BOOL"
    }
  }

  /// The size of one element.
  package var sizeBytes: Int {
    switch self {
    case .f64, .i64, .u64: 8
    case .f32, .i32, .u32: 4
    case .f16, .bf16, .i16, .u16: 2
    case .f8E4M3, .f8E5M2, .i8, .u8, .bool: 1
    }
  }

  /// Whether elements are floating-point numbers.
  package var isFloat: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16, .f8E4M3, .f8E5M2: true
    default: false
    }
  }
}

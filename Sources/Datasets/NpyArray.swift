import Foundation
import Storage
import Weights

/// What a .npy file of numbers or texts holds; an object array is refused unread.
struct NpyArray {
  /// What an element is.
  enum Element: Equatable {
    case number(DType)
    /// A text of so many UTF-32 units, padded with zeros.
    case text(unitCount: Int)
  }

  let element: Element
  let isBigEndian: Bool
  /// Whether the first index changes fastest.
  let isFortran: Bool
  let shape: [Int]
  /// Where the first element is.
  let dataOffset: Int

  static let textUnitsMax = 1024

  /// The size of one element.
  var elementBytes: Int {
    switch element {
    case .number(let dtype): dtype.sizeBytes
    case .text(let unitCount): 4 * unitCount
    }
  }

  /// Reads the header and checks the content's size against the file's.
  ///
  /// - Throws: `invalidInput` with what is wrong.
  init(_ file: SourceFile) throws {
    let header = try NpyHeader(file)
    (element, isBigEndian) = try Self.element(header, file)
    isFortran = header.isFortran
    shape = header.shape
    dataOffset = header.dataOffset
    guard let size = header.sizeBytes(elementBytes: elementBytes) else {
      throw NpyHeader.fault(file, "its shape is larger than any file")
    }
    let rest = file.sizeBytes - Int64(dataOffset)
    guard Int64(size) == rest else {
      throw NpyHeader.fault(
        file, "its shape \(shapeText) needs \(size) bytes of content, and it has \(rest)")
    }
  }

  /// The shape as numpy writes it.
  var shapeText: String {
    let numbers = shape.map(String.init).joined(separator: ", ")
    return shape.count == 1 ? "(\(numbers),)" : "(\(numbers))"
  }

  private static func element(
    _ header: NpyHeader, _ file: SourceFile
  ) throws(RegistryError) -> (Element, isBigEndian: Bool) {
    let descr = header.descr
    if let (dtype, isBigEndian) = header.number {
      guard descr.first != UInt8(ascii: "|") || dtype.sizeBytes == 1 else {
        throw NpyHeader.fault(file, "the type \(Excerpt(descr)) has no byte order")
      }
      return (.number(dtype), isBigEndian)
    }
    guard let order = descr.first, descr.count >= 2, "<>|=".utf8.contains(order) else {
      throw NpyHeader.fault(file, "the type \(Excerpt(descr)) is not known")
    }
    if descr[1] == UInt8(ascii: "U"), order != UInt8(ascii: "|"),
      descr.dropFirst(2).allSatisfy({ (48...57).contains($0) }),
      let count = Int(String(decoding: descr.dropFirst(2), as: UTF8.self)),
      (1...textUnitsMax).contains(count)
    {
      return (.text(unitCount: count), order == UInt8(ascii: ">"))
    }
    let isObject = descr[1] == UInt8(ascii: "O")
    throw NpyHeader.fault(
      file, isObject ? "it holds pickled objects" : "the type \(Excerpt(descr)) is not known",
      hint: isObject
        ? "save numbers, or texts of one type: numpy.save(file, array.astype('U'))"
        : "save it as float32: numpy.save(file, array.astype('float32'))")
  }
}

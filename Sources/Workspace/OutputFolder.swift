import Catalog
import Foundation
import Storage

/// What is in a folder: the files that a child left in `REGISTRY_OUTPUT_DIR`, or those of an import.
struct OutputFolder {
  /// A regular file, or a symbolic link to one.
  struct File {
    /// Relative to the folder, parts joined by `/`; escaped where no version may have the name.
    let path: String
    /// The path in the file system, byte for byte.
    let place: [UInt8]
    /// The size when it was found.
    let sizeBytes: Int64
    /// Why no version may have it; nil when one may.
    let fault: RegistryError?
  }

  /// Why something of the folder is not among the files.
  enum Reason: String {
    /// Its content, whatever it is, cannot be stored.
    case unreadable = "cannot be read"
    /// It has no content: a socket, a pipe, a link to nothing.
    case noFile = "is not a file"
    case linkToFolder = "is a link to a folder"
  }

  /// In byte order of their paths.
  private(set) var files: [File] = []
  /// What is not among the files: the escaped path and the reason.
  private(set) var skipped: [(path: String, reason: Reason)] = []

  private static let escapedBytesMax = 2000

  private let root: [UInt8]
  private var taken: Set<[UInt8]> = []

  /// Lists a folder, which need not exist; links to folders are not followed.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - skipped: Names of files and folders to leave out, wherever they are.
  init(_ folder: URL, skipping skipped: Set<String> = []) {
    let left = Set(skipped.map { Array($0.utf8) })
    root = Array(folder.path.utf8)
    var odd: [(path: [UInt8], sizeBytes: Int64)] = []
    var open: [[UInt8]] = [[]]
    while let prefix = open.popLast() {
      for name in names(prefix) where !left.contains(name) {
        let path = prefix.isEmpty ? name : prefix + [47] + name
        switch kind(path) {
        case .success(.folder): open.append(path)
        case .success(.file(let sizeBytes)):
          let text = String(validating: path, as: UTF8.self)
          if let text, (try? VersionFile.checkPath(text)) != nil {
            taken.insert(path)
            files.append(
              File(path: text, place: place(path), sizeBytes: sizeBytes, fault: nil))
          } else {
            odd.append((path, sizeBytes))
          }
        case .failure(let fault): self.skipped.append((Self.escaped(path), fault.reason))
        }
      }
    }
    // After the others, whose names they must not take.
    for file in odd { addOdd(file.path, file.sizeBytes) }
    files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private mutating func addOdd(_ path: [UInt8], _ sizeBytes: Int64) {
    var text = Self.escaped(path)
    if text.utf8.count > Self.escapedBytesMax {
      text = "long-" + String(decoding: text.utf8.suffix(Self.escapedBytesMax), as: UTF8.self)
    }
    while !taken.insert(Array(text.utf8)).inserted { text += "~" }
    let fault = RegistryError(.invalidInput, "no version may have a file of the name '\(text)'")
    files.append(
      File(path: text, place: place(path), sizeBytes: sizeBytes, fault: fault))
  }

  private func place(_ path: [UInt8]) -> [UInt8] { path.isEmpty ? root : root + [47] + path }

  private enum Kind {
    case file(sizeBytes: Int64)
    case folder
  }

  private struct Fault: Error {
    let reason: Reason
  }

  private func kind(_ path: [UInt8]) -> Result<Kind, Fault> {
    var entry = stat()
    let place = place(path)
    func type() -> mode_t { entry.st_mode & S_IFMT }
    guard Self.withPath(place, { lstat($0, &entry) }) == 0 else {
      return .failure(Fault(reason: .unreadable))
    }
    if type() == S_IFDIR { return .success(.folder) }
    guard Self.withPath(place, { stat($0, &entry) }) == 0 else {
      return .failure(Fault(reason: .noFile))
    }
    switch type() {
    case S_IFREG: return .success(.file(sizeBytes: Int64(entry.st_size)))
    case S_IFDIR: return .failure(Fault(reason: .linkToFolder))
    default: return .failure(Fault(reason: .noFile))
    }
  }

  /// The names in a folder, byte for byte.
  private mutating func names(_ path: [UInt8]) -> [[UInt8]] {
    guard let stream = Self.withPath(place(path), { opendir($0) }) else {
      if errno != ENOENT { skipped.append((Self.escaped(path), .unreadable)) }
      return []
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [46], name != [46, 46] { names.append(name) }
    }
    return names
  }

  private static func withPath<Result>(
    _ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result?
  ) -> Result? {
    (path + [0]).map(CChar.init(bitPattern:)).withUnsafeBufferPointer { path in
      path.baseAddress.flatMap(body)
    }
  }

  /// Backslashes, control characters, `%` and what is not UTF-8 as `%5C`.
  private static func escaped(_ path: [UInt8]) -> String {
    var text = ""
    var rest = path[...]
    var decoder = UTF8()
    while let first = rest.first {
      var bytes = rest.makeIterator()
      if case .scalarValue(let scalar) = decoder.decode(&bytes), scalar != "\u{FFFD}",
        scalar.properties.generalCategory != .control, scalar != "\\", scalar != "%"
      {
        text.unicodeScalars.append(scalar)
        rest = rest.dropFirst(UTF8.width(scalar))
      } else {
        text += "%" + [first].hex.uppercased()
        rest = rest.dropFirst()
      }
      decoder = UTF8()
    }
    return text
  }
}

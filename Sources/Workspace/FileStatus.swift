import Foundation
import Storage

/// What the file system says of a path.
struct FileStatus {
  enum Kind {
    case file, folder, other
  }

  let kind: Kind
  let sizeBytes: Int64
  /// Whether the path itself is a symbolic link.
  let isLink: Bool

  /// Looks at what a path leads to; nil when it leads to nothing.
  init?(following path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    isLink = status.st_mode & S_IFMT == S_IFLNK
    guard !isLink || stat(path, &status) == 0 else { return nil }
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      default: .other
      }
    sizeBytes = Int64(status.st_size)
  }

  /// A name in a folder.
  struct Name {
    /// The name; repaired where it is not UTF-8.
    let text: String
    let isText: Bool

    init(_ bytes: [UInt8]) {
      let valid = String(validating: bytes, as: UTF8.self)
      text = valid ?? String(decoding: bytes, as: UTF8.self)
      isText = valid != nil
    }
  }

  /// The names in a folder, in byte order.
  ///
  /// - Parameter folder: A folder.
  /// - Returns: All names but `.` and `..`.
  /// - Throws: `invalidInput` for a name that is not UTF-8; `denied` when the folder cannot be read.
  static func names(in folder: URL) throws(RegistryError) -> [String] {
    let names = try namesAsFound(in: folder)
    if let name = names.first(where: { !$0.isText }) {
      throw RegistryError(
        .invalidInput, "\(folder.path) has a file whose name is not UTF-8",
        hint: "rename it: \(name.text)")
    }
    return names.map(\.text)
  }

  /// The names in a folder, in byte order, among them those that are not UTF-8.
  static func namesAsFound(in folder: URL) throws(RegistryError) -> [Name] {
    guard let stream = opendir(folder.path) else {
      let reason = String(cString: strerror(errno))
      throw RegistryError(.denied, "\(folder.path) cannot be read: \(reason)")
    }
    defer { closedir(stream) }
    var names: [Name] = []
    while let entry = readdir(stream) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if bytes.elementsEqual([46]) || bytes.elementsEqual([46, 46]) { continue }
      names.append(Name(bytes))
    }
    return names.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
  }

  /// The space that a folder's files take, in bytes; 0 when it is not there.
  static func sizeBytes(ofFolder folder: URL) -> Int64 {
    var sum: Int64 = 0
    var folders = [folder]
    while let folder = folders.popLast() {
      for name in (try? names(in: folder)) ?? [] {
        let url = folder.appending(path: name)
        guard let status = FileStatus(following: url.path), !status.isLink else { continue }
        if status.kind == .folder { folders.append(url) } else { sum += status.sizeBytes }
      }
    }
    return sum
  }
}

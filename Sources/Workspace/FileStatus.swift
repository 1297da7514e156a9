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

  /// The names in a folder, in byte order.
  ///
  /// - Parameter folder: A folder.
  /// - Returns: All names but `.` and `..`.
  /// - Throws: `invalidInput` for a name that is not UTF-8; `denied` when the folder cannot be read.
  static func names(in folder: URL) throws(RegistryError) -> [String] {
    guard let stream = opendir(folder.path) else {
      let reason = String(cString: strerror(errno))
      throw RegistryError(.denied, "\(folder.path) cannot be read: \(reason)")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if bytes.elementsEqual([46]) || bytes.elementsEqual([46, 46]) { continue }
      guard let name = String(validating: bytes, as: UTF8.self) else {
        throw RegistryError(
          .invalidInput, "\(folder.path) has a file whose name is not UTF-8",
          hint: "rename it: \(String(decoding: bytes, as: UTF8.self))")
      }
      names.append(name)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
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

import Foundation
import Storage

/// The program that a command names, which must be there before a run is made for it.
enum Program {
  /// Why there is none, and what shells exit with then.
  struct Fault: Error {
    let exitStatus: Int32
    let error: RegistryError
  }

  /// Looks the first argument up as `execvp` does.
  ///
  /// - Throws: Why it cannot be run.
  static func check(_ command: [[UInt8]]) throws(Fault) {
    guard let first = command.first, !first.isEmpty else {
      throw Fault(exitStatus: 127, error: RegistryError(.invalidInput, "the command is empty"))
    }
    let name = String(decoding: first, as: UTF8.self)
    let folders =
      name.utf8.contains(47)
      ? [""]
      : (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
        .split(separator: ":", omittingEmptySubsequences: false)
        .map { $0.isEmpty ? "./" : $0 + "/" }
    var isThere = false
    for folder in folders {
      let path = Array(folder.utf8) + first + [0]
      let found = path.map(CChar.init(bitPattern:)).withUnsafeBufferPointer { path in
        path.baseAddress.map { (access($0, F_OK) == 0, Self.isRunnable($0)) } ?? (false, false)
      }
      if found.1 { return }
      isThere = isThere || found.0
    }
    throw isThere
      ? Fault(
        exitStatus: 126, error: RegistryError(.denied, "'\(name)' cannot be run: it is no program"))
      : Fault(exitStatus: 127, error: RegistryError(.notFound, "no program named '\(name)'"))
  }

  private static func isRunnable(_ path: UnsafePointer<CChar>) -> Bool {
    var entry = stat()
    return access(path, X_OK) == 0 && stat(path, &entry) == 0 && entry.st_mode & S_IFMT == S_IFREG
  }
}

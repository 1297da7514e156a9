import Foundation

extension Store {
  /// What is left free for gc, which writes a log of what it takes away before it gives space back.
  private static let reserveBytes: Int64 = 32 << 20

  /// Refuses content that would fill the disk so far that not even gc could free some.
  ///
  /// - Parameter count: The bytes that are about to be written.
  /// - Throws: `unavailable` when less than the reserve would be left.
  package func checkSpace(forBytes count: Int64) throws(RegistryError) {
    var status = statvfs()
    guard statvfs(folder.path, &status) == 0 else { return }  // the write itself will tell
    let (free, overflows) = Int64(clamping: status.f_bavail)
      .multipliedReportingOverflow(by: Int64(clamping: status.f_frsize))
    guard !overflows, free < count + Self.reserveBytes else { return }
    throw RegistryError(
      .unavailable, "the disk is full but for \(free >> 20) MiB, which gc needs",
      hint: "free space, then repeat the command")
  }
}

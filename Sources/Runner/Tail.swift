import Foundation

/// Which file a path names: its device and number, which no other file has while it is open.
struct FileIdentity: Equatable {
  let device: UInt64
  let number: UInt64

  /// As it is stored.
  var text: String { "\(device):\(number)" }

  /// Looks at a path; nil when it names no regular file.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(_ status: stat) {
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(truncatingIfNeeded: status.st_ino)
  }
}

/// Reads what is appended to a file of the spool, line by line, in bounded memory.
struct Tail: ~Copyable {
  /// The number of bytes before the first line that was not given out.
  var consumed: Int64 { position - Int64(splitter.pendingCount) }
  /// The file that is read; nil while there is none.
  private(set) var identity: FileIdentity?

  private let path: String
  private var descriptor: Int32 = -1
  private var position: Int64
  private var splitter: LineSplitter
  /// The bytes before `position`, by which a file that was written anew is told.
  private var recent: [UInt8] = []

  private static let recentCount = 64

  /// Opens a file at an offset; a file that is not there is empty.
  init(path: String, breaksAtReturn: Bool = false, offset: Int64 = 0) {
    self.path = path
    position = offset
    splitter = LineSplitter(breaksAtReturn: breaksAtReturn)
    openFile()
    var before: UInt8 = 10
    if offset > 0, pread(descriptor, &before, 1, off_t(offset - 1)) == 1 {
      splitter.startInside(after: before)
    }
  }

  deinit { if descriptor >= 0 { _ = close(descriptor) } }

  /// Reads one piece and gives out the lines that it ends; false when there is nothing new.
  mutating func readPiece(
    _ buffer: inout [UInt8], until end: Int64,
    _ body: (UnsafeRawBufferPointer, _ line: Int) -> Void
  ) -> Bool {
    guard position < end else { return false }
    let start = position - Int64(recent.count)
    let wanted = Int(min(end - start, Int64(buffer.count)))
    let count = buffer.withUnsafeMutableBytes {
      pread(descriptor, $0.baseAddress, wanted, off_t(start))
    }
    guard count > recent.count, buffer.starts(with: recent) else { return false }
    let new = recent.count..<count
    recent = Array(buffer[max(0, count - Self.recentCount)..<count])
    position += Int64(new.count)
    buffer.withUnsafeBytes { splitter.push(UnsafeRawBufferPointer(rebasing: $0[new]), body) }
    return true
  }

  /// What may become of a file while it is read.
  enum Change {
    /// Another file has its name now.
    case replaced
    /// It has become shorter, or was written anew.
    case truncated
  }

  /// Goes over to what the path names now, once all of the file before is read.
  ///
  /// - Parameter body: Takes the last line of the file before, where no end follows it.
  /// - Returns: What has changed; nil when nothing has.
  mutating func followChange(
    _ body: (UnsafeRawBufferPointer, _ line: Int) -> Void
  ) -> Change? {
    guard let found = FileIdentity(path: path) else { return nil }  // what is open is all there is
    guard let identity else {
      openFile()
      return nil
    }
    guard found != identity || isRewritten else { return nil }
    splitter.finish(body)
    restart()
    return found == identity ? .truncated : .replaced
  }

  /// Reads the file that is there from its start.
  mutating func restart() {
    position = 0
    recent = []
    splitter = LineSplitter(breaksAtReturn: splitter.breaksAtReturn)
    openFile()
  }

  /// Whether the bytes before `position` are gone or others.
  private var isRewritten: Bool {
    var found = [UInt8](repeating: 0, count: recent.count)
    let start = off_t(position - Int64(recent.count))
    return pread(descriptor, &found, found.count, start) < found.count || found != recent
  }

  private mutating func openFile() {
    if descriptor >= 0 { _ = close(descriptor) }
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // a pipe must not block it
    var status = stat()
    identity = fstat(descriptor, &status) == 0 ? FileIdentity(status) : nil
  }

  /// Gives out a last line that no end follows; only once nobody writes any more.
  mutating func finish(_ body: (UnsafeRawBufferPointer, _ line: Int) -> Void) {
    splitter.finish(body)
  }
}

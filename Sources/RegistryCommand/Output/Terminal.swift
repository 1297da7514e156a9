import Foundation
import Storage
import Synchronization

/// How a text stands out; each is also said by a sign or a word, never by colour alone.
enum Style {
  case plain, bold, dim, good, warning, bad, accent

  /// The number of Select Graphic Rendition (ECMA-48); nil for plain.
  fileprivate var code: String? {
    switch self {
    case .plain: nil
    case .bold: "1"
    case .dim: "2"
    case .good: "32"
    case .warning: "33"
    case .bad: "31"
    case .accent: "36"
    }
  }
}

/// What one of the two output streams can show.
struct Terminal {
  let descriptor: Int32
  let isColoured: Bool
  /// No character outside ASCII of our own making.
  let isASCII: Bool
  /// Columns; nil when nobody looks at the lines.
  let width: Int?

  /// Looks at a stream.
  ///
  /// - Parameters:
  ///   - descriptor: 1 or 2.
  ///   - color: What `--color` says.
  ///   - isPlain: Whether `--plain` is given.
  ///   - environment: `COLUMNS`, `NO_COLOR`, `CLICOLOR_FORCE` and `TERM` count.
  init(
    _ descriptor: Int32, color: ColorChoice, isPlain: Bool,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    func isSet(_ name: String) -> Bool { !(environment[name] ?? "").isEmpty }
    let isTerminal = isatty(descriptor) == 1
    self.descriptor = descriptor
    isASCII = isPlain
    isColoured =
      switch color {
      case _ where isPlain: false
      case .always: true
      case .never: false
      case .auto where isSet("NO_COLOR"): false
      case .auto where isSet("CLICOLOR_FORCE") && environment["CLICOLOR_FORCE"] != "0": true
      case .auto: isTerminal && environment["TERM"] != "dumb"
      }
    if isPlain {
      width = nil
    } else if let columns = environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 {
      width = columns
    } else {
      width = isTerminal ? Self.columns(of: descriptor) : nil
    }
  }

  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// A text in a style, as far as the stream shows it.
  func styled(_ text: String, _ style: Style) -> String {
    guard isColoured, let code = style.code, !text.isEmpty else { return text }
    return "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }

  /// A text in the n-th colour of a palette that is told apart with red-green blindness too.
  func coloured(_ text: String, palette index: Int) -> String {
    let palette = [36, 33, 35, 34, 32, 31]
    return isColoured ? "\u{1B}[\(palette[index % palette.count])m\(text)\u{1B}[0m" : text
  }

  /// Writes a text; see `write(_:)` of bytes.
  func write(_ text: String) {
    var text = text
    _ = text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  /// Writes bytes as they are; a stream that refuses never ends the process.
  ///
  /// - Returns: Whether the stream takes more; what goes to the error stream may be lost.
  @discardableResult
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard descriptor != 1 || Self.outputFault.withLock({ $0 == nil }) else { return false }
    _ = signal(SIGPIPE, SIG_IGN)  // a reader that has gone away (`| head`) is an error like others
    var rest = bytes
    while !rest.isEmpty {
      let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if errno == EAGAIN {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
      } else if errno != EINTR {
        let code = errno
        if descriptor == 1 { Self.outputFault.withLock { $0 = code } }
        return false
      }
    }
    return true
  }

  /// The code of the system by which the standard output refused to take more.
  private static let outputFault = Mutex<Int32?>(nil)

  /// Tells an answer that did not arrive; a reader that went away has what it wanted.
  static func checkOutput() throws(RegistryError) {
    guard let code = outputFault.withLock({ $0 }), code != EPIPE else { return }
    throw RegistryError(
      .unavailable, "the output cannot be written: \(String(cString: strerror(code)))")
  }

  private static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

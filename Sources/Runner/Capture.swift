import Foundation

/// What a short helper program prints: `git`, `nvidia-smi`.
struct Capture {
  /// Its standard output, at most the limit.
  let output: [UInt8]
  /// Whether it printed more than the limit.
  let isCut: Bool

  var text: String {
    String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Runs a program without input; nil when it is missing, fails or takes too long.
  init?(_ arguments: [String], limitBytes: Int, patience: Duration) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { for end in [ends[0], nothing] { _ = close(end) } }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var spawn = Spawn(arguments)
    spawn.descriptors = [(nothing, 0), (ends[1], 1), (nothing, 2)]
    spawn.environment = ["GIT_OPTIONAL_LOCKS": "0"]
    let process = try? spawn.start()
    _ = close(ends[1])
    guard let process else { return nil }
    let (output, isWhole) = Self.read(ends[0], limitBytes: limitBytes, until: .now + patience)
    if !isWhole { _ = kill(process, SIGKILL) }
    var status: Int32 = 0
    _ = Spawn.hasEnded(process, &status, waits: true)
    isCut = output.count > limitBytes
    guard isCut || isWhole && status == 0 else { return nil }
    self.output = Array(output.prefix(limitBytes))
  }

  private static func read(
    _ descriptor: Int32, limitBytes: Int, until end: ContinuousClock.Instant
  ) -> (output: [UInt8], isWhole: Bool) {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while output.count <= limitBytes, ContinuousClock.now < end {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 50) > 0 else { continue }
      let count = Foundation.read(descriptor, &buffer, buffer.count)
      if count == 0 { return (output, true) }
      if count > 0 { output += buffer[..<count] }
    }
    return (output, false)
  }
}

package import Foundation

extension Product {
  /// A program that writes to files in a folder of its own, so that a pipe can neither fill nor close.
  ///
  /// It is started and waited for by hand: Foundation's `Process` notices an end only every 50 ms.
  package final class Running {
    /// The process; end it by its own number, which is not used again before `finish`.
    package let processIdentifier: pid_t
    private let scratch: URL
    private var waitStatus: Int32?

    init(
      _ program: String, _ arguments: [String], in folder: URL, environment: [String: String]
    ) throws {
      let scratch = FileManager.default.temporaryDirectory
        .appending(path: "registry-output-\(UUID().uuidString)")
      self.scratch = scratch
      try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
      let environment = ProcessInfo.processInfo.environment
        .filter { !$0.key.hasPrefix("REGISTRY_") }
        .merging(["NO_COLOR": "1", "COLUMNS": "100"]) { $1 }
        .merging(environment) { $1 }
      processIdentifier = try Self.spawn(
        [program] + arguments, environment.map { "\($0.key)=\($0.value)" }, in: folder.path,
        writingTo: ["output", "messages"].map { scratch.appending(path: $0).path })
    }

    deinit { try? FileManager.default.removeItem(at: scratch) }

    /// Whether it has not ended.
    package var isRunning: Bool { !wait(WNOHANG) }

    /// Waits for the end.
    package func finish() throws -> Outcome {
      while !wait(0) {}
      let status = waitStatus ?? 0
      let signal = status & 0x7f
      return Outcome(
        status: signal == 0 ? (status >> 8) & 0xff : 128 + signal,
        output: try Data(contentsOf: scratch.appending(path: "output")),
        messages: try String(contentsOf: scratch.appending(path: "messages"), encoding: .utf8))
    }

    private func wait(_ options: Int32) -> Bool {
      if waitStatus == nil {
        var status: Int32 = 0
        if waitpid(processIdentifier, &status, options) == processIdentifier { waitStatus = status }
      }
      return waitStatus != nil
    }

    private static func spawn(
      _ arguments: [String], _ environment: [String], in folder: String, writingTo files: [String]
    ) throws -> pid_t {
      #if os(Linux)
        var actions = posix_spawn_file_actions_t()
      #else
        var actions: posix_spawn_file_actions_t?
      #endif
      posix_spawn_file_actions_init(&actions)
      defer { posix_spawn_file_actions_destroy(&actions) }
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
      for (descriptor, path) in zip(Int32(1)..., files) {
        posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT, 0o600)
      }
      // Threads of a test hold signals back and may have inherited that some are ignored.
      #if os(Linux)
        var attributes = posix_spawnattr_t()
      #else
        var attributes: posix_spawnattr_t?
      #endif
      posix_spawnattr_init(&attributes)
      defer { posix_spawnattr_destroy(&attributes) }
      var signals = sigset_t()
      sigemptyset(&signals)
      posix_spawnattr_setsigmask(&attributes, &signals)
      for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
      posix_spawnattr_setsigdefault(&attributes, &signals)
      posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
      // The shell goes to the folder and becomes the program, under the same number.
      let shell = ["/bin/sh", "-c", "cd -- \"$0\" && exec \"$@\"", folder]
      var words = (shell + arguments).map { strdup($0) } + [nil]
      var variables = environment.map { strdup($0) } + [nil]
      defer { for text in words + variables { free(text) } }
      var process: pid_t = 0
      let code = posix_spawn(&process, shell[0], &actions, &attributes, &words, &variables)
      guard code == 0 else {
        throw POSIXError(POSIXErrorCode(rawValue: code) ?? .ENOENT)
      }
      return process
    }
  }
}

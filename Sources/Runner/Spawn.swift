import CSystem
import Foundation
import Synchronization

/// Starts a program with exactly the arguments given; no shell, no pre-exec code.
struct Spawn {
  /// The arguments as bytes, the program's name first.
  var arguments: [[UInt8]]
  /// The path of the program; nil looks the first argument up in `PATH`.
  var path: String?
  /// Variables set or replaced in the inherited environment.
  var environment: [String: String] = [:]
  /// Which variables of ours the program inherits.
  var inherits: (String) -> Bool = { _ in true }
  /// Descriptors that the program gets under other numbers; all others of ours are close-on-exec.
  var descriptors: [(ours: Int32, theirs: Int32)] = []
  var group = Group.inherited

  /// Where the program stands in its session.
  enum Group {
    case inherited
    /// Leads a process group of its own.
    case group
    /// Leads a session of its own (a group where the system has no such flag).
    case session
  }

  /// Why a program did not start.
  struct Failure: Error, Equatable {
    let code: Int32

    /// As shells do: 127 for a command that is not found, 126 for one that cannot be run.
    var exitStatus: Int32 { code == ENOENT ? 127 : 126 }
    var reason: String { String(cString: strerror(code)) }
  }

  init(_ arguments: [[UInt8]]) {
    self.arguments = arguments
  }

  init(_ arguments: [String]) {
    self.arguments = arguments.map { Array($0.utf8) }
  }

  /// Starts it with default signals and an empty mask.
  ///
  /// - Returns: The process id; wait for it.
  /// - Throws: The code of the system.
  func start() throws(Failure) -> pid_t {
    var actions = FileActions()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in descriptors {
      posix_spawn_file_actions_adddup2(&actions, descriptor.ours, descriptor.theirs)
    }
    var attributes = Attributes()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    configure(&attributes)
    let argv = Self.pointers(arguments)
    let envp = Self.pointers(environmentEntries)
    defer { for pointer in argv + envp { free(pointer) } }
    var process: pid_t = 0
    let code: Int32
    if let path {
      code = posix_spawn(&process, path, &actions, &attributes, argv, envp)
    } else if let name = argv.first ?? nil {
      code = posix_spawnp(&process, name, &actions, &attributes, argv, envp)
    } else {
      code = ENOENT
    }
    guard code == 0 else { throw Failure(code: code) }
    Self.started.withLock { _ = $0.insert(process) }
    return process
  }

  private static let started = Mutex<Set<pid_t>>([])

  /// The processes that this one started and whose end it has not seen.
  static var living: Set<pid_t> { started.withLock { $0 } }

  /// Whether a process that was started has ended, and how; tells it of a stranger too.
  static func hasEnded(_ process: pid_t, _ status: inout Int32, waits: Bool = false) -> Bool {
    var result = waitpid(process, &status, waits ? 0 : WNOHANG)
    while waits, result < 0, errno == EINTR { result = waitpid(process, &status, 0) }
    guard result == process || result < 0 && errno == ECHILD else { return false }
    started.withLock { _ = $0.remove(process) }
    return true
  }

  private func configure(_ attributes: inout Attributes) {
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    sigdelset(&signals, SIGKILL)
    sigdelset(&signals, SIGSTOP)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
    let session = csystem_spawn_setsid()
    switch group {
    case .inherited: break
    case .session where session != 0: flags |= session
    case .group, .session:
      flags |= Int16(POSIX_SPAWN_SETPGROUP)
      posix_spawnattr_setpgroup(&attributes, 0)
    }
    posix_spawnattr_setflags(&attributes, flags)
  }

  /// The inherited environment byte for byte, except for the variables that are set.
  private var environmentEntries: [[UInt8]] {
    var entries: [[UInt8]] = []
    var pointer = csystem_environment()
    while let current = pointer, let entry = current.pointee {
      let bytes = UnsafeBufferPointer(start: entry, count: strlen(entry)).map(
        UInt8.init(bitPattern:))
      let name = String(decoding: bytes.prefix { $0 != 61 }, as: UTF8.self)
      if environment[name] == nil, inherits(name) { entries.append(bytes) }
      pointer = current.advanced(by: 1)
    }
    return entries + environment.map { Array("\($0.key)=\($0.value)".utf8) }
  }

  private static func pointers(_ texts: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
    texts.map { text in
      (text + [0]).map(CChar.init(bitPattern:)).withUnsafeBufferPointer { copy in
        copy.baseAddress.flatMap { strdup($0) }
      }
    } + [nil]
  }

  #if canImport(Darwin)
    private typealias FileActions = posix_spawn_file_actions_t?
    private typealias Attributes = posix_spawnattr_t?
  #else
    private typealias FileActions = posix_spawn_file_actions_t
    private typealias Attributes = posix_spawnattr_t
  #endif
}

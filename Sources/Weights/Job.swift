import Dispatch
import Synchronization

/// Work that another thread does meanwhile.
///
/// What it is given belongs to it alone, and what it gives to the one who waits: arrays are handed
/// on without a copy.
final class Job<Input: Sendable, Value: Sendable>: Sendable {
  private let input: Mutex<Input?>
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let group = DispatchGroup()

  /// Starts the work on a queue; without one does it at once.
  init(
    _ input: Input, on queue: DispatchQueue?,
    _ body: @escaping @Sendable (Input) throws -> Value
  ) {
    self.input = Mutex(input)
    if let queue { queue.async(group: group) { self.run(body) } } else { run(body) }
  }

  private func run(_ body: (Input) throws -> Value) {
    guard let input = input.withLock({ $0.take() }) else { return }
    let done = Result { try body(input) }
    result.withLock { $0 = done }
  }

  /// Waits for what the work gives; it is there once.
  func get() throws -> Value {
    group.wait()
    guard let done = result.withLock({ $0.take() }) else { throw CancellationError() }
    return try done.get()
  }
}

/// Jobs in order, as many as keep all cores busy.
struct JobQueue<Input: Sendable, Value: Sendable> {
  /// The most jobs under way; each holds up to 1 MiB of content and what comes of it.
  private static var countMax: Int { Parallel.workerCount + 2 }

  private let queue = DispatchQueue(label: "registry.chunks", attributes: .concurrent)
  private var jobs: [Job<Input, Value>] = []

  init() { Parallel.keepFreedMemory() }

  /// Whether the oldest job is to be taken before another is added.
  var isFull: Bool { jobs.count >= Self.countMax }

  /// Starts a job; what is short is done at once, since it is not worth a thread.
  mutating func add(
    _ input: Input, isShort: Bool = false, _ body: @escaping @Sendable (Input) throws -> Value
  ) {
    jobs.append(Job(input, on: isShort ? nil : queue, body))
  }

  /// Takes the oldest job, which may still be under way.
  mutating func popFirst() -> Job<Input, Value>? {
    jobs.isEmpty ? nil : jobs.removeFirst()
  }
}

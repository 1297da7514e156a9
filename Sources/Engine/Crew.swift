import Dispatch
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Threads that wait for work in parts; who is free takes the next one.
///
/// A helper looks for work for some microseconds after its last part and then sleeps. The caller
/// works too, so that nothing waits for a helper that has not woken.
final class Crew: Sendable {
  /// Does one part: the context, the part, the worker (0 is the caller).
  typealias Body = @convention(c) (UnsafeRawPointer, Int, Int) -> Void

  private struct Job {
    let body: Body
    let context: UnsafeRawPointer
  }

  private static let looks = 50_000  // some 50 µs: what lies between two products of a step

  /// Number of the job, how many parts it has, the next part: 32, 16 and 16 bits.
  private let ticket = Atomic<UInt64>(0)
  private let job = Atomic<UInt>(0)
  private let done = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let isStopped = Atomic<Bool>(false)
  private let wake = DispatchSemaphore(value: 0)
  private let helpers = DispatchGroup()

  init(helpers count: Int) {
    let queue = DispatchQueue(label: "engine", attributes: .concurrent)
    for worker in 1...count { queue.async(group: helpers) { self.help(as: worker) } }
  }

  /// Ends the helpers; `run` may not be called again.
  func stop() {
    isStopped.store(true, ordering: .sequentiallyConsistent)
    wakeHelpers()
    helpers.wait()
  }

  /// Does all parts, of which there are at most 65 535; one call at a time.
  func run(parts: Int, _ context: UnsafeRawPointer, _ body: @escaping Body) {
    let job = Job(body: body, context: context)
    withUnsafePointer(to: job) { pointer in
      done.store(0, ordering: .relaxed)
      self.job.store(UInt(bitPattern: pointer), ordering: .relaxed)
      let number = (ticket.load(ordering: .relaxed) >> 32) &+ 1
      ticket.store(number << 32 | UInt64(parts) << 16, ordering: .sequentiallyConsistent)
      wakeHelpers()
      while work(as: 0) {}
      var looks = 0
      while done.load(ordering: .acquiring) < parts {
        looks += 1
        if looks > Self.looks { sched_yield() }
      }
    }
  }

  private func wakeHelpers() {
    for _ in 0..<sleepers.exchange(0, ordering: .sequentiallyConsistent) { wake.signal() }
  }

  /// Takes a part and does it, if one is left.
  private func work(as worker: Int) -> Bool {
    var current = ticket.load(ordering: .sequentiallyConsistent)
    while current & 0xffff < (current >> 16) & 0xffff {
      let (exchanged, original) = ticket.compareExchange(
        expected: current, desired: current + 1, ordering: .sequentiallyConsistent)
      if exchanged {
        // The caller cannot leave this job before all its parts are done.
        let address = job.load(ordering: .relaxed)
        if let job = UnsafePointer<Job>(bitPattern: address) {
          job.pointee.body(job.pointee.context, Int(current & 0xffff), worker)
        }
        done.add(1, ordering: .releasing)
        return true
      }
      current = original
    }
    return false
  }

  private func help(as worker: Int) {
    var looks = 0
    while !isStopped.load(ordering: .sequentiallyConsistent) {
      if work(as: worker) {
        looks = 0
        continue
      }
      looks += 1
      if looks < Self.looks { continue }
      looks = 0
      sleepers.add(1, ordering: .sequentiallyConsistent)
      let current = ticket.load(ordering: .sequentiallyConsistent)
      let hasWork = current & 0xffff < (current >> 16) & 0xffff
      let mayStay = hasWork || isStopped.load(ordering: .sequentiallyConsistent)
      if mayStay && leaveSleepers() { continue }
      wake.wait()
    }
  }

  /// Whether this helper was not yet counted among those to be woken.
  private func leaveSleepers() -> Bool {
    var count = sleepers.load(ordering: .sequentiallyConsistent)
    while count > 0 {
      let (exchanged, original) = sleepers.compareExchange(
        expected: count, desired: count - 1, ordering: .sequentiallyConsistent)
      if exchanged { return true }
      count = original
    }
    return false
  }
}

import CSystem
import Dispatch
import Foundation
import Synchronization

/// How work on chunks is spread over the cores, in bounded memory.
package enum Parallel {
  /// How many threads work on chunks.
  static let workerCount = min(max(ProcessInfo.processInfo.activeProcessorCount, 2), 4)
  /// The most content in work at once: 2 MiB a core, but not more than 8 MiB.
  ///
  /// Each MiB in work has its base, its record, the base's record and the decoded record beside it.
  static let batchBytes = workerCount << 21
  /// The most chunks in work at once, for files of many small tensors.
  static let batchCount = 1024

  /// Has fresh pages taken once, and not for each chunk again.
  static func keepFreedMemory() { _ = freedMemoryIsKept }

  private static let freedMemoryIsKept: Void = csystem_keep_freed_memory()

  /// Runs a body for each of 0 ..< count on all cores.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - body: Called once for each index, on any thread.
  /// - Returns: What the calls returned, in order of their index.
  /// - Throws: The error of the lowest index that failed.
  package static func map<Element: Sendable>(
    _ count: Int, _ body: @Sendable (Int) throws -> Element
  ) throws -> [Element] {
    if count == 1 { return [try body(0)] }
    let results = Mutex([Result<Element, any Error>?](repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: count) { index in
      let result = Result { try body(index) }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { $0 }.compactMap { try $0?.get() }
  }
}

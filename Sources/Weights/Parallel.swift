import Dispatch
import Foundation

/// How work on chunks is spread over the cores, in bounded memory.
enum Parallel {
  /// The most content in work at once: 2 MiB a core, between 4 and 16 MiB.
  static let batchBytes = min(max(ProcessInfo.processInfo.activeProcessorCount, 2), 8) << 21
  /// The most chunks in work at once, for files of many small tensors.
  static let batchCount = 1024

  /// Runs a body for each of 0 ..< count on all cores.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - body: Called once for each index, on any thread.
  /// - Returns: What the calls returned, in order of their index.
  /// - Throws: The error of the lowest index that failed.
  static func map<Element>(_ count: Int, _ body: (Int) throws -> Element) throws -> [Element] {
    if count == 1 { return [try body(0)] }
    var results = [Result<Element, any Error>?](repeating: nil, count: count)
    results.withUnsafeMutableBufferPointer { results in
      let places = results
      DispatchQueue.concurrentPerform(iterations: count) { index in
        places[index] = Result { try body(index) }
      }
    }
    return try results.compactMap { try $0?.get() }
  }
}

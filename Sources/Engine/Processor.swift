import CKernels

/// Where the maths runs: one level of kernels, on some threads.
///
/// It belongs to one task at a time. Results depend on the level, never on the threads.
package final class Processor {
  /// The names of the levels that this machine can run, best first: `x86-64-v4`, `arm64`, ….
  package static var levels: [String] {
    (0...).lazy.map { ckernels_floats_at($0) }.prefix { $0 != nil }
      .compactMap { $0.map { String(cString: $0.pointee.name) } }
  }

  /// How many threads work on what is large enough to pay.
  package let threads: Int
  /// The name of the kernels' level; the same seed gives the same bytes on the same level.
  package let level: String
  let kernels: ckernels_floats
  private let crew: Crew?
  private let packed: [Buffer<Float>]

  /// Takes the best level, or that of an index into `levels`.
  ///
  /// - Throws: `value` for threads outside of 1 … 64, `level` for one that this machine lacks.
  package init(threads: Int = 1, level: Int = 0) throws(EngineError) {
    guard (1...64).contains(threads) else { throw .value(name: "threads", value: Double(threads)) }
    guard level >= 0, level < 8, let kernels = ckernels_floats_at(Int32(level)) else {
      throw .level(level)
    }
    self.threads = threads
    self.kernels = kernels.pointee
    self.level = String(cString: kernels.pointee.name)
    crew = threads > 1 ? Crew(helpers: threads - 1) : nil
    packed = (0..<threads).map { _ in Buffer(count: Int(CKERNELS_PACKED_COUNT)) }
  }

  deinit {
    crew?.stop()
  }

  /// Scratch of one thread, for packing.
  func scratch(of worker: Int) -> UnsafeMutablePointer<Float> {
    packed[worker].start
  }

  /// Calls the body once for each part, on all threads; returns when all are done.
  func run(
    parts: Int, _ context: UnsafeRawPointer, _ body: @escaping Crew.Body
  ) {
    if let crew, parts > 1 {
      crew.run(parts: parts, context, body)
    } else {
      for part in 0..<parts { body(context, part, 0) }
    }
  }
}

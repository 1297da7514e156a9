package import CKernels

/// The loops of prediction for one generation of processors; every level gives the same bytes.
package struct PredictionKernels: Sendable {
  private let index: Int32

  /// Those of the best level of this processor.
  package static let best = PredictionKernels(index: 0)

  /// Those of every level that this processor can run, the best first.
  package static var all: [PredictionKernels] {
    (0...).lazy.prefix { ckernels_prediction_at($0) != nil }.map { PredictionKernels(index: $0) }
  }

  /// The name of the level: `x86-64-v3`, `base`, ….
  package var name: String { String(cString: functions.name) }

  /// The functions.
  package var functions: ckernels_prediction {
    (ckernels_prediction_at(index) ?? ckernels_prediction_best()).pointee
  }
}

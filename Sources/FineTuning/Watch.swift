import Storage
import Tracking

/// The metric by which epochs are told apart: which was the best, and when to stop.
struct Watch {
  let key: String
  let direction: Experiment.Direction
  /// Epochs without improvement before training stops; 0 never stops early.
  let patience: Int
  private let minDelta: Double

  /// The best epoch so far.
  private(set) var best: (epoch: Int, value: Double)?
  private var reference: Double?
  private var waited = 0

  init(_ key: String, _ direction: Experiment.Direction, patience: Int, minDelta: Double) {
    self.key = key
    self.direction = direction
    self.patience = patience
    self.minDelta = minDelta
  }

  /// Whether training goes on for nothing.
  var isOver: Bool { patience > 0 && waited >= patience }

  /// Takes the value of an epoch; whether it is the best so far.
  mutating func observe(_ value: Double, epoch: Int) -> Bool {
    let bar = reference.map { direction == .max ? $0 + minDelta : $0 - minDelta }
    if bar.map({ direction.isBetter(value, than: $0) }) ?? true {
      reference = value
      waited = 0
    } else {
      waited += 1
    }
    guard best.map({ direction.isBetter(value, than: $0.value) }) ?? true else { return false }
    best = (epoch, value)
    return true
  }
}

import Engine
import Storage

extension RegistryError {
  /// Says in a sentence what the maths refuses.
  ///
  /// - Parameters:
  ///   - error: What was thrown.
  ///   - place: What it is about: `config.json of digits:1`.
  init(_ error: EngineError, in place: String) {
    let what =
      switch error {
      case .noWidth: "no linear layer"
      case .width(let layer, let expected, let found):
        "\(layer) takes \(found) numbers and gets \(expected)"
      case .value(let name, let value): "\(name) cannot be \(value.typed)"
      case .noRows: "no rows"
      case .label(let row, let label, let classes):
        "label \(label) of row \(row) is none of \(classes) classes"
      case .targets: "targets that do not fit the loss"
      case .parameter(let name): "no tensor \(name)"
      case .level(let level): "no kernels of level \(level)"
      }
    self.init(.invalidInput, "\(place): \(what)")
  }
}

/// Does maths whose errors are told as being of a place.
func inPlace<Result>(
  _ place: @autoclosure () -> String, _ body: () throws(EngineError) -> Result
) throws(RegistryError) -> Result {
  do throws(EngineError) {
    return try body()
  } catch {
    throw RegistryError(error, in: place())
  }
}

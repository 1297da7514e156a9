import ArgumentParser
import Storage

/// `key=value` as typed.
struct Assignment: ExpressibleByArgument {
  let key: String
  let value: String

  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), sign != argument.startIndex else { return nil }
    key = String(argument[..<sign])
    value = String(argument[argument.index(after: sign)...])
  }

  /// The value as a number; NaN and infinities are numbers.
  ///
  /// - Returns: The number.
  /// - Throws: `invalidInput` for anything else.
  func number() throws(RegistryError) -> Double {
    guard let number = Double(value), !value.hasPrefix("0x") else {
      throw RegistryError(
        .invalidInput, "\(key)=\(value) has no number",
        hint: "texts are parameters or tags: registry run log --param \(key)=\(value)")
    }
    return number
  }
}

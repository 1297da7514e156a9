import Foundation

/// Standard input, output and error of this process.
package enum StandardDescriptors {
  /// Opens `/dev/null` for those that are closed, before a file of the store gets their number.
  ///
  /// It is open for reading only: what is written there fails as it did before.
  package static func fill() {
    var descriptor: Int32 = 0
    while descriptor < 3 {  // each is the lowest that is free
      descriptor = open("/dev/null", O_RDONLY)
      guard descriptor >= 0 else { return }
    }
    _ = close(descriptor)
  }
}

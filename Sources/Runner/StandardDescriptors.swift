import Foundation

/// Standard input, output and error of this process.
package enum StandardDescriptors {
  /// Opens `/dev/null` for those that are closed, before a file of the store gets their number.
  package static func fill() {
    var descriptor: Int32 = 0
    while descriptor < 3 {  // each is the lowest that is free
      descriptor = open("/dev/null", O_RDWR)
      guard descriptor >= 0 else { return }
    }
    _ = close(descriptor)
  }
}

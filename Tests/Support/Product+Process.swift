package import Foundation
package import Storage

extension Product {
  /// Runs the product with `--json`, throws unless it exits 0, and reads what it printed.
  package static func json(_ arguments: String..., in folder: URL) throws -> JSON {
    let outcome = try start(arguments + ["--json"], in: folder).finish()
    guard outcome.status == 0 else { throw Failure(arguments: arguments, outcome: outcome) }
    return try JSON.parse(Array(outcome.output), allowsNonFinite: true)
  }

  /// Starts a shell script in which `$REGISTRY` is the product, and comes back at once.
  package static func startShell(
    _ script: String, in folder: URL, environment: [String: String] = [:]
  ) throws -> Running {
    try start(
      program: "/bin/sh", ["-c", "export REGISTRY='\(binary.path)'\n" + script], in: folder,
      environment: environment)
  }

  /// Runs a shell script in which `$REGISTRY` is the product to its end.
  package static func shell(
    _ script: String, in folder: URL, environment: [String: String] = [:]
  ) throws -> Outcome {
    try startShell(script, in: folder, environment: environment).finish()
  }

  /// Whether a process with this number is there and has not ended; a zombie has.
  package static func isAlive(_ process: pid_t) -> Bool {
    guard kill(process, 0) == 0 else { return false }
    let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    guard let status, let name = status.lastIndex(of: ")") else { return status == nil }
    return status[name...].dropFirst(2).first != "Z"
  }

  /// The process numbers that a script wrote into a file, one a line.
  package static func processes(_ file: URL) -> [pid_t] {
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap { pid_t($0) }
  }

  /// Asks again and again until the answer is yes; the answer.
  ///
  /// Only a defect makes it end with no, after thousands of questions.
  package static func waits(for condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<6000 {
      if try condition() { return true }
      usleep(10_000)
    }
    return try condition()
  }
}

extension Product.Running {
  /// Sends a signal to this process and no other.
  package func send(_ signal: Int32) {
    if isRunning { _ = kill(processIdentifier, signal) }
  }

  /// Waits for the end and finds the most memory that the process had, read until it ends.
  ///
  /// The kernel's own sum for an ended child counts what its parent had when it was started.
  ///
  /// - Returns: What it left, and the memory in bytes; nil where the system does not tell.
  package func finishWithMemory() throws -> (outcome: Product.Outcome, memoryPeakBytes: Int?) {
    let path = "/proc/\(processIdentifier)/status"
    var peak: Int?
    while isRunning {
      let status = try? String(contentsOfFile: path, encoding: .utf8)
      let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
      if let size = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
        peak = max(peak ?? 0, size * 1024)
      }
      usleep(500)
    }
    return (try finish(), peak)
  }
}

import ArgumentParser
import Foundation
import Runner
import Storage

/// The root of the command line.
@main
struct Registry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry", abstract: "Tracks experiments and keeps models.", version: "0.1.0")

  static func main() {
    if CommandLine.arguments.dropFirst().first == Guard.verb { Foundation.exit(Guard.main()) }
    main(nil)
  }
}

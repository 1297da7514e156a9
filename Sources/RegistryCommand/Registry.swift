import ArgumentParser
import Storage

/// The root of the command line.
@main
struct Registry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "registry", abstract: "Tracks experiments and keeps models.", version: "0.1.0")
}

import Foundation
import Storage
import Testing

@Suite struct HelpTests {
  /// A command as the program itself describes it.
  private struct Command {
    let path: [String]
    let isLeaf: Bool
    let options: Set<String>
  }

  private func commands(_ binary: Binary) throws -> [Command] {
    let dump = try JSON.parse(Array(try binary("--experimental-dump-help").utf8))
    func walk(_ json: JSON, _ above: [String]) -> [Command] {
      let path = above + [json["commandName"]?.string ?? ""]
      let children = (json["subcommands"]?.array ?? []).filter { $0["commandName"] != "help" }
      let options = (json["arguments"]?.array ?? []).flatMap { argument in
        (argument["names"]?.array ?? []).compactMap { name in
          name["name"]?.string.map { name["kind"] == "short" ? "-" + $0 : "--" + $0 }
        }
      }
      let own = Command(path: path, isLeaf: children.isEmpty, options: Set(options))
      return [own] + children.flatMap { walk($0, path) }
    }
    return walk(dump["command"] ?? .null, [])
  }

  @Test func `every help starts with examples, and their options exist`() throws {
    try Binary.inFreshFolder { binary in
      let commands = try commands(binary)
      #expect(commands.count > 10)
      for command in commands {
        let name = command.path.joined(separator: " ")
        let result = try binary.run(Array(command.path.dropFirst()) + ["--help"])
        #expect(result.status == 0 && result.errors.isEmpty, "\(name)")
        let usage = try #require(result.output.range(of: "USAGE:"))
        let examples = try #require(result.output.range(of: "Examples:"), "\(name)")
        #expect(examples.lowerBound < usage.lowerBound, "\(name)")
        let lines = result.output[examples.upperBound..<usage.lowerBound].split(separator: "\n")
          .map { $0.drop { $0 == " " } }
        #expect(!lines.isEmpty, "\(name)")
        for line in lines {
          #expect(line.count { $0 == "'" }.isMultiple(of: 2), "\(name): broken: \(line)")
        }
        for line in lines where command.isLeaf && line.hasPrefix(name + " ") {
          let words = line.prefix(upTo: line.range(of: " -- ")?.lowerBound ?? line.endIndex)
          for match in words.matches(of: #/ (--[a-z-]+)/#) {
            #expect(command.options.contains(String(match.1)), "\(name): \(line)")
          }
        }
        #expect(!result.output.contains("[--store <dir>]"), "\(name)")
      }
    }
  }

  @Test func `the help of the program names the options of all commands`() throws {
    try Binary.inFreshFolder { binary in
      let help = try binary("--help")
      for option in ["--store", "--json", "--csv", "--md", "--plain", "--color", "-q", "-v"] {
        #expect(help.contains(option), "\(option)")
      }
    }
  }

  @Test func `the version is one number`() throws {
    try Binary.inFreshFolder { binary in
      let version = try binary("--version")
      #expect(version.contains(#/^\d+\.\d+\.\d+\n$/#))
    }
  }
}

import ArgumentParser
import Foundation
import Storage
import Weights
import Workspace

extension ByteRange: ExpressibleByArgument {
  /// Takes `FIRST-LAST`, `FIRST-` or `-N`.
  package init?(argument: String) { self.init(argument) }
}

struct VersionCat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat", abstract: "Prints a file of a version, or some bytes of it, as they are.",
    discussion: """
      Examples:
        registry version cat reviews@prod//config.json
        registry version cat reviews:3//model.safetensors --range 0-7 | xxd
        registry version cat reviews:3//model.safetensors --range 1000000- > rest
        registry version cat runs:/7f3ac1/train.log --range -500

      A range is one of HTTP: both ends count, from 0, and -N are the last N bytes. Only what \
      it touches is read.
      """)

  @Argument(help: ArgumentHelp("The file.", valueName: "ref")) var reference: String
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Only these bytes: FIRST-LAST, FIRST- or -N.", valueName: "bytes"))
  var range: ByteRange?
  @OptionGroup var globals: Globals

  func validate() throws {
    guard globals.isForPeople else {
      throw ValidationError("the bytes of a file are in no other format")
    }
  }

  /// Ends the reading once nobody takes what is written.
  private struct ReaderIsGone: Error {}

  func run() throws {
    let reference = try Reference(reference)
    do {
      try globals.reading { store in
        try FoundFile.read(reference, range, from: store) { piece in
          guard piece.withUnsafeBytes({ globals.output.write($0) }) else { throw ReaderIsGone() }
        }
      }
    } catch is ReaderIsGone {
      // The root tells whether the reader went or the disk is full.
    }
  }
}

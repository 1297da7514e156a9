import ArgumentParser
import Storage
import Weights
import Workspace

struct TensorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tensor", abstract: "Named arrays of values inside the files of a version.",
    discussion: """
      Examples:
        registry tensor ls reviews@prod
        registry tensor ls reviews@prod 'encoder.layer.0.*'
        registry tensor show reviews@prod pooler.dense.weight --stats
      """,
    subcommands: [TensorList.self, TensorShow.self])
}

/// Tensors as a list.
enum TensorTable {
  static func of(_ tensors: [FileTensor]) -> Table {
    var table = Table(
      "tensors",
      [
        .init("name", "tensor", pinned: true), .init("dtype"), .init("shape"),
        .init("sizeBytes", "size"), .init("file"),
      ])
    for found in tensors {
      table.add(
        .text(found.tensor.name), .text(found.tensor.dtypeName), found.tensor.shape.value,
        .bytes(found.tensor.sizeBytes), .text(found.path))
    }
    return table
  }
}

struct TensorList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists the tensors of a version or of one file.",
    discussion: """
      Examples:
        registry tensor ls reviews@prod
        registry tensor ls reviews@prod 'encoder.layer.[0-3].*'
        registry tensor ls reviews:3//model.safetensors --csv
      """)

  @Argument(help: ArgumentHelp("The version, or a file of it.", valueName: "ref"))
  var reference: String
  @Argument(help: "Only tensors whose names match, with or without prefixes such as bert.")
  var glob: String?
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(reference)
    let found = try globals.reading { store in
      try store.withContent { try FoundTensors(reference, store) }
    }
    var tensors = found.tensors
    if let glob {
      let matches = TensorGlob(glob).matches(in: tensors.map(\.tensor.name))
      tensors = matches.sorted().map { tensors[$0] }
    }
    var table = TensorTable.of(tensors)
    table.emptyText = glob == nil ? "no tensors" : "no such tensors"
    globals.show(Report(table))
  }
}

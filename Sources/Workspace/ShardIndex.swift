import Foundation
import Storage

/// The list of the files over which a large model is spread, as Hugging Face writes it.
///
/// Source: `save_pretrained` of transformers; `model.safetensors.index.json`.
enum ShardIndex {
  static let sizeBytesMax: Int64 = 16 << 20  // the largest models' lists have some 10 MB

  /// Refuses a folder that has some of the files that its lists name, and not all: a download that
  /// was cut off.
  ///
  /// A list of which no file is here stayed from a format that was left out; so did one that cannot
  /// be read, since it is kept byte for byte.
  ///
  /// - Throws: `invalidInput` with the first missing file.
  static func check(_ files: [FolderFile]) throws {
    let paths = Set(files.map { Array($0.path.utf8) })
    for file in files
    where file.path.hasSuffix(".index.json") && file.sizeBytes <= sizeBytesMax {
      guard let content = try? Data(contentsOf: file.url),
        let shards = try? JSON.parse(Array(content))["weight_map"]?.members
      else { continue }
      let folder = file.path.utf8.lastIndex(of: 47).map { file.path.utf8[...$0] } ?? ""[...].utf8
      let names = Set(shards.compactMap { $0.value.string }.map { Array($0.utf8) })
      let missing = names.filter { !paths.contains(folder + $0) }
      guard missing.count < names.count,
        let first = missing.min(by: { $0.lexicographicallyPrecedes($1) })
      else { continue }
      let others = missing.count > 1 ? " and \(missing.count - 1) more" : ""
      throw RegistryError(
        .invalidInput,
        "'\(file.path.excerpt)' names \(String(decoding: first, as: UTF8.self).excerpt)\(others), "
          + "\(missing.count == 1 ? "which is" : "which are") not in the folder",
        hint: "complete the download, or take the list away")
    }
  }
}

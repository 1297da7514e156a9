package import GRDB
import Storage
package import Weights

extension VersionFile {
  /// Lists the tensors that make up the model of a version, each file's in its order.
  ///
  /// Where there are safetensors files, what is in others is a copy of theirs in another format, or
  /// none of the model's; and the state of an optimizer is never a part of it.
  ///
  /// - Parameters:
  ///   - files: The files of the version.
  ///   - db: An open read of the weights.
  /// - Returns: The tensors; of files with the same bytes, those of the first.
  /// - Throws: `corrupt`.
  package static func modelTensors(
    of files: [VersionFile], _ db: Database
  ) throws -> [FileTensor] {
    var tensors: [(container: Container, tensor: FileTensor)] = []
    var seen: Set<Digest> = []
    for file in files where seen.insert(file.digest).inserted {
      guard let container = try Blob.find(file.digest, db)?.container, container != .bytes else {
        continue
      }
      var found = try FileTensor.list(path: file.path, file.digest, db)
      if container == .torch { found = withoutOptimizer(found) }
      tensors += found.map { (container, $0) }
    }
    let isSafe = tensors.contains { $0.container == .safetensors }
    return tensors.filter { !isSafe || $0.container == .safetensors }.map(\.tensor)
  }

  /// Leaves out `state.0.exp_avg` where a file has nothing else, and `optimizer.state.0.exp_avg`
  /// anywhere: what `torch.optim.Optimizer.state_dict` makes, alone or in a checkpoint.
  private static func withoutOptimizer(_ tensors: [FileTensor]) -> [FileTensor] {
    let state = #/state\.\d+\.[^.]+/#
    if tensors.allSatisfy({ $0.tensor.name.wholeMatch(of: state) != nil }) { return [] }
    return tensors.filter {
      $0.tensor.name.wholeMatch(of: #/optimizer\w*\.(?:\d+\.)?state\.\d+\.[^.]+/#) == nil
    }
  }
}

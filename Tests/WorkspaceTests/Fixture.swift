import Catalog
import Foundation
import GRDB
import Storage
import Support
import Testing
import Tracking
import Workspace

/// The error that a body throws; nil if it throws none of ours.
func failure(_ body: () throws -> Void) -> RegistryError? {
  do {
    try body()
    return nil
  } catch {
    return error as? RegistryError
  }
}

/// A digest that stands for content where nobody looks at the bytes.
func digest(_ text: String) -> Digest { Digest(of: Array(text.utf8)) }

extension Model {
  /// Adds a version with files whose content stands for their paths.
  @discardableResult
  func addVersion(
    files: [String] = ["model.safetensors"], parents: [Version.Parent] = [], runId: String? = nil,
    _ db: Database
  ) throws -> Version {
    let files = files.map {
      VersionFile(path: $0, digest: digest("\(name) \($0)"), sizeBytes: Int64($0.utf8.count))
    }
    return try Version.add(.init(files: files, parents: parents, runId: runId), to: self, db)
  }
}

extension Experiment {
  /// Adds a finished run with one metric, and the version it made where a model is given.
  @discardableResult
  func addRun(
    _ name: String? = nil, metric: [Double] = [], status: Run.Status = .finished,
    making model: Model? = nil, _ db: Database
  ) throws -> Run {
    var start = Run.Start(experimentId: id)
    start.name = name
    let run = try Run.add(start, db)
    var batch = PointBatch()
    let key = try batch.key("val/f1")
    for (step, value) in metric.enumerated() {
      batch.add(key, step: Int64(step), time: 0, value: value)
    }
    _ = try run.append(batch, db)
    if let model {
      try run.setOutputVersion(try model.addVersion(runId: run.id.hex, db).id, db)
    }
    return status.isFinal ? try run.finish(status, db) : run
  }
}

/// Writes files under a folder.
func write(_ files: [String: [UInt8]], to folder: URL) throws {
  for (path, bytes) in files {
    let url = folder.appending(path: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }
}

/// All files under a folder with their bytes.
func read(_ folder: URL) throws -> [String: [UInt8]] {
  let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
  var files: [String: [UInt8]] = [:]
  for name in names {
    let url = folder.appending(path: name)
    if let data = try? Data(contentsOf: url) { files[name] = Array(data) }
  }
  return files
}

/// A small model's folder: weights, a config and files in folders.
func modelFiles(seed: UInt64 = 1, changing tensor: Int? = nil) -> [String: [UInt8]] {
  var weights = SafetensorsFixture()
  for number in 0..<4 {
    let isChanged = number == tensor
    weights.addNoise("layer.\(number).weight", [64, 64], seed: seed * 10 + UInt64(number))
    if isChanged {
      weights.entries[number].bytes = SafetensorsFixture.noise(4096, seed: seed + 999)
        .flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    }
  }
  return [
    "model.safetensors": weights.file,
    "config.json": Array(#"{"architectures":["BertModel"],"model_type":"bert"}"#.utf8),
    "1_Pooling/config.json": Array("{}".utf8),
    "deep/er/vocab.txt": Array("a\nb\n".utf8),
    "empty": [],
  ]
}

/// Runs a body with a store, and a folder beside it.
func withWorkspace<Result>(_ body: (Store, URL) throws -> Result) throws -> Result {
  try withTemporaryStore { store in try withTemporaryFolder { try body(store, $0) } }
}

/// Imports a folder of these files as a base.
@discardableResult
func addBase(
  _ name: String, _ files: [String: [UInt8]] = modelFiles(), to store: Store
) throws -> VersionImport {
  try withTemporaryFolder { folder in
    try write(files, to: folder)
    var request = VersionImport.Request()
    request.model = name
    return try VersionImport.addBase(folder, request, to: store)
  }
}

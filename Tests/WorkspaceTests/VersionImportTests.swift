import Catalog
import Foundation
import GRDB
import Storage
import Support
import Testing
import Workspace

@Suite struct VersionImportTests {
  @Test func `a folder comes back byte for byte, without what no version keeps`() throws {
    try withWorkspace { store, folder in
      let files = modelFiles()
      let source = folder.appending(path: "tiny")
      try write(files, to: source)
      try write(
        [
          ".git/HEAD": [1], "deep/.DS_Store": [1], "__pycache__/a.pyc": [1],
          ".registry/catalog.sqlite": [1],
        ], to: source)
      var progress: [Int64] = []
      let added = try VersionImport.addBase(source, to: store) {
        progress.append($0.doneBytes)
        #expect($0.totalBytes == Int64(files.values.reduce(0) { $0 + $1.count }))
      }
      #expect(added.version.reference == "tiny:1")
      #expect(added.isNewModel && added.sameAs == nil && added.storedBytes > 0)
      #expect(added.files.map(\.path) == files.keys.sorted())
      #expect(progress == progress.sorted())
      #expect(progress.last == Int64(files.values.reduce(0) { $0 + $1.count }))
      let out = folder.appending(path: "out/new")
      let export = try VersionExport.write(Reference("tiny"), to: out, from: store)
      #expect(try read(out) == files)
      #expect(export.files == added.files)
      #expect(try FileManager.default.contentsOfDirectory(atPath: out.path + "/..") == ["new"])
    }
  }

  @Test func `an export goes to a new or empty folder, and one file beside others`() throws {
    try withWorkspace { store, folder in
      try addBase("base", to: store)
      let full = folder.appending(path: "full")
      try write(["mine": [7]], to: full)
      let error = failure { _ = try VersionExport.write(Reference("base"), to: full, from: store) }
      #expect(error?.kind == .conflict)
      let file = full.appending(path: "mine")
      let onFile = failure { _ = try VersionExport.write(Reference("base"), to: file, from: store) }
      #expect(onFile?.kind == .conflict)
      let empty = folder.appending(path: "empty")
      try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
      _ = try VersionExport.write(Reference("base"), to: empty, from: store)
      #expect(try read(empty) == modelFiles())
      let one = try Reference("base//deep/er/vocab.txt")
      _ = try VersionExport.write(one, to: full, from: store)
      #expect(try read(full) == ["mine": [7], "deep/er/vocab.txt": Array("a\nb\n".utf8)])
      let again = failure { _ = try VersionExport.write(one, to: full, from: store) }
      #expect(again?.kind == .conflict)
      #expect(try read(full).count == 2)
    }
  }

  @Test func `an export into an empty folder leaves the folder itself as it is`() throws {
    try withWorkspace { store, folder in
      try addBase("base", to: store)
      let place = folder.appending(path: "place")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      #expect(chmod(place.path, 0o750) == 0)
      func identity() -> [UInt64] {
        var status = stat()
        #expect(stat(place.path, &status) == 0)
        return [UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_mode)]
      }
      let before = identity()
      _ = try VersionExport.write(Reference("base"), to: place, from: store)
      #expect(identity() == before)
      #expect(try read(place) == modelFiles())
      #expect(
        try Set(FileManager.default.contentsOfDirectory(atPath: place.path))
          == ["model.safetensors", "config.json", "1_Pooling", "deep", "empty"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["place"])
    }
  }

  @Test func `an export that fails leaves an empty folder empty`() throws {
    try withWorkspace { store, folder in
      let version = try addBase("base", to: store).version
      try store.write { db in
        try db.execute(
          sql: "UPDATE versionFile SET contentBlobDigest = zeroblob(32) WHERE path = 'empty'")
      }
      let place = folder.appending(path: "place")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      let error = failure {
        _ = try VersionExport.write(Reference(version.reference), to: place, from: store)
      }
      #expect(error != nil)
      #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == [])
    }
  }

  @Test func `a child costs what it changed, and equal files are told`() throws {
    try withWorkspace { store, folder in
      let base = try addBase("base", to: store)
      let child = folder.appending(path: "child")
      try write(modelFiles(changing: 2), to: child)
      var request = VersionImport.Request()
      request.model = "base"
      request.parents = [(try Reference("base:1"), .finetune)]
      request.metrics = [.init("val/f1", 0.5, source: "paper")]
      let added = try VersionImport.addVersion(child, request, to: store)
      #expect(added.version.number == 2 && !added.isNewModel && added.sameAs == nil)
      #expect(added.storedBytes < base.storedBytes / 2)
      request.parents = []
      let same = try VersionImport.addVersion(child, request, to: store)
      #expect(same.version.number == 3 && same.sameAs == added.version && same.storedBytes == 0)
      try store.read { db in
        let parents = try added.version.parents(db)
        #expect(parents.map(\.parentVersionId) == [base.version.id])
        #expect(try added.version.metrics(db).map(\.value) == [0.5])
      }
      request.model = "fresh"
      #expect(try VersionImport.addVersion(child, request, to: store).isNewModel)
    }
  }

  @Test func `links to files are followed as in Hugging Face's cache, under the link's name`()
    throws
  {
    try withWorkspace { store, folder in
      let files = modelFiles()
      let snapshot = folder.appending(path: "models--org--tiny/snapshots/abc")
      let blobs = folder.appending(path: "models--org--tiny/blobs")
      for (index, (path, bytes)) in files.sorted(by: { $0.key < $1.key }).enumerated() {
        try write(["\(index)": bytes], to: blobs)
        let link = snapshot.appending(path: path)
        try FileManager.default.createDirectory(
          at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
          at: link, withDestinationURL: blobs.appending(path: "\(index)"))
      }
      let added = try VersionImport.addBase(snapshot, to: store)
      #expect(added.version.reference == "org/tiny:1")
      #expect(try VersionFacts(added.version, store).tensorCount == 4)
      let link = snapshot.appending(path: "model.safetensors")
      var request = VersionImport.Request()
      request.model = "single"
      let single = try VersionImport.addBase(link, request, to: store)
      #expect(single.files.map(\.path) == ["model.safetensors"])
      #expect(try VersionFacts(single.version, store).tensorCount == 4)
    }
  }

  @Test func `what cannot be a version leaves no name`() throws {
    try withWorkspace { store, folder in
      func make(_ name: String, _ change: (URL) throws -> Void) throws -> URL {
        let url = folder.appending(path: name)
        try write(["a.txt": [1]], to: url)
        try change(url)
        return url
      }
      let manager = FileManager.default
      let bad: [(URL, RegistryError.Kind)] = [
        (folder.appending(path: "absent"), .notFound),
        (
          try make("no-files") { try manager.removeItem(at: $0.appending(path: "a.txt")) },
          .invalidInput
        ),
        (
          try make("loop") {
            try manager.createSymbolicLink(at: $0.appending(path: "l"), withDestinationURL: $0)
          }, .invalidInput
        ),
        (
          try make("broken") {
            try manager.createSymbolicLink(
              atPath: $0.appending(path: "l").path, withDestinationPath: "nothing")
          }, .invalidInput
        ),
        (
          try make("pipe") { #expect(mkfifo($0.appending(path: "p").path, 0o600) == 0) },
          .invalidInput
        ),
        (try make("slash") { try write(["b\\c": [1]], to: $0) }, .invalidInput),
        (try make("control") { try write(["b\u{1}c": [1]], to: $0) }, .invalidInput),
        (try make("weights") { try write(["m.safetensors": [1, 2, 3]], to: $0) }, .invalidInput),
        (try make("v7") { _ in }, .invalidInput),
        (try make("a b") { _ in }, .invalidInput),
      ]
      for (url, expected) in bad {
        let error = failure { _ = try VersionImport.addBase(url, to: store) }
        #expect(error?.kind == expected, "\(url.lastPathComponent): \(error?.message ?? "none")")
      }
      let names = try store.read { try Model.list($0).map(\.name) }
      #expect(names == [])
      #expect(try Verification.run(store, full: true).faults == [])
    }
  }

  @Test func `a base is added once, and a missing parent stops a version before its model`() throws
  {
    try withWorkspace { store, folder in
      try addBase("base", to: store)
      try write(["a.txt": [1]], to: folder.appending(path: "base"))
      let error = failure {
        _ = try VersionImport.addBase(folder.appending(path: "base"), to: store)
      }
      #expect(error?.kind == .conflict)
      #expect(error?.hint?.hasPrefix("registry version add base") == true)
      var request = VersionImport.Request()
      request.model = "new"
      request.parents = [(try Reference("absent:1"), .finetune)]
      let missing = failure { _ = try VersionImport.addVersion(folder, request, to: store) }
      #expect(missing?.kind == .notFound)
      let names = try store.read { try Model.list($0).map(\.name) }
      #expect(names == ["base"])
    }
  }

  @Test func `facts tell tensors, types and the architecture`() throws {
    try withWorkspace { store, _ in
      var weights = SafetensorsFixture()
      weights.addNoise("a", [3, 4], seed: 1)
      weights.addNoise("b", [5], seed: 2)
      weights.add("c", "I64", [2], bytes: [UInt8](repeating: 1, count: 16))
      var files = modelFiles()
      files["model.safetensors"] = weights.file
      let facts = try VersionFacts(try addBase("base", files, to: store).version, store)
      #expect(facts.tensorCount == 3)
      #expect(facts.parameterCount == 19)
      #expect(facts.types.map(\.dtypeName) == ["F32", "I64"])
      #expect(facts.types.map(\.parameterCount) == [17, 2])
      #expect(facts.architecture == "BertModel")
      #expect(facts.modelType == "bert")
      #expect(facts.sizeBytes == Int64(files.values.reduce(0) { $0 + $1.count }))
      let odd = ["config.json": Array("{not json".utf8)]
      let none = try VersionFacts(try addBase("odd", odd, to: store).version, store)
      #expect(none.architecture == nil && none.tensorCount == 0 && none.types == [])
    }
  }

  @Test func `a cached folder is read-only, and made anew once somebody has written into it`()
    throws
  {
    try withWorkspace { store, _ in
      let version = try addBase("base", to: store).version
      func get() throws -> URL {
        try store.withContent { try VersionExport.cachedFolder(version, store) }
      }
      let folder = try get()
      #expect(try read(folder) == modelFiles())
      let config = folder.appending(path: "config.json")
      let mode = try FileManager.default.attributesOfItem(atPath: config.path)[.posixPermissions]
      #expect(mode as? Int == 0o444)
      #expect(try get() == folder)
      let spoils: [(URL) throws -> Void] = [
        { try FileManager.default.removeItem(at: $0.appending(path: "config.json")) },
        { try write(["extra": [1]], to: $0) },
        { folder in
          try FileManager.default.removeItem(at: folder.appending(path: "config.json"))
          try write(["config.json": Array("{\"architectures\":[\"Other___\"]}".utf8)], to: folder)
        },
      ]
      for spoil in spoils {
        try spoil(folder)
        #expect(try get() == folder)
        #expect(try read(folder) == modelFiles())
      }
      let names = try FileManager.default.contentsOfDirectory(
        atPath: folder.deletingLastPathComponent().path)
      #expect(names == [folder.lastPathComponent])
    }
  }
}

import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct BitFlipTests {
    /// `REGISTRY_TEST_FLIPS` makes more of each file.
    private static let flipCount =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_FLIPS"].flatMap(Int.init) ?? 60

    @Test(arguments: ["catalog.sqlite", "weights.sqlite"])
    func `a flipped bit never ends a command by a trap, and no wrong byte comes out`(
      file: String
    ) throws {
      let seed =
        ProcessInfo.processInfo.environment["REGISTRY_TEST_SEED"].flatMap(UInt64.init)
        ?? UInt64.random(in: 0...UInt64.max)
      var generator = SeededGenerator(seed: seed)
      try withTemporaryFolder { folder in
        try fill(folder)
        let store = folder.appending(path: ".registry")
        let sound = try Data(contentsOf: store.appending(path: file))
        // Most of the catalog's pages are empty, and a bit there says nothing.
        let places = sound.indices.filter { sound[$0] != 0 }
        for number in 1...Self.flipCount {
          let place = try #require(places.randomElement(using: &generator))
          let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
          let damaged = folder.appending(path: "damaged")
          try FileManager.default.copyItem(at: store, to: damaged)
          defer { try? FileManager.default.removeItem(at: damaged) }
          let handle = try FileHandle(forWritingTo: damaged.appending(path: file))
          try handle.seek(toOffset: UInt64(place))
          try handle.write(contentsOf: Data([sound[place] ^ bit]))
          try handle.close()
          try check(folder, "REGISTRY_TEST_SEED=\(seed) flip \(number): bit \(bit) of \(place)")
        }
      }
    }

    /// A store with each kind of row that the commands below read.
    private func fill(_ folder: URL) throws {
      try Product.succeed("init", in: folder)
      for seed in [UInt64(0), 1] {
        try Checkpoint.write(
          to: folder.appending(path: "sources/\(seed)"), seed: seed, count: 8192)
      }
      try Product.succeed("base", "add", "sources/0", "--name", "zoo", in: folder)
      try Product.succeed("version", "add", "zoo", "sources/1", "--parent", "zoo:1", in: folder)
      try Product.succeed("promote", "zoo:1", "--to", "prod", in: folder)
      try Product.succeed("fork", "zoo:1", "job", "--metric", "loss:min", in: folder)
      let script = """
        i=0; while [ $i -lt 600 ]; do echo "{\\"loss\\": $i.5}"; i=$((i+1)); done \
          > "$REGISTRY_METRICS"
        cp sources/1/* "$REGISTRY_OUTPUT_DIR"
        """
      try Product.succeed(
        "run", "job", "--name", "one", "--set", "lr=1", "-q", "--", "/bin/sh", "-c", script,
        in: folder)
    }

    private func check(_ folder: URL, _ story: String) throws {
      let target = folder.appending(path: "out")
      let commands = [
        ["verify"], ["verify", "--full"], ["version", "show", "zoo:2"], ["lineage", "job:2"],
        ["version", "export", "zoo:2", target.path], ["run", "ls"], ["run", "show", "one"],
        ["run", "show", "one", "--points", "loss"], ["compare", "zoo:1", "job:2"], ["du"],
        ["alias", "log", "zoo@prod"], ["event", "ls"], ["model", "ls"],
        ["backup", folder.appending(path: "copy").path],
      ]
      for command in commands {
        let outcome = try Product.start(
          command, in: folder,
          environment: ["REGISTRY_STORE": folder.appending(path: "damaged").path]
        ).finish()
        #expect(
          outcome.status < 128 && outcome.status != 1,
          "\(story): \(command) exits \(outcome.status): \(outcome.messages.prefix(500))")
        if outcome.status == 0, command.contains("export") {
          #expect(
            try Checkpoint.equal(target, folder.appending(path: "sources/1")),
            "\(story): \(command)")
        }
      }
      for name in ["out", "copy"] {
        try? FileManager.default.removeItem(at: folder.appending(path: name))
      }
    }
  }
}

import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct DiskTests {
    @Test func `a disk that takes no more is said so, and the store is whole afterwards`() throws {
      try withTemporaryFolder { folder in
        let witness = try Witness.start(folder)
        try Checkpoint.write(to: folder.appending(path: "next"), seed: 5, count: 1 << 18)
        // A limit on the size of files acts like a full disk; sh counts in blocks of 512 bytes.
        let limit = "trap '' XFSZ; ulimit -f"
        var refusals = 0
        for blocks in stride(from: 64, through: 4096, by: 448) {
          for command in ["version add zoo next", "run log hand a=1", "experiment add e\(blocks)"] {
            let outcome = try Product.shell(
              "\(limit) \(blocks); exec \"$REGISTRY\" \(command)", in: folder)
            guard outcome.status != 0, outcome.status != 3 else { continue }
            refusals += 1
            #expect(outcome.status == 8, "\(blocks) \(command): \(outcome.messages)")
            #expect(outcome.messages.hasPrefix("error: "), "\(blocks) \(command)")
          }
        }
        #expect(refusals > 3)
        #expect(try witness.exportEquals("zoo:1", folder.appending(path: "origin")))
        try witness.checkHealth("after a full disk")
        try Product.succeed("version", "add", "zoo", "next", in: folder)
      }
    }

    @Test func `a run whose store is full keeps its points for the next command`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let script = #"""
          ulimit -S -f unlimited; i=0
          while [ $i -lt 200000 ]; do echo "{\"a\": $i.$i, \"step\": $i}"; i=$((i+1)); done \
            >> "$REGISTRY_METRICS"
          """#
        try Data(script.utf8).write(to: folder.appending(path: "script"))
        // The log of the catalog has room for the run's start and not for its points.
        let outcome = try Product.shell(
          """
          trap '' XFSZ; size=$(wc -c < .registry/catalog.sqlite-wal)
          ulimit -S -f $((size / 512 + 320)); exec "$REGISTRY" run plain -q --name full -- sh script
          """, in: folder)
        #expect(outcome.status == 125, "\(outcome.messages)")
        #expect(outcome.messages.hasPrefix("error: the disk "), "\(outcome.messages)")
        try Product.succeed("experiment", "add", "afterwards", in: folder)
        let witness = Witness(folder: folder)
        #expect(try witness.points("full", "a").count == 200_000)
        let run = try Product.json("run", "show", "full", in: folder)["run"]
        #expect(run?["status"]?.string == "FINISHED")
        try witness.checkHealth("after a full disk under a run")
      }
    }
  }
}

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
        _ = try Witness.start(folder)
        let script = #"i=0; while [ $i -lt 20000 ]; do echo "{\"a\": $i, \"step\": $i}"; "#
          + #"i=$((i+1)); done >> "$REGISTRY_METRICS""#
        try Data(script.utf8).write(to: folder.appending(path: "script"))
        let outcome = try Product.shell(
          "trap '' XFSZ; ulimit -f 1024; exec \"$REGISTRY\" run job --name full -- sh script",
          in: folder)
        try Product.succeed("experiment", "add", "afterwards", in: folder)
        let points = try Witness(folder: folder).points("full", "a")
        let kept = try Product.json("run", "show", "full", in: folder)["run"]?["status"]?.string
        #expect([0, 125].contains(outcome.status), "\(outcome.messages)")
        #expect(kept != "RUNNING" && points.count == 20_000, "\(points.count) \(outcome.messages)")
        try Witness(folder: folder).checkHealth("after a full disk under a run")
      }
    }
  }
}

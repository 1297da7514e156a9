import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct ConcurrencyTests {
    private static let processCount = 16

    @Test func `sixteen first commands at once make one store`() throws {
      try withTemporaryFolder { folder in
        let all = try (0..<Self.processCount).map { _ in
          try Product.start(["init", "--json"], in: folder)
        }
        let outcomes = try all.map { try $0.finish() }
        for outcome in outcomes { #expect(outcome.status == 0 && outcome.messages.isEmpty) }
        let answers = try outcomes.map { try JSON.parse(Array($0.output)) }
        #expect(answers.count { $0["store"]?["isNew"] == .bool(true) } == 1)
        try Witness(folder: folder).checkHealth("after init")
      }
    }

    @Test func `sixteen processes log and register at once and none sees the others`() throws {
      try withTemporaryFolder { folder in
        let witness = try Witness.start(folder)
        let shared = try Product.succeed("run", "start", "job", "--name", "shared", in: folder)
          .text.trimmingCharacters(in: .newlines)
        let script = """
          set -e
          own=$("$REGISTRY" run start job -q --name "own-$WORKER")
          i=0; while [ $i -lt 4 ]; do
            "$REGISTRY" version add zoo "$SOURCES/$WORKER-$i" --parent zoo:1 --relation finetune \\
              --json > "version-$WORKER-$i"
            "$REGISTRY" run job -q --name "child-$WORKER-$i" -- \\
              /bin/sh -c 'echo loss=0.5' > "said-$WORKER"
            "$REGISTRY" run log "$own" loss=$i accuracy=0.$i --step $i
            "$REGISTRY" run log "$SHARED" loss=$WORKER
            "$REGISTRY" run tag "$SHARED" "tag$WORKER=$i" > /dev/null
            i=$((i+1))
          done
          "$REGISTRY" run finish "$own" > /dev/null
          """
        for worker in 0..<Self.processCount {
          for index in 0..<4 {
            try Checkpoint.write(
              to: folder.appending(path: "sources/\(worker)-\(index)"),
              seed: UInt64(worker * 4 + index + 1), count: 4096)
          }
        }
        let all = try (0..<Self.processCount).map { worker in
          try Product.startShell(
            script, in: folder,
            environment: [
              "WORKER": "\(worker)", "SHARED": shared,
              "SOURCES": folder.appending(path: "sources").path,
            ])
        }
        for outcome in try all.map({ try $0.finish() }) {
          #expect(outcome.status == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
        }
        try check(witness, shared)
      }
    }

    private func check(_ witness: Witness, _ shared: String) throws {
      let count = Self.processCount * 4
      let expected = (1...count + 1).map { "zoo:\($0)" }
      #expect(Set(try witness.versions(of: "zoo")) == Set(expected))
      var acknowledged: [String] = []
      for worker in 0..<Self.processCount {
        for index in 0..<4 {
          let answer = try JSON.parse(
            Array(Data(contentsOf: witness.folder.appending(path: "version-\(worker)-\(index)"))))
          let version = try #require(answer["version"]?["reference"]?.string)
          acknowledged.append(version)
          let source = witness.folder.appending(path: "sources/\(worker)-\(index)")
          #expect(try witness.exportEquals(version, source), "\(version) of \(source.path)")
        }
        let own = "own-\(worker)"
        #expect(try witness.points(own, "loss") == [0: 0, 1: 1, 2: 2, 3: 3])
        #expect(try witness.points(own, "accuracy").count == 4)
        for index in 0..<4 {
          #expect(try witness.points("child-\(worker)-\(index)", "loss") == [0: 0.5])
        }
      }
      #expect(Set(acknowledged).count == count && !acknowledged.contains("zoo:1"))
      let points = try witness.points(shared, "loss")
      #expect(Set(points.keys) == Set(0..<Int64(count)))
      for worker in 0..<Self.processCount {
        #expect(points.values.count { $0 == Double(worker) } == 4)
      }
      let runs = try Product.json("run", "ls", "--limit", "1000", in: witness.folder)["runs"]?.array
      #expect(runs?.count { $0["status"] == "FINISHED" } == Self.processCount * 5)
      try witness.checkHealth("after sixteen processes")
    }
  }
}

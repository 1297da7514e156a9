import Foundation
import Support
import Testing

extension TortureTests {
  @Suite struct UpkeepLoopTests {
    /// How long all go on beside each other; `REGISTRY_TEST_SECONDS` makes it longer or shorter.
    private static let seconds =
      ProcessInfo.processInfo.environment["REGISTRY_TEST_SECONDS"].flatMap(UInt32.init) ?? 60

    /// Each goes on until it is told to stop, and writes down how many rounds it made; each ends
    /// with an error, and so the test fails, at the first thing that is not as it must be.
    private static let scripts = [
      "import": """
      i=0; while [ ! -e stop ]; do
        source=sources/$((i % 8 + 1))
        "$REGISTRY" version add zoo $source --parent zoo:1 --relation finetune -q > added
        made=$(sed -n 's/^version  *//p' added)
        "$REGISTRY" version export "$made" "out-import-$i" -q > /dev/null
        diff -r $source "out-import-$i"; rm -r "out-import-$i"
        if [ $((i % 3)) != 0 ]; then "$REGISTRY" version rm "$made" -q > /dev/null; fi
        i=$((i+1))
      done
      """,
      "base": """
      i=0; while [ ! -e stop ]; do
        "$REGISTRY" version add other sources/$((i % 8 + 1)) -q > /dev/null
        "$REGISTRY" version rm "other:$((i + 1))" -q > /dev/null
        i=$((i+1))
      done
      """,
      "export": """
      i=0; while [ ! -e stop ]; do
        "$REGISTRY" version export zoo:$((i % 4 + 2)) out-export -q > /dev/null
        diff -r sources/$((i % 4 + 1)) out-export; rm -r out-export
        i=$((i+1))
      done
      """,
      "backup": """
      i=0; while [ ! -e stop ]; do
        "$REGISTRY" backup "backup-$i" -q > /dev/null
        "$REGISTRY" --store "backup-$i" verify --full -q > /dev/null
        "$REGISTRY" --store "backup-$i" version export zoo:5 out-backup -q > /dev/null
        diff -r sources/4 out-backup; rm -r out-backup "backup-$i"
        i=$((i+1))
      done
      """,
      "run": """
      i=0; while [ ! -e stop ]; do
        "$REGISTRY" run job -q -- sh -c 'cmp "$REGISTRY_BASE_DIR/model.safetensors" \
          origin/model.safetensors && cp sources/'$((i % 8 + 1))'/* "$REGISTRY_OUTPUT_DIR"' \
          > /dev/null
        i=$((i+1))
      done
      """,
      "gc": """
      i=0; while [ ! -e stop ]; do
        "$REGISTRY" gc -q > /dev/null
        i=$((i+1))
      done
      """,
      "compact": """
      i=0; while [ ! -e stop ]; do
        "$REGISTRY" compact -q > /dev/null
        i=$((i+1))
      done
      """,
    ]

    @Test func `nothing named is missing while gc, compact, import, export and backup go on`()
      throws
    {
      try withTemporaryFolder { folder in
        let witness = try Witness.start(folder)
        for index in 1...8 {
          let source = folder.appending(path: "sources/\(index)")
          try Checkpoint.write(to: source, seed: UInt64(index))
          guard index <= 4 else { continue }
          try Product.succeed("version", "add", "zoo", source.path, "--parent", "zoo:1", in: folder)
        }
        let all = try Self.scripts.map { name, script in
          (name, try Product.startShell("set -e\n\(script)\necho $i > rounds-\(name)", in: folder))
        }
        sleep(Self.seconds)
        try Data().write(to: folder.appending(path: "stop"))
        for (name, running) in all {
          let outcome = try running.finish()
          #expect(
            outcome.status == 0 && outcome.messages.isEmpty,
            "\(name): \(outcome.text) \(outcome.messages)")
          #expect(try rounds(name, folder) > 0, "\(name)")
        }
        #expect(try witness.versions(of: "job").count == rounds("run", folder) + 1)
        for index in 0...4 {
          let source = folder.appending(path: index == 0 ? "origin" : "sources/\(index)")
          #expect(try witness.exportEquals("zoo:\(index + 1)", source))
        }
        try witness.checkHealth("after the loops")
      }
    }

    private func rounds(_ name: String, _ folder: URL) throws -> Int {
      let text = try String(contentsOf: folder.appending(path: "rounds-\(name)"), encoding: .utf8)
      return try #require(Int(text.trimmingCharacters(in: .newlines)))
    }
  }
}

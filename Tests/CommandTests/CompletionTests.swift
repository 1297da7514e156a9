import Foundation
import Testing

/// What a shell offers at a cursor, asked of bash itself.
@Suite struct CompletionTests {
  /// What bash offers for a line with the cursor at its end, given the words as bash cuts them.
  private func offered(_ binary: Binary, _ line: String, cut words: [String]? = nil) throws
    -> [String]
  {
    let words =
      words ?? line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let script = """
      source <('\(Binary.path)' completion bash)
      COMP_WORDS=(\(words.map { "'\($0)'" }.joined(separator: " ")))
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE='\(line)' COMP_POINT=${#COMP_LINE}
      current=${COMP_WORDS[COMP_CWORD]}
      case $current in [:@=]) current= ;; esac
      _registry '\(Binary.path)' "$current" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let result = try Binary.run(
      "/bin/bash", ["-c", script], in: binary.folder, environment: binary.environment, input: "")
    #expect(result.status == 0 && result.errors.isEmpty, "\(line): \(result.errors)")
    return result.output.split(separator: "\n").map(String.init)
  }

  private func expect(
    _ binary: Binary, _ line: String, cut words: [String]? = nil, offers expected: [String]
  ) throws {
    let found = try offered(binary, line, cut: words)
    #expect(found == expected, "\(line)")
  }

  private func withModels(_ body: (Binary) throws -> Void) throws {
    try Binary.withStore { binary in
      try TinyModel.write(in: binary.folder)
      for line in [
        "base add tiny", "fork tiny reviews --metric val/f1:max",
        "run reviews --name first --set lr=1 -- sh train.sh child1 1",
        "promote reviews:2 --to prod", "experiment add plain",
      ] {
        let result = try binary.shell("registry \(line) -q")
        #expect(result.status == 0, "\(result.errors)")
      }
      try body(binary)
    }
  }

  @Test func `verbs, their options and those of all commands are offered`() throws {
    try withModels { binary in
      try expect(binary, "registry ver", offers: ["version", "verify"])
      try expect(binary, "registry version ex", offers: ["export"])
      try expect(binary, "registry --js", offers: ["--json"])
      try expect(binary, "registry --json mod", offers: ["model"])
      try expect(binary, "registry run ls --li", offers: ["--limit"])
      try expect(binary, "registry run reviews --fr", offers: ["--from", "--freeze"])
      try expect(binary, "registry run finish --status f", offers: ["finished", "failed"])
      try expect(binary, "registry promote reviews:2 --waive fr", offers: ["frozen"])
    }
  }

  @Test func `names come out of the store`() throws {
    try withModels { binary in
      let run = try #require(try binary.runIds().first)
      let all = try offered(binary, "registry run ")
      #expect(Set(["ls", "show", "reviews", "plain"]).isSubset(of: Set(all)))
      #expect(!all.contains("_"))
      try expect(binary, "registry model show ti", offers: ["tiny"])
      try expect(binary, "registry run show fi", offers: ["first"])
      try expect(binary, "registry run show \(run.prefix(4))", offers: ["\(run.prefix(6))"])
      try expect(binary, "registry run show first --plot v", offers: ["val/f1"])
      try expect(binary, "registry run ls --sort -va", offers: ["-val/f1"])
      try expect(binary, "registry promote reviews:2 --to p", offers: ["prod"])
      try expect(
        binary, "registry compare first reviews/", offers: ["reviews/best", "reviews/last"])
    }
  }

  @Test func `a reference goes on behind the signs at which bash cuts words`() throws {
    try withModels { binary in
      try expect(
        binary, "registry version show reviews:",
        cut: ["registry", "version", "show", "reviews", ":"], offers: ["1", "2"])
      try expect(
        binary, "registry version show reviews@p",
        cut: ["registry", "version", "show", "reviews", "@", "p"], offers: ["prod"])
      try expect(binary, "registry rollback reviews@p", offers: ["reviews@prod"])
      try expect(
        binary, "registry lineage --format=me",
        cut: ["registry", "lineage", "--format", "=", "me"], offers: ["mermaid"])
    }
  }

  @Test func `without a store, and inside another's command, nothing fails`() throws {
    try Binary.inFreshFolder { binary in
      try expect(binary, "registry model show ", offers: [])
      try expect(binary, "registry nonsense ", offers: [])
      try expect(binary, "registry run e -- pyth", offers: [])
      #expect(try binary.run(["__complete"]).status == 0)
      #expect(try binary.run(["__complete", "run", "e", "--", "x"]).status == 1)
    }
  }
}

import Catalog
import Storage
import Testing

@Suite struct VersionFileTests {
  @Test(arguments: [
    "a", "model.safetensors", "1_Pooling/config.json", "a/b/c/d", ".gitattributes", "a b",
    "ünïcode/日本", "...", "a..b", "..a", "a/.b", "-", "~", "C:", "con",
    String(repeating: "a", count: 255),
  ]) func `a plain relative path is a key`(path: String) throws {
    try VersionFile.checkPath(path)
  }

  @Test(arguments: [
    "", "/", "/a", "//a", "a/", "a//b", ".", "..", "./a", "a/.", "../a", "a/..", "a/../b", "a/./b",
    "a\\b", "..\\a", "a\0b", "a\nb", "\u{7F}", "a\u{85}b", "\t",
    String(repeating: "a", count: 256), String(repeating: "a/", count: 512) + "a",
  ]) func `a path that could leave its folder or disturb a listing is refused`(path: String) {
    #expect(kind { try VersionFile.checkPath(path) } == .invalidInput)
  }

  @Test func `files that cannot stand beside each other are refused`() throws {
    let bad = [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"], ["x", "a/b/c/d", "a"]]
    for paths in bad {
      #expect(kind { try VersionFile.check(paths.map { VersionFile($0) }) } == .invalidInput)
    }
    for paths in [
      ["a", "A"], ["a/b", "a/c", "ab"], ["a", "ab/c"], ["caf\u{E9}", "cafe\u{301}"],
    ] {
      try VersionFile.check(paths.map { VersionFile($0) })
    }
  }
}

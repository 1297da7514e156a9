import Storage
import Testing

@Suite struct Names {
  @Test(arguments: [
    "a", "7", "bert-tiny", "A.b_c-9", "org/name", "0.5", "version", "v", "v1x", "latest-2", "run",
  ])
  func `a plain name may be created and stored`(name: String) throws {
    try Name.checkNew(name, noun: "model")
    try Name.check(name, noun: "model")
  }

  @Test(arguments: [
    "my model", "a/b/c", "-x", ".x", "_x", "é", "a b/c", "/a", "a/", "latest", "best", "last", "v3",
    "v12", "org/v3", "org/best", "ls", "show", "log", "start", "finish", "scrape", "adopt", "rm",
    "tag", "set", "naïve",
  ])
  func `other tools' names may be stored but not created`(name: String) throws {
    try Name.check(name, noun: "model")
    #expect(throws: RegistryError.self) { try Name.checkNew(name, noun: "model") }
  }

  @Test(arguments: [
    "", "a:b", "a@b", "a^", "a~1", "a//b", "//", "a\nb", "\u{0}", "\u{7f}", "a\u{85}",
    String(repeating: "x", count: 256), String(repeating: "é", count: 128),
  ])
  func `what references need is in no stored name`(name: String) throws {
    do {
      try Name.check(name, noun: "model")
      Issue.record("accepted")
    } catch {
      #expect(error.kind == .invalidInput)
      #expect(error.message.contains("model"))
      #expect(!error.message.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
    #expect(throws: RegistryError.self) { try Name.checkNew(name, noun: "model") }
  }

  @Test func `a name of 255 bytes is stored`() throws {
    try Name.check(String(repeating: "x", count: 255), noun: "run")
  }
}

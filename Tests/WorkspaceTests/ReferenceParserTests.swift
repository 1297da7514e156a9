import Catalog
import Storage
import Support
import Testing
import Workspace

@Suite struct ReferenceParserTests {
  private typealias Subject = Reference.Subject

  @Test(arguments: [
    ("name", Subject.name("name")),
    ("org/name", .name("org/name")),
    ("a/b/c", .name("a/b/c")),
    ("My Model", .name("My Model")),
    ("ünïcode", .name("ünïcode")),
    ("7f3a", .name("7f3a")),
    ("brave-otter", .name("brave-otter")),
    ("sections/brave-otter", .name("sections/brave-otter")),
    ("bestest", .name("bestest")),
    ("latest", .name("latest")),
    ("v3", .name("v3")),
    ("3", .name("3")),
    ("models", .name("models")),
    ("name:3", .version(model: "name", number: 3)),
    ("name:v3", .version(model: "name", number: 3)),
    ("org/name:10", .version(model: "org/name", number: 10)),
    ("name:999999999999999999", .version(model: "name", number: 999_999_999_999_999_999)),
    ("name:latest", .model("name")),
    ("name@latest", .model("name")),
    ("name@prod", .alias(model: "name", name: "prod", back: 0)),
    ("org/name@prod", .alias(model: "org/name", name: "prod", back: 0)),
    ("name@prod~1", .alias(model: "name", name: "prod", back: 1)),
    ("name@prod~", .alias(model: "name", name: "prod", back: 1)),
    ("name@prod~0", .alias(model: "name", name: "prod", back: 0)),
    ("name@prod~12", .alias(model: "name", name: "prod", back: 12)),
    ("name@A_b-1", .alias(model: "name", name: "A_b-1", back: 0)),
    ("best", .best(task: nil)),
    ("last", .last(task: nil, back: 0)),
    ("last~2", .last(task: nil, back: 2)),
    ("last~", .last(task: nil, back: 1)),
    ("sections/best", .best(task: "sections")),
    ("org/sections/best", .best(task: "org/sections")),
    ("sections/last", .last(task: "sections", back: 0)),
    ("sections/last~2", .last(task: "sections", back: 2)),
    ("sha256:abcdef", .content("abcdef")),
    (
      "sha256:" + String(repeating: "0a", count: 32),
      .content(String(repeating: "0a", count: 32))
    ),
    ("models:/name", .model("name")),
    ("models:/name/3", .version(model: "name", number: 3)),
    ("models:/org/name/3", .version(model: "org/name", number: 3)),
    ("models:/name/latest", .model("name")),
    ("models:/name@prod", .alias(model: "name", name: "prod", back: 0)),
    ("models:/org/name", .model("org/name")),
    ("runs:/0123456789abcdef0123456789abcdef", .run("0123456789abcdef0123456789abcdef")),
    ("runs:/7F3A", .run("7f3a")),
    ("runs:/7f3a/", .run("7f3a")),
  ]) fileprivate func `a reference is read`(text: String, subject: Reference.Subject) throws {
    let reference = try Reference(text)
    #expect(reference.subject == subject)
    #expect(reference.parents == [])
    #expect(reference.path == nil)
    #expect(reference.text == text)
    guard case .content = subject else {
      guard !text.hasPrefix("runs:") else { return }
      for (suffix, parents) in [
        ("^", [1]), ("^1", [1]), ("^2", [2]), ("^^", [1, 1]), ("^2^^3", [2, 1, 3]),
      ] {
        let parent = try Reference(text + suffix)
        #expect(parent.subject == subject && parent.parents == parents.map(Int64.init))
        let file = try Reference(text + suffix + "//a/b.json")
        #expect(file.subject == subject && file.path == "a/b.json")
        #expect(file.parents == parents.map(Int64.init))
      }
      for path in ["config.json", "1_Pooling/config.json", "a b", "x^y~z@q:r", "ü"] {
        let file = try Reference(text + "//" + path)
        #expect(file.subject == subject && file.path == path && file.parents == [])
      }
      return
    }
  }

  @Test func `the path of a run's address is a file`() throws {
    let reference = try Reference("runs:/7f3a/model/config.json")
    #expect(reference.subject == .run("7f3a"))
    #expect(reference.path == "model/config.json")
  }

  private static let invalid = [
    "", ":", ":3", "@", "@prod", "^", "^2", "~", "//", "//a", "name:", "name:0", "name:-1",
    "name:+1", "name:03", "name:3x", "name:x", "name:v", "name:v0", "name:1.5", "name:3:4",
    "name: 3", "name:3 ", "name:1000000000000000000", "name:99999999999999999999999", "name:３",
    "name@", "name@a@b", "name@a b", "name@v3", "name@a.b", "name@prod~x", "name@prod~-1",
    "name@prod~01", "name@prod~1~2", "name@prod~~", "name@latest~1", "name@prod:3", "name:3@prod",
    "name~1", "name~", "best~1", "best~", "last~x", "last~1000000000000000000", "a/best~2",
    "name:3~1", "name^0", "name^-1", "name^x", "name^01", "name^1x", "name^1000000000000000000",
    "name:3^2~1", "na\nme", "na\0me", "\u{7F}", "na\tme:3", "name//", "name///a", "name//a//b",
    "name//../a", "name//a/../b", "name//./a", "name//a/", "name//a\\b", "name//a\nb",
    "a//b:3//c//d", "sha256:", "sha256:abc", "sha256:ABCDEF", "sha256:abcdeg", "sha256:abcdef^",
    "sha256:abcdef//a", "sha256:" + String(repeating: "a", count: 65), "models:/", "models:/@prod",
    "models://name", "models:/name@", "models:/^", "models:name/3", "runs:/", "runs:/abc",
    "runs:/xyzw", "runs:/" + String(repeating: "a", count: 33), "runs:/7f3a//a", "runs:/7f3a/../b",
    "runs:/7f3a/a/", "runs:/7f3a^", "/last~x", "/best", "/last", "^^^",
    "name" + String(repeating: "^", count: 101),
    String(repeating: "a", count: 256), String(repeating: "a", count: 256) + ":3",
    String(repeating: "a", count: 3000), "http://host/name", "s3://bucket/name", "file:///etc",
  ]

  @Test(arguments: invalid) func `a text that cannot be a reference is refused with a hint`(
    text: String
  ) {
    let error = failure { _ = try Reference(text) }
    #expect(error?.kind == .invalidInput)
    #expect(error?.message.utf8.count ?? .max < 600)
    #expect(
      error?.message.unicodeScalars.contains { $0.properties.generalCategory == .control } == false)
  }

  @Test(arguments: 1...20) func `any text is read or refused, never more`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "name", "a", ":", "@", "^", "~", "/", "//", "1", "2", "0", "v", "best", "last", "latest",
      "sha256:", "models:/", "runs:/", "abcdef", "..", ".", " ", "\\", "\u{E9}", "\n",
    ]
    for _ in 0..<2000 {
      let count = Int.random(in: 0...8, using: &generator)
      let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      do throws(RegistryError) {
        let reference = try Reference(text)
        #expect(reference.parents.allSatisfy { $0 > 0 }, "\(text), seed \(seed)")
        if let path = reference.path {
          #expect(throws: Never.self, "\(text), seed \(seed)") { try VersionFile.checkPath(path) }
        }
      } catch {
        #expect(error.kind == .invalidInput, "\(text), seed \(seed)")
      }
    }
  }
}

import Foundation
import Testing

/// The script at the top, with a checkout and a `swift` that are only made up.
@Suite struct LauncherTests {
  /// A made-up checkout; its `swift` counts builds and leaves a program that prints its arguments.
  private struct Checkout {
    let folder: URL
    let tools: URL

    var buildCount: Int {
      let log = try? String(contentsOf: tools.appending(path: "builds"), encoding: .utf8)
      return log?.split(separator: "\n").count ?? 0
    }

    func write(_ text: String, to path: String, isProgram: Bool = false) throws {
      let url = folder.appending(path: path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      guard isProgram else { return try Data(text.utf8).write(to: url) }
      // Another process writes it: a descriptor of ours could be in a child that some other test
      // has just forked, and a file that is open for writing cannot be run.
      let source = url.appendingPathExtension("text")
      try Data(text.utf8).write(to: source)
      _ = try Binary.run(
        "/bin/cp", [source.path, url.path], in: folder, environment: [:], input: "")
      chmod(url.path, 0o755)
    }

    func launch(
      _ path: String? = nil, from place: URL? = nil, path search: String? = nil
    ) throws -> Binary.Result {
      try Binary.run(
        path ?? folder.appending(path: "registry").path, ["a b", "--c"], in: place ?? folder,
        environment: ["PATH": search ?? "\(tools.path):/usr/bin:/bin"], input: "")
    }
  }

  private func withCheckout(
    build: String = "exit 0", _ body: (Checkout) throws -> Void
  ) throws {
    try Binary.inFreshFolder { binary in
      let checkout = Checkout(
        folder: binary.folder.appending(path: "a check out"),
        tools: binary.folder.appending(path: "tools"))
      try FileManager.default.createDirectory(
        at: checkout.tools, withIntermediateDirectories: true)
      let script = try String(
        contentsOf: Binary.root.appending(path: "registry"), encoding: .utf8)
      try checkout.write(script, to: "registry", isProgram: true)
      try checkout.write("", to: "Package.swift")
      try checkout.write("", to: "Sources/Room/Room.swift")
      try checkout.write("", to: "schema/Schema.swift")
      try checkout.write(
        """
        #!/bin/sh
        echo build >> '\(checkout.tools.path)/builds'
        \(build)
        """, to: "../tools/swift", isProgram: true)
      try body(checkout)
    }
  }

  private static let leavesProgram = """
    mkdir -p "$3/.build/release"
    printf '#!/bin/sh\\nprintf "<%%s>" "$@"\\n' > "$3/.build/release/registry"
    chmod +x "$3/.build/release/registry"
    """

  @Test func `it builds once, and again only when a source is newer`() throws {
    try withCheckout(build: Self.leavesProgram) { checkout in
      let first = try checkout.launch()
      #expect(first.output == "<a b><--c>")
      #expect(first.errors.contains("building"))
      let second = try checkout.launch()
      #expect(second.output == "<a b><--c>" && second.errors.isEmpty)
      #expect(checkout.buildCount == 1)
      for path in ["Package.swift", "Sources/Room/New.swift", "schema/Schema.swift"] {
        let count = checkout.buildCount
        try checkout.write("// newer", to: path)
        let later = Date(timeIntervalSinceNow: 5)  // some file systems count whole seconds
        try FileManager.default.setAttributes(
          [.modificationDate: later], ofItemAtPath: checkout.folder.appending(path: path).path)
        #expect(try checkout.launch().status == 0)
        #expect(checkout.buildCount == count + 1, "\(path)")
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: -60)],
          ofItemAtPath: checkout.folder.appending(path: path).path)
      }
    }
  }

  @Test func `it works through a link and from another folder`() throws {
    try withCheckout(build: Self.leavesProgram) { checkout in
      let link = checkout.tools.appending(path: "reg")
      try FileManager.default.createSymbolicLink(
        atPath: link.path, withDestinationPath: "../a check out/registry")
      #expect(try checkout.launch(link.path, from: checkout.tools).output == "<a b><--c>")
      #expect(checkout.buildCount == 1)
    }
  }

  @Test func `a build that fails says so and is tried again`() throws {
    try withCheckout(build: "exit 1") { checkout in
      for _ in 1...2 {
        let result = try checkout.launch()
        #expect(result.status == 1)
        #expect(result.errors.contains("the build failed"))
        #expect(result.output.isEmpty)
      }
      #expect(checkout.buildCount == 2)
      let left = try FileManager.default.contentsOfDirectory(
        atPath: checkout.folder.appending(path: ".build").path)
      #expect(left.isEmpty)
    }
  }

  @Test func `without Swift it says what is missing`() throws {
    try withCheckout { checkout in
      let result = try checkout.launch(path: "/usr/bin:/bin")
      let hasSwift = ["/usr/bin/swift", "/bin/swift"].contains {
        FileManager.default.fileExists(atPath: $0)
      }
      if !hasSwift {
        #expect(result.status == 1)
        #expect(result.errors.contains("Swift"))
      }
    }
  }
}

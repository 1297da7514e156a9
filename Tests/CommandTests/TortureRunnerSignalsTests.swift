import Foundation
import Storage
import Support
import Testing

extension TortureTests {
  @Suite struct RunnerSignalsTests {
    /// Every script notes its processes first and says when it may be disturbed.
    private static let opening = """
      echo $$ >> processes; echo $PPID >> processes
      echo '{"before": 1, "step": 0}' >> "$REGISTRY_METRICS"

      """
    /// Sleeps in small steps, so that a shell that ignores a signal stays, and nothing outlives it long.
    private static let patience = "i=0; while [ $i -lt 6000 ]; do sleep 0.1; i=$((i+1)); done"

    private struct Ending {
      var status: Int32
      var state: String
      var reason: String?
      var outcome: Product.Outcome
    }

    /// Runs a script, disturbs the runner once the script is ready, and checks what is left.
    private func run(
      _ script: String, in folder: URL,
      disturb: (Product.Running) throws -> Void = { _ in }
    ) throws -> Ending {
      try Product.succeed("init", in: folder)
      try Product.succeed("experiment", "add", "plain", in: folder)
      let running = try Product.start(
        ["run", "plain", "--name", "it", "--", "/bin/sh", "-c", Self.opening + script], in: folder)
      try disturb(running)
      let outcome = try running.finish()
      let processes = Product.processes(folder.appending(path: "processes"))
      #expect(processes.count >= 2)
      #expect(Product.waits { !processes.contains(where: Product.isAlive) }, "\(processes)")
      // The next command that writes settles a run whose runner is gone.
      try Product.succeed("experiment", "add", "afterwards", in: folder)
      let run = try Product.json("run", "show", "it", in: folder)["run"]
      let witness = Witness(folder: folder)
      #expect(try witness.points("it", "before") == [0: 1])
      try witness.checkHealth("\(script)")
      return Ending(
        status: outcome.status, state: run?["status"]?.string ?? "",
        reason: run?["reason"]?.string, outcome: outcome)
    }

    private func waitUntilReady(_ folder: URL) {
      let ready = folder.appending(path: "ready").path
      #expect(Product.waits { FileManager.default.fileExists(atPath: ready) })
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `one signal ends the child, and the run is killed`(signal: Int32) throws {
      try withTemporaryFolder { folder in
        let ending = try run("touch ready; sleep 600", in: folder) { runner in
          waitUntilReady(folder)
          runner.send(signal)
        }
        #expect(ending.status == 128 + signal && ending.state == "KILLED")
      }
    }

    @Test func `a second Ctrl-C ends a child that ignores the first`() throws {
      try withTemporaryFolder { folder in
        let script = "trap 'touch asked' INT TERM; touch ready; " + Self.patience
        let ending = try run(script, in: folder) { runner in
          waitUntilReady(folder)
          runner.send(SIGINT)
          let asked = folder.appending(path: "asked").path
          #expect(Product.waits { FileManager.default.fileExists(atPath: asked) })
          runner.send(SIGINT)
        }
        #expect(ending.status == 128 + SIGINT && ending.state == "KILLED")
      }
    }

    @Test func `a child that ignores TERM is killed, with what it started`() throws {
      try withTemporaryFolder { folder in
        let script = """
          trap '' TERM INT HUP; (setsid sh -c 'echo $$ >> processes; exec sleep 600' &)
          touch ready; \(Self.patience)
          """
        let ending = try run(script, in: folder) { runner in
          waitUntilReady(folder)
          runner.send(SIGTERM)
        }
        #expect(ending.status == 128 + SIGTERM && ending.state == "KILLED")
      }
    }

    @Test func `a killed runner leaves no process, and the next command settles its run`() throws {
      try withTemporaryFolder { folder in
        let script = """
          trap '' HUP INT; (setsid sh -c 'echo $$ >> processes; exec sleep 600' &)
          echo '{"last": 7, "step": 3}' >> "$REGISTRY_METRICS"; echo the last words
          touch ready; \(Self.patience)
          """
        let ending = try run(script, in: folder) { runner in
          waitUntilReady(folder)
          runner.send(SIGKILL)
        }
        #expect(ending.status == 128 + SIGKILL)
        #expect(ending.state == "FAILED" && ending.reason == "lost")
        #expect(try Witness(folder: folder).points("it", "last") == [3: 7])
        let output = try Product.succeed("run", "show", "it", "--output", in: folder)
        #expect(output.text == "the last words\n")
      }
    }

    @Test func `a killed runner's child that ignores TERM is killed after it`() throws {
      try withTemporaryFolder { folder in
        let ending = try run("trap '' TERM; touch ready; " + Self.patience, in: folder) { runner in
          waitUntilReady(folder)
          runner.send(SIGKILL)
        }
        #expect(ending.state == "FAILED" && ending.reason == "lost")
      }
    }

    @Test func `a child that closes its output goes on, and a daemon of it ends with it`() throws {
      try withTemporaryFolder { folder in
        let script = """
          (setsid sh -c 'echo $$ >> processes; touch daemon; exec sleep 600' > /dev/null 2>&1 &)
          exec > /dev/null 2>&1 <&-; exec >&- 2>&-
          while [ ! -e daemon ]; do sleep 0.05; done; sleep 0.3
          echo '{"late": 2, "step": 1}' >> "$REGISTRY_METRICS"; exit 3
          """
        let ending = try run(script, in: folder)
        #expect(ending.status == 3 && ending.state == "FAILED" && ending.reason == nil)
        #expect(try Witness(folder: folder).points("it", "late") == [1: 2])
      }
    }

    @Test func `a killed guard's descendants end with it, whatever is in their environment`() throws
    {
      try withTemporaryFolder { folder in
        let script = """
          env -i PATH="$PATH" setsid sh -c 'echo $$ >> processes; touch daemon; exec sleep 600' &
          while [ ! -e daemon ]; do sleep 0.05; done; kill -9 $PPID; \(Self.patience)
          """
        let ending = try run(script, in: folder)
        #expect(ending.status == 125 && ending.state == "FAILED" && ending.reason == "lost")
      }
    }

    @Test func `a command that has a lost run's id does not end itself when it settles the run`()
      throws
    {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let script = """
          runner=$(cut -d ' ' -f 4 /proc/$PPID/stat); sleep 600 & echo $! > processes
          kill -9 $runner $PPID; i=0
          until "$REGISTRY" run ls --json | grep -q '"lost"' && [ $i -gt 0 ]; do
            "$REGISTRY" experiment add next$i > /dev/null 2>&1 || exit 9
            i=$((i+1))
          done
          echo on > went
          """
        let outcome = try Product.start(
          ["run", "plain", "--", "/bin/sh", "-c", script], in: folder,
          environment: ["REGISTRY": Product.binary.path]
        ).finish()
        #expect(outcome.status == 128 + SIGKILL)
        let went = folder.appending(path: "went").path  // by the child, which outlives the runner
        #expect(Product.waits { FileManager.default.fileExists(atPath: went) })
        let run = try Product.json("run", "show", "plain/last", in: folder)["run"]
        #expect(run?["status"] == "FAILED" && run?["reason"] == "lost")
        let processes = Product.processes(folder.appending(path: "processes"))
        #expect(Product.waits { !processes.contains(where: Product.isAlive) })
      }
    }

    @Test func `closed standard descriptors damage nothing, and others reach the command`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let script = "cat <&3; cat <&4; cat; exit 3"
        let outcome = try Product.shell(
          """
          echo three > 3; echo four > 4
          "$REGISTRY" run plain --name closed -- /bin/sh -c '\(script)' 3< 3 4< 4 <&- >&- 2>&-
          """, in: folder)
        #expect(outcome.status == 3)
        let output = try Product.succeed("run", "show", "closed", "--output", in: folder)
        #expect(output.text == "three\nfour\n")
        try Witness(folder: folder).checkHealth("after closed descriptors")
      }
    }

    @Test func `files that are in no commit are counted beside it`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let made = try Product.shell(
          """
          git init -q . && echo a > a && git add a &&
          git -c user.name=n -c user.email=e commit -qm one
          """, in: folder)
        #expect(made.status == 0, "\(made.messages)")
        func tree() throws -> String {
          try Product.succeed("run", "plain", "-q", "--", "true", in: folder)
          let shown = try Product.succeed("run", "show", "plain/last", in: folder).text
          return shown.split(separator: "\n").first { $0.contains("commit ") }.map(String.init)
            ?? ""
        }
        #expect(try tree().hasSuffix(", clean"))
        for name in ["b", "c"] { try Data().write(to: folder.appending(path: name)) }
        #expect(try tree().hasSuffix(", 2 untracked files"))
      }
    }

    @Test(arguments: [
      ("exit 0", 0, "FINISHED"), ("exit 1", 1, "FAILED"), ("exit 3", 3, "FAILED"),
      ("exit 255", 255, "FAILED"), ("kill -9 $$", 137, "FAILED"), ("kill -SEGV $$", 139, "FAILED"),
      ("kill -TERM $$", 143, "FAILED"),
    ])
    func `the child's own end is passed through`(
      script: String, status: Int32, state: String
    ) throws {
      try withTemporaryFolder { folder in
        let ending = try run(script, in: folder)
        #expect(ending.status == status && ending.state == state)
      }
    }

    @Test func `what cannot be run makes no run and has the wrapper's own status`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        try Data("no program".utf8).write(to: folder.appending(path: "text"))
        let cases: [([String], Int32)] = [
          (["run", "plain", "--", "no-such-command-here"], 127),
          (["run", "plain", "--", "./missing"], 127), (["run", "plain", "--", "./text"], 126),
          (["run", "plain", "--", "/"], 126), (["run", "other", "--", "true"], 125),
          (["run", "plain", "--from", "nothing:1", "--", "true"], 125),
          (["run", "plain"], 2),
        ]
        for (arguments, status) in cases {
          let outcome = try Product.start(arguments, in: folder).finish()
          #expect(outcome.status == status, "\(arguments): \(outcome.messages)")
          #expect(outcome.messages.contains("error: "), "\(arguments): \(outcome.messages)")
        }
        #expect(try Product.json("run", "ls", in: folder)["runs"]?.array?.isEmpty == true)
        try Witness(folder: folder).checkHealth("after what cannot be run")
      }
    }

    @Test func `a signal while the output is stored is answered, and the output is stored`() throws
    {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let script =
          "yes 'a line of a log' | head -c 300000000; echo ${REGISTRY_METRICS%/*} > place"
        let running = try Product.start(
          ["run", "plain", "--no-scrape", "--", "/bin/sh", "-c", script], in: folder)
        #expect(
          Product.waits {
            let place = try? String(contentsOf: folder.appending(path: "place"), encoding: .utf8)
            guard let place, place.hasSuffix("\n") else { return false }
            return FileManager.default.fileExists(atPath: place.dropLast() + "/exit")
          })
        running.send(SIGTERM)
        let outcome = try running.finish()
        #expect(outcome.status == 0 && outcome.messages.contains("is being stored"))
        #expect(outcome.output.count == 300_000_000)
        let run = try Product.json("run", "show", "plain/last", in: folder)["run"]
        #expect(run?["status"] == "FINISHED")
      }
    }

    @Test func `large output is kept whole in little memory`() throws {
      try withTemporaryFolder { folder in
        try Product.succeed("init", in: folder)
        try Product.succeed("experiment", "add", "plain", in: folder)
        let megabytes = 300
        let lines = "yes 'a line of a long log 1234567890 with nothing to find in it at all ok'"
        let make = "\(lines) | head -c \(megabytes << 20)"
        let (outcome, peak) = try Product.start(
          ["run", "plain", "-q", "--name", "long", "--", "/bin/sh", "-c", make], in: folder
        ).finishWithMemory()
        #expect(outcome.status == 0, "\(outcome.messages)")
        if let peak { #expect(peak <= 128 << 20, "\(peak) bytes of memory") }
        let same = try Product.shell(
          """
          "$REGISTRY" run show long --output > kept && test $(wc -c < kept) = \(megabytes << 20) &&
          \(make) | cmp - kept
          """, in: folder)
        #expect(same.status == 0, "\(same.text) \(same.messages)")
      }
    }
  }
}

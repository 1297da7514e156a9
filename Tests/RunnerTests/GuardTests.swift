import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking

extension ProcessTests {
  @Suite struct GuardTests {
    @Test func `daemons that a child leaves behind are ended with it`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let script = """
        setsid sh -c 'echo $$ > "$REGISTRY_OUTPUT_DIR/a"; exec sleep 1000' &
        (setsid sh -c 'trap "" TERM; echo $$ > "$REGISTRY_OUTPUT_DIR/b"; exec sleep 1000' &) &
        while [ ! -s "$REGISTRY_OUTPUT_DIR/a" ] || [ ! -s "$REGISTRY_OUTPUT_DIR/b" ]; do
          sleep 0.05
        done
        exit 5
        """
      let outcome = try await runs.sh(script)
      #expect(outcome.exitStatus == 5)
      let run = try #require(outcome.run)
      let files = try runs.store.read { db in try run.artifacts(db) }
      #expect(files.map(\.path) == ["a", "b"])
      for file in files {
        let process = String(decoding: try runs.content(file.digest), as: UTF8.self)
        #expect(!Runs.isAlive(process), "process \(process) of \(file.path)")
      }
    }

    @Test func `an interrupt ends the child and the run is killed`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        echo '{"a": 1}' >> "$REGISTRY_METRICS"; printf x > "$REGISTRY_OUTPUT_DIR/file"
        kill -INT \(getpid()); sleep 1000
        """)
      #expect(outcome.exitStatus == 128 + SIGINT)
      let run = try #require(outcome.run)
      #expect(run.status == .killed && run.usage.exitSignal == SIGTERM)
      #expect(try runs.points(run, "a").count == 1)
      #expect(try runs.store.read { db in try run.artifacts(db) }.map(\.path) == ["file"])
    }

    @Test func `a second interrupt kills a child that ignores the first`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        trap 'kill -TERM \(getpid())' TERM; kill -TERM \(getpid())
        i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done
        """)
      #expect(outcome.exitStatus == 128 + SIGTERM)
      #expect(outcome.run?.status == .killed && outcome.run?.usage.exitSignal == SIGKILL)
    }

    @Test func `a child that ignores the end is killed after the patience`() async throws {
      let runs = try Runs()
      defer { runs.close() }
      let outcome = try await runs.sh(
        """
        trap '' TERM; kill -HUP \(getpid())
        i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done
        """
      )
      #expect(outcome.exitStatus == 128 + SIGHUP)
      #expect(outcome.run?.status == .killed && outcome.run?.usage.exitSignal == SIGKILL)
    }
  }
}

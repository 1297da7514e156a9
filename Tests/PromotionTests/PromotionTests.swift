import Catalog
import GRDB
import Promotion
import Storage
import Support
import Testing
import Workspace

@Suite struct PromotionTests {
  private func kind(_ body: () throws -> Void) -> RegistryError.Kind? {
    do {
      try body()
      return nil
    } catch {
      return (error as? RegistryError)?.kind
    }
  }

  @Test func `a version that passes holds the alias, with row, event and alias log`() throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned(f1: 0.8, freeze: [])
      let decision = try Promotion.promote(version, to: "prod", note: "first", in: fixture.store)
      #expect(decision.outcome == .promoted)
      #expect(decision.refusal(of: version) == nil)
      #expect(try fixture.holder("prod") == version.id)
      try fixture.store.read { db in
        let model = try Model.get("sections", db)
        #expect(try model.aliasLog("prod", db).map(\.number) == [version.number])
        let stored = try #require(try Promotion.list(of: model, alias: "prod", db).first)
        #expect(stored.gates == decision.gates)
        #expect(stored.note == "first")
        let event = try #require(
          try Event.list(subject: "sections:2", kinds: ["promotion.add"], db).first)
        #expect(event.sequence == decision.eventSequence)
        let detail = try JSON.parse(Array(event.detail.utf8))
        #expect(detail["gates"]?.array?.count == Gate.allCases.count)
        #expect(detail["gates"]?.array?.last?["evidence"]?["value"]?.double == 0.8)
        #expect(try Event.faults(db).isEmpty)
      }
    }
  }

  @Test func `a refusal moves nothing, is recorded with all evidence and names its gates`() throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned()
      let decision = try Promotion.promote(version, to: "prod", in: fixture.store)
      #expect(decision.outcome == .refused)
      #expect(try fixture.holder("prod") == nil)
      let error = try #require(decision.refusal(of: version))
      #expect(error.kind == .refused)
      #expect(error.message.contains("gate metric: f1 is not present on sections:2"))
      #expect(error.hint?.contains("--waive metric --reason") == true)
      try fixture.store.read { db in
        let events = try Event.list(kinds: ["promotion.refuse"], db)
        #expect(events.count == 1)
        #expect(try Promotion.list(of: version, db).map(\.outcome) == [.refused])
        #expect(try Event.faults(db).isEmpty)
      }
    }
  }

  @Test func `a waived failure promotes and the reason is kept`() throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned()
      let waiver = try Promotion.Waiver("metric", reason: "evaluated by hand")
      let decision = try Promotion.promote(
        version, to: "prod", waivers: [waiver], in: fixture.store)
      #expect(decision.outcome == .promoted)
      #expect(decision.gates.first { $0.gate == .metric }?.outcome == .waived)
      let stored = try fixture.store.read { try Promotion.list(of: version, $0) }
      #expect(stored.first?.waivers == [waiver])
    }
  }

  @Test func `a waiver of one gate does not excuse another, and what passes is not waived`() throws
  {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned()
      let waiver = try Promotion.Waiver("finite", reason: "not needed")
      let decision = try Promotion.promote(
        version, to: "prod", waivers: [waiver], in: fixture.store)
      #expect(decision.outcome == .refused)
      #expect(decision.gates.first { $0.gate == .finite }?.outcome == .ok)
    }
  }

  @Test func `a waiver needs a gate that exists and a reason`() {
    #expect(kind { _ = try Promotion.Waiver("retention", reason: "x") } == .invalidInput)
    #expect(kind { _ = try Promotion.Waiver("metric", reason: " \n") } == .invalidInput)
  }

  @Test func `a gate waived twice is refused and nothing is recorded`() throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned()
      let waivers = try ["by hand", "again"].map { try Promotion.Waiver("metric", reason: $0) }
      let found = kind {
        _ = try Promotion.promote(version, to: "prod", waivers: waivers, in: fixture.store)
      }
      #expect(found == .invalidInput)
      #expect(try fixture.holder("prod") == nil)
      #expect(try fixture.store.read { try Promotion.list(of: version, $0).isEmpty })
    }
  }

  @Test(arguments: [
    "evidence = '{'", "evidence = '{}'", "evidence = '[{}]'", "waivers = '{\"a\":1,\"a\":1}'",
    "waivers = '{\"metric\":\"\"}'", "waivers = '{\"none\":\"x\"}'",
  ]) func `damaged evidence is corrupt, and verify tells of it`(change: String) throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned(f1: 0.8)
      _ = try Promotion.promote(version, to: "prod", in: fixture.store)
      try fixture.store.write { try $0.execute(sql: "UPDATE promotion SET \(change)") }
      #expect(
        kind { _ = try fixture.store.read { try Promotion.list(of: version, $0) } } == .corrupt)
      let found = try Verification.run(fixture.store, full: false, decisions: Promotion.faults)
      #expect(found.faults.map(\.message) == ["its evidence is damaged"])
    }
  }

  @Test func `only what was waived in truth is shown as waived`() throws {
    try TaskFixture.with { fixture in
      let waivers = try ["finite", "metric"].map { try Promotion.Waiver($0, reason: "known") }
      let decision = try Promotion.promote(
        try fixture.tuned(), to: "prod", waivers: waivers, in: fixture.store)
      #expect(decision.waivers == waivers)
      #expect(decision.usedWaivers == [waivers[1]])
    }
  }

  @Test(arguments: [
    "UPDATE promotion SET outcome = 'refused' WHERE id = 1",
    "UPDATE promotion SET outcome = 'promoted' WHERE id = 2",
    "UPDATE promotion SET alias = 'other' WHERE id = 1",
    "UPDATE promotion SET note = 'other' WHERE id = 1",
    "UPDATE promotion SET versionId = 1 WHERE id = 1",
    "UPDATE promotion SET modelId = 1 WHERE id = 3",
    "UPDATE promotion SET previousVersionId = NULL WHERE id = 4",
    "UPDATE promotion SET createdAt = 5 WHERE id = 1",
    "UPDATE promotion SET eventSequence = 1 WHERE id = 1",
    "UPDATE promotion SET waivers = '{\"metric\":\"other\"}' WHERE id = 1",
    "UPDATE promotion SET evidence = replace(evidence, '\"ok\"', '\"fail\"') WHERE id = 1",
    "DELETE FROM promotion WHERE id = 2",
    """
    INSERT INTO promotion SELECT 9, kind, modelId, alias, versionId, previousVersionId, outcome,
      evidence, waivers, note, eventSequence, createdAt FROM promotion WHERE id = 1
    """,
  ]) func `a forged decision is found by holding it against its event`(sql: String) throws {
    try TaskFixture.with { fixture in
      let (first, second) = (try fixture.tuned(f1: 0.8), try fixture.tuned(f1: 0.9))
      _ = try Promotion.promote(first, to: "prod", note: "first", in: fixture.store)
      let removed = try fixture.tuned()
      _ = try Promotion.promote(removed, to: "prod", in: fixture.store)
      let waiver = try Promotion.Waiver("metric", reason: "tried")
      let gone = try fixture.tuned()
      _ = try Promotion.promote(gone, to: "gone", waivers: [waiver], in: fixture.store)
      _ = try Promotion.promote(second, to: "prod", in: fixture.store)
      try fixture.store.write { db in
        _ = try Alias.unset("gone", of: try Model.get("sections", db), db)
        for version in [removed, gone] { try version.remove(db) }
      }
      func faults() throws -> [Verification.Fault] {
        try Verification.run(fixture.store, full: false, decisions: Promotion.faults).faults
      }
      #expect(try faults() == [])
      try fixture.store.write { try $0.execute(sql: sql) }
      #expect(try !faults().isEmpty)
    }
  }

  @Test(arguments: [0.1, nil]) func `a version removed meanwhile leaves no decision`(
    f1: Double?
  ) throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned(f1: f1)
      let before = try fixture.store.read { try Event.list($0).count }
      let error = #expect(throws: RegistryError.self) {
        _ = try Promotion.promote(
          version, to: "prod", in: fixture.store,
          beforeMove: { try fixture.store.write { try version.remove($0) } })
      }
      #expect(error?.kind == .notFound && error?.message == "sections:2 was removed")
      #expect(try fixture.store.read { try Event.list($0).count } == before + 1)
      let again = #expect(throws: RegistryError.self) {
        _ = try Promotion.promote(version, to: "prod", in: fixture.store)
      }
      #expect(again?.message == "sections:2 was removed")
    }
  }

  @Test func `promoting the holder again changes and records nothing`() throws {
    try TaskFixture.with { fixture in
      let version = try fixture.tuned(f1: 0.8)
      _ = try Promotion.promote(version, to: "prod", in: fixture.store)
      let before = try fixture.store.read { try Event.list($0).count }
      let again = try Promotion.promote(version, to: "prod", in: fixture.store)
      #expect(again.outcome == .unchanged)
      #expect(again.eventSequence == nil)
      #expect(try fixture.store.read { try Event.list($0).count } == before)
    }
  }

  @Test func `a holder that changed between judgement and move is a conflict and nothing moves`()
    throws
  {
    try TaskFixture.with { fixture in
      let rival = try fixture.tuned(f1: 0.7)
      let version = try fixture.tuned(f1: 0.8)
      let found = kind {
        _ = try Promotion.promote(
          version, to: "prod", in: fixture.store,
          beforeMove: {
            try fixture.store.write { _ = try Alias.put("prod", on: rival, $0) }
          })
      }
      #expect(found == .conflict)
      #expect(try fixture.holder("prod") == rival.id)
      #expect(try fixture.store.read { try Promotion.list(of: version, $0).isEmpty })
    }
  }

  @Test func `a bad alias is refused before anything is judged`() throws {
    try TaskFixture.with { fixture in
      var judged = false
      let version = try fixture.tuned(f1: 0.8)
      let found = kind {
        _ = try Promotion.promote(
          version, to: "v3", in: fixture.store, progress: { _, _ in judged = true })
      }
      #expect(found == .invalidInput)
      #expect(!judged)
    }
  }

  @Test func `rollback walks back through those who held before, then is refused`() throws {
    try TaskFixture.with { fixture in
      let versions = try [0.6, 0.7, 0.8].map { try fixture.tuned(f1: $0) }
      for version in versions {
        #expect(try Promotion.promote(version, to: "prod", in: fixture.store).outcome == .promoted)
      }
      let model = try fixture.store.read { try Model.get("sections", $0) }
      for earlier in [versions[1], versions[0]] {
        let decision = try Promotion.rollback("prod", of: model, note: "worse", in: fixture.store)
        #expect(decision.versionId == earlier.id)
        #expect(try fixture.holder("prod") == earlier.id)
      }
      #expect(kind { _ = try Promotion.rollback("prod", of: model, in: fixture.store) } == .refused)
      #expect(
        kind { _ = try Promotion.rollback("none", of: model, in: fixture.store) } == .notFound)
      try fixture.store.read { db in
        let rows = try Promotion.list(of: model, alias: "prod", db)
        #expect(rows.map(\.kind) == [.promote, .promote, .promote, .rollback, .rollback])
        #expect(rows.last?.previousVersionId == versions[1].id)
        #expect(try Event.list(kinds: ["promotion.rollback"], db).count == 2)
        #expect(try Event.faults(db).isEmpty)
      }
    }
  }

  @Test func `after a rollback a version is judged against the one that holds now`() throws {
    try TaskFixture.with { fixture in
      let versions = try [0.6, 0.8].map { try fixture.tuned(f1: $0) }
      for version in versions { _ = try Promotion.promote(version, to: "prod", in: fixture.store) }
      let model = try fixture.store.read { try Model.get("sections", $0) }
      _ = try Promotion.rollback("prod", of: model, in: fixture.store)
      let next = try fixture.tuned(f1: 0.7)
      #expect(try Promotion.promote(next, to: "prod", in: fixture.store).outcome == .promoted)
      _ = try Promotion.rollback("prod", of: model, in: fixture.store)
      #expect(try fixture.holder("prod") == versions[0].id)
    }
  }

  @Test func `damaged weights are corrupt and not merely refused`() throws {
    try TaskFixture.with { fixture in
      let file = VersionFile(
        path: "model.safetensors", digest: Digest(of: [1, 2, 3]), sizeBytes: 3)
      let version = try fixture.store.write { db in
        try Version.add(Version.Content(files: [file]), to: Model.get("sections", db), db)
      }
      #expect(
        kind { _ = try Promotion.promote(version, to: "prod", in: fixture.store) } == .corrupt)
    }
  }
}

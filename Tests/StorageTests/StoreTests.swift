import Storage
import Support
import Testing

@Suite struct StoreTests {
  @Test func `a new store opens, and an event in it verifies`() throws {
    try withTemporaryStore { store in
      try store.write { db in
        _ = try Event.append("model.add", "tiny", ["files": 3], db)
        _ = try Event.append("model.add", "tiny2", ["files": 3], db)
      }
      #expect(try store.read { try Event.faults($0) } == [])
      #expect(try store.read { try Event.list($0).count } == 2)
    }
  }
}

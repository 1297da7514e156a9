import GRDB
import Storage
import Support
import Testing

@Suite struct EventTests {
  @Test(arguments: [
    "UPDATE event SET subject = 'x' WHERE sequence = 2",
    "UPDATE event SET detail = '{}' WHERE sequence = 2",
    "UPDATE event SET time = time + 1 WHERE sequence = 2",
    "UPDATE event SET actor = 'x', kind = 'x' WHERE sequence = 2",
    "UPDATE event SET hash = zeroblob(32) WHERE sequence = 2",
    "DELETE FROM event WHERE sequence = 2",
    "DELETE FROM event WHERE sequence = 1",
    "UPDATE event SET sequence = 9 WHERE sequence = 4",
  ]) func `a tampered log is found`(sql: String) throws {
    try withTemporaryStore { store in
      try store.write { db in
        for number in 1...4 {
          _ = try Event.append("alias.move", "a:\(number)", ["to": .string("prod")], db)
        }
        #expect(try Event.faults(db) == [])
        try db.execute(sql: sql)
        #expect(try Event.faults(db) != [])
      }
    }
  }

  @Test func `entries are listed by subject and kind, the latest ones in order`() throws {
    try withTemporaryStore { store in
      let lists = try store.write { db in
        for number in 1...6 {
          let kind = number.isMultiple(of: 2) ? "even.add" : "odd.add"
          _ = try Event.append(kind, "a:\(number % 3)", [:], db)
        }
        return [
          try Event.list(subject: "a:0", db), try Event.list(kinds: ["even.add"], db),
          try Event.list(limit: 2, db), try Event.list(subject: "a:0", kinds: ["odd.add"], db),
        ].map { $0.map(\.sequence) }
      }
      #expect(lists == [[3, 6], [2, 4, 6], [5, 6], [3]])
    }
  }
}

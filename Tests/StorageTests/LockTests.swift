import Foundation
import Storage
import Support
import Synchronization
import Testing

@Suite struct LockTests {
  @Test func `writers of two stores on one folder lose no event and leave no gap`() throws {
    try withTemporaryFolder { folder in
      let place = try Store.create(in: folder).folder
      let stores = try (0..<2).map { _ in try Store.open(place, .write) }
      let failures = Mutex<[String]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { worker in
        for _ in 0..<10 {
          do {
            try stores[worker % 2].write { _ = try Event.append("test.add", "\(worker)", [:], $0) }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
      #expect(failures.withLock { $0 } == [])
      let events = try stores[0].read { try Event.list($0) }
      #expect(events.map(\.sequence) == Array(1...80))
      #expect(try stores[1].read { try Event.faults($0) } == [])
      for store in stores { try store.close() }
    }
  }

  @Test func `the write lock may be held over transactions of both files`() throws {
    try withTemporaryStore { store in
      let count = try store.withWriteLock {
        try store.write(.weights) { _ in }
        return try store.write { db in
          try Event.append("test.add", "a", [:], db).sequence
        }
      }
      #expect(count == 1)
    }
  }

  @Test func `who wants content alone waits for its users, and newcomers wait for him`() throws {
    try withTemporaryStore { store in
      let log = Mutex<[String]>([])
      let isHeld = DispatchSemaphore(value: 0)
      let mayEnd = DispatchSemaphore(value: 0)
      let user = Thread {
        try? store.withContent {
          isHeld.signal()
          mayEnd.wait()
          try? store.withContent { log.withLock { $0.append("user") } }
        }
      }
      let isOver = DispatchSemaphore(value: 0)
      let alone = Thread {
        try? store.withoutContentUsers { log.withLock { $0.append("alone") } }
        isOver.signal()
      }
      user.start()
      isHeld.wait()
      alone.start()
      usleep(100_000)
      #expect(log.withLock { $0 } == [])
      mayEnd.signal()
      isOver.wait()
      #expect(log.withLock { $0 } == ["user", "alone"])
      try store.withContent { log.withLock { $0.append("newcomer") } }
      #expect(log.withLock { $0 }.count == 3)
    }
  }

  @Test func `threads that use content and threads that want it alone never overlap`() throws {
    try withTemporaryStore { store in
      let users = Mutex(0)
      let overlaps = Mutex(0)
      let rounds = Mutex(0)
      DispatchQueue.concurrentPerform(iterations: 8) { worker in
        for _ in 0..<40 {
          if worker == 0 {
            try? store.withoutContentUsers {
              for _ in 0..<10 {
                if users.withLock({ $0 }) > 0 { overlaps.withLock { $0 += 1 } }
                sched_yield()
              }
              rounds.withLock { $0 += 1 }
            }
          } else {
            try? store.withContent {
              users.withLock { $0 += 1 }
              usleep(200)
              users.withLock { $0 -= 1 }
            }
          }
        }
      }
      #expect(overlaps.withLock { $0 } == 0)
      #expect(rounds.withLock { $0 } == 40)
    }
  }

  @Test func `everyone may read the lock files, and no lock is made in a folder that is missing`()
    throws
  {
    try withTemporaryFolder { folder in
      let place = try Store.create(in: folder).folder
      let mask = umask(0)
      umask(mask)
      for name in ["lock", "gc.lock", "gc.intent"] {
        let path = place.appending(path: name).path
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o644 & ~Int(mask), "\(name)")
      }
      let error = #expect(throws: RegistryError.self) {
        _ = try FileLock(path: folder.appending(path: "none/lock").path)
      }
      #expect(error?.kind == .unavailable)
    }
  }
}

import Foundation
import GRDB
import Storage
import Support
import Testing
import Tracking

@Suite struct Probe {
  @Test func `speed`() throws {
    try withTemporaryStore { (store) throws in
      let s0 = ContinuousClock.now
      try addBulkRuns(count: 20_000, to: store)
      try store.checkpoint(.catalog)
      print("fill", ContinuousClock.now - s0, store.sizeBytes(.catalog))
      for (filter, sort) in [
        ("", ""), ("", "-val/f1"), ("", "val/f1"), ("val/f1 > 0.8 and params.lr < 1e-4 and tags.owner = \"ann\"", "-val/f1"),
        ("val/f1 > 0.8 and params.lr < 1e-4 and tags.owner = \"ann\"", ""), ("", "params.lr"),
        ("params.param5 like 'value-3%' or tags.tag3 = 'value-1'", "-loss"),
        ("name like '%99'", "-params.lr"),
      ] {
        for columns in [nil, [RunField.metric("val/f1"), .parameter("lr")]] as [[RunField]?] {
        var search = RunSearch()
        if filter != "" { search.filter = try Filter.parse(filter) }
        if sort != "" { search.sort = [try .init(sort)] }
        search.columns = columns
        let fresh = try Store.open(store.folder, .read)
        let s = ContinuousClock.now
        let page = try fresh.read { db in try search.page(db) }
        let s1 = ContinuousClock.now
        let count = try fresh.read { db in try search.count(db) }
        print(filter, sort, columns == nil ? "all" : "two", page.rows.count, s1 - s, "count", count, ContinuousClock.now - s1)
        if columns == nil { print(try fresh.read { db in try search.plan(db) }) }
        try fresh.close()
        }
      }
    }
  }
}

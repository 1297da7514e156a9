import Foundation
import Runner
import Support
import Testing

@Suite struct ScrapeTests {
  /// What the rule finds in each line, as `key=value@step`, or the key's counter as step.
  @Test(arguments: [
    (
      "{'loss': 0.5, 'learning_rate': 5e-05, 'epoch': 0.1}",
      "loss=0.5@0 learning_rate=5e-05@0 epoch=0.1@0"
    ),
    ("{'eval_loss': '0.25', 'eval_f1': '0.9', 'epoch': '2'}", "eval_loss=0.25@2 eval_f1=0.9@2"),
    ("{'train_runtime': 12.5, 'train_loss': nan}", "train_runtime=12.5@0 train_loss=nan@0"),
    (
      "5/5 [====] - 0s 3ms/step - loss: 0.1 - accuracy: 0.95",
      "loss=0.1@0 accuracy=0.95@0"
    ),
    ("Epoch 3/10", ""),
    (
      "Epoch 0: 100%|██████████| 10/10 [00:01<00:00, 7.52it/s, v_num=0, train_loss=0.512]",
      "v_num=0.0@0 train_loss=0.512@0"
    ),
    ("50%|██   | 5/10 [00:01<00:01, 4.9it/s, loss=0.3]", "loss=0.3@0"),
    ("train: 50%|█ | 5/10 [00:01<00:01,  4.9it/s, acc=91%]", "acc=91.0@0"),
    ("Map: 100%|██████████| 5/5 [00:00<00:00]", ""),
    ("loss: 50% acc=3%", "loss=50.0@0 acc=3.0@0"),
    ("Step: 3 Loss: 0.5 EPOCH=1", "Loss=0.5@3 EPOCH=1.0@3"),
    ("epoch: 3.0 loss: 0.5", "epoch=3.0@0 loss=0.5@0"),
    (
      "\u{1b}[1m1/5\u{1b}[0m \u{1b}[32m━━\u{1b}[0m\u{1b}[37m━━\u{1b}[0m \u{1b}[1m0s\u{1b}[0m "
        + "10ms/step - accuracy: 0.5 - loss: 0.7\u{8}\u{8}\u{8}\u{8}",
      "accuracy=0.5@0 loss=0.7@0"
    ),
    ("\u{1b}[31mloss\u{1b}[0m=\u{1b}[1m0.25\u{1b}[0m", "loss=0.25@0"),
    ("loss=1\u{0}acc=2\u{1b}[", "loss=1.0@0 acc=2.0@0"),
    ("2026-01-01 12:00:01,123 INFO step=3 loss=0.1", "loss=0.1@3"),
    ("[2026-01-01T12:00:01Z] epoch=2 step=40 loss=1.5", "epoch=2.0@40 loss=1.5@40"),
    ("iteration: 7, epoch: 1, loss: -0.25", "epoch=1.0@7 loss=-0.25@7"),
    ("see http://localhost:8080/x?loss=1 or https://example.org:443", ""),
    ("listening on localhost:8080, 127.0.0.1:9000 and node.example.org:22", ""),
    ("took 12:30 ETA: 0:00:05 at 10:15", ""),
    ("loss = 0.5", ""),
    ("loss= 0.5  acc:\t0.75", "loss=0.5@0 acc=0.75@0"),
    ("\"val/f1\": 0.875, \"top-5\": \"0.99\"", "val/f1=0.875@0 top-5=0.99@0"),
    ("(loss=1e3) [lr:+.5] {wd:5.}", "loss=1000.0@0 lr=0.5@0 wd=5.0@0"),
    ("xloss=3ms yloss=0x1f zloss=1_000 v=1.2.3 w=--1 u=e5", ""),
    ("a=inf b:-inf c:Infinity d=info e=NaN", "a=inf@0 b=-inf@0 c=inf@0 e=nan@0"),
    ("key:'0.5 other:\"1'", ""),
    ("a=1,b=2|c=3;d=4", "a=1.0@0"),
    ("=5 :6 a= b: c==1", ""),
    ("näh=1 _x=2", "näh=1.0@0 _x=2.0@0"),
    ("größe=1", "größe=1.0@0"),
    ("step=1.5 loss=2", "step=1.5@0 loss=2.0@0"),
    ("step=-1 loss=2", "step=-1.0@0 loss=2.0@0"),
    (
      "big=1e999 small=123456789012345678901234567890",
      "big=inf@0 small=1.2345678901234568e+29@0"
    ),
  ])
  func `a line gives exactly the points of the rule`(line: String, expected: String) throws {
    let found = try scraped(Array((line + "\n").utf8))
    let shown = found.map { "\($0.key)=\($0.value)@\($0.step)" }.joined(separator: " ")
    #expect(shown == expected)
  }

  /// What transformers prints for three epochs of four steps, before and since version 5.
  @Test(arguments: [true, false])
  func `a whole Trainer log has steps that only grow and the latest values last`(isQuoted: Bool)
    throws
  {
    func number(_ value: Double) -> String {
      isQuoted ? "'\(String(format: "%.4g", value))'" : "\(value)"
    }
    var lines: [String] = []
    for step in 1...12 {
      let epoch = number(Double(step) / 4)
      let loss = number(1 - Double(step) / 16)
      lines.append("{'loss': \(loss), 'learning_rate': \(number(5e-05)), 'epoch': \(epoch)}")
      if step % 4 == 0 {
        lines.append("{'eval_loss': \(number(2 - Double(step) / 16)), 'epoch': \(epoch)}")
      }
    }
    lines.append("{'train_runtime': \(number(12.5)), 'train_loss': 0.5, 'epoch': \(number(3))}")
    let found = try scraped(Array((lines.joined(separator: "\n") + "\n").utf8))
    for key in ["loss", "eval_loss", "learning_rate"] {
      let steps = found.filter { $0.key == key }.map(\.step)
      #expect(zip(steps, steps.dropFirst()).allSatisfy(<), "\(key) \(steps)")
    }
    let latest = found.filter { $0.key == "loss" }.max { $0.step < $1.step }
    #expect(latest?.value == 0.25)
    #expect(found.filter { $0.key == "eval_loss" }.max { $0.step < $1.step }?.value == 1.25)
  }

  @Test func `a carriage return ends a line and each key counts on`() throws {
    let found = try scraped(Array("a=1\ra=2\rb=5\r\nstep=9 a=3\na=4".utf8))
    #expect(found.map(\.key) == ["a", "a", "b", "a", "a"])
    #expect(found.map(\.value) == [1, 2, 5, 3, 4])
    #expect(found.map(\.step) == [0, 1, 0, 9, 10])
  }

  @Test func `a line beyond the limit is cut there and its rest is left out`() throws {
    let filler = [UInt8](repeating: 120, count: 3 << 20)
    let bytes = Array("a=1 ".utf8) + filler + Array(" b=2\nc=3\n".utf8)
    #expect(try scraped(bytes).map(\.key) == ["a", "c"])
  }

  @Test func `any bytes are read without a trap`() {
    var scrape = Scrape()
    var generator = SeededGenerator(seed: 7)
    let alphabet = Array("a_1.5e-+:=,{[(|}])%\"' \t\r\nn/é".utf8) + [0, 255]
    for _ in 0..<2000 {
      let count = Int.random(in: 0..<60, using: &generator)
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
      bytes.withUnsafeBytes { line in
        scrape.points(in: line) { key, _, step in
          #expect(!key.isEmpty && step ?? 0 >= 0, "bytes \(bytes)")
        }
      }
    }
  }

  private func scraped(_ bytes: [UInt8]) throws -> [Scrape.Finding] {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "output").path
      try Data(bytes).write(to: URL(filePath: path))
      var found: [Scrape.Finding] = []
      try Scrape.test(path: path) { found.append($0) }
      return found
    }
  }
}

import Foundation
import Storage
import Support
import Testing
import Weights

/// What the decoder makes of any record that the page allows, and of damaged ones.
@Suite struct CodecDamageTests {
  private static let seed: UInt64 = 23

  /// Small records of every kind, so many of each.
  private func made(_ count: Int) -> [RecordSample] {
    var maker = RecordMaker(seed: Self.seed)
    let kinds = (1...2).flatMap { version in (0...2).map { (version, $0) } }
    return (0..<count).flatMap { _ in
      kinds.map { maker.sample(version: $0.0, mode: $0.1) }
        + [1, 2, 2, 2, 2, 2].map { maker.sample(version: $0, mode: 3) }
    }
  }

  @Test func `whatever the page allows decodes as the page says, on every level`() {
    var features: Set<String> = []
    withTwinKernels { twin in
      for (number, sample) in made(150).enumerated() {
        let place = Comment(rawValue: "\(sample.name), sample \(number), seed \(Self.seed)")
        var reader = CodecReference(sample.record)
        let content = try? reader.content(base: sample.base, factor: sample.factor)
        features.formUnion(reader.features)
        #expect(content?.count == sample.length, place)
        for level in CodecKernels.all + [twin] {
          #expect(sample.decode(sample.record, level) == content, "\(level.name): \(place)")
        }
      }
    }
    var wanted = ["groups"]
    for version in 1...2 {
      wanted += (0...3).map { "version \(version) mode \($0)" }
      wanted += (0...4).map { "version \(version) mapping \($0)" }
    }
    wanted += (0...4).map { "version 1 coding \($0)" } + (0...3).map { "coding \($0)" }
    wanted += (0...3).map { "prediction \($0)" }
    for part in ["form", "vectors", "streams"] { wanted += (0...2).map { "\(part) \($0)" } }
    #expect(features == Set(wanted))
  }

  @Test func `a damaged record is refused or means what the page says`() {
    var generator = SeededGenerator(seed: Self.seed)
    let samples = made(40)
    let levels = CodecKernels.all
    var (taken, refused) = (0, 0)
    for number in 0..<40_000 {
      let sample = samples[number % samples.count]
      let record = damaged(sample.record, samples, &generator)
      let content = sample.meaning(record)
      if content == nil { refused += 1 } else { taken += 1 }
      for level in levels {
        let same = sample.decode(record, level) == content
        #expect(same, "\(level.name): \(sample.name), \(record.hex), seed \(Self.seed)")
      }
    }
    #expect(taken > 2000 && refused > 20_000, "\(taken) taken, \(refused) refused")
  }

  /// A million changes of records; what is decoded is not looked at, only that nothing else is
  /// touched.
  @Test func `a million damaged records never read or write outside`() throws {
    var generator = SeededGenerator(seed: Self.seed)
    let own = try CodecHostileTests.samples()
    let long = try #require(own.last)
    let samples = own.dropLast() + made(20)
    let memory = (samples + [long]).map { sample in
      (
        content: GuardedMemory(count: sample.length), base: sample.base.map { GuardedMemory($0) },
        factor: sample.factor.map { GuardedMemory($0) }
      )
    }
    let levels = CodecKernels.all
    let room = GuardedMemory(count: 8 * long.record.count)
    defer { withExtendedLifetime((room, memory)) {} }
    var decoded = 0
    for number in 0..<1_000_000 {
      // The long one takes a hundred times as long.
      let index = number % 1000 == 0 ? samples.count : number % samples.count
      let sample = index == samples.count ? long : samples[index]
      let record = damaged(sample.record, samples, &generator)
      let place = UnsafeMutableRawBufferPointer(
        rebasing: room.bytes[(room.bytes.count - record.count)...])
      place.copyBytes(from: record)
      do {
        try ChunkCodec.decode(
          UnsafeRawBufferPointer(place), into: memory[index].content.bytes,
          base: memory[index].base.map { UnsafeRawBufferPointer($0.bytes) },
          factor: memory[index].factor.map { UnsafeRawBufferPointer($0.bytes) },
          kernels: levels[number / samples.count % levels.count])
        decoded += 1
      } catch {
        guard error.kind != .corrupt else { continue }
        Issue.record(error)
      }
    }
    #expect(decoded > 50_000 && decoded < 500_000, "\(decoded), seed \(Self.seed)")
  }

  /// A record with one to three changes, of a kind that a wire, a disk or an enemy makes.
  private func damaged(
    _ record: [UInt8], _ samples: [RecordSample], _ generator: inout SeededGenerator
  ) -> [UInt8] {
    var record = record
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      guard !record.isEmpty else { break }
      let place = Int.random(in: 0..<record.count, using: &generator)
      let early = Int.random(in: 0..<min(24, record.count), using: &generator)
      switch Int.random(in: 0...9, using: &generator) {
      case 0, 1: record[place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
      case 2: record[place] = UInt8.random(in: 0...255, using: &generator)
      case 3: record[place] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
      case 4: record[early] &+= [1, 255].randomElement(using: &generator) ?? 0
      case 5: record.removeLast(min(record.count, Int.random(in: 1..<9, using: &generator)))
      case 6: record.removeSubrange(place..<min(record.count, place + early))
      case 7:
        // Numbers of many bytes, and the greatest.
        let number: [UInt8] =
          Bool.random(using: &generator)
          ? [record[early] | 0x80, 0x80, 0x80, 0] : [0xff, 0xff, 0xff, 0x7f]
        record.replaceSubrange(early...early, with: number)
      case 8:
        // Two parts change places.
        let size = min(Int.random(in: 1...40, using: &generator), record.count - place)
        let other = Int.random(in: 0...record.count - size, using: &generator)
        let part = record[place..<place + size]
        record.replaceSubrange(place..<place + size, with: record[other..<other + size])
        record.replaceSubrange(other..<other + size, with: part)
      default:
        let other = samples[Int.random(in: 0..<samples.count, using: &generator)].record
        record = Array(record.prefix(place + 1)) + other.suffix(min(place, other.count))
      }
    }
    return record
  }
}

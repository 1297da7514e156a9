import CKernels
import Testing
import Weights

@Suite struct CodecMemoryTests {
  private typealias Part = UnsafeMutableRawBufferPointer

  /// Fills every part and its slack; a part that lies in another, or in its slack, is not found whole.
  private func areApart(_ parts: [Part]) -> Bool {
    let slack = Int(CKERNELS_SLACK)
    for (number, part) in parts.enumerated() {
      let whole = Part(start: part.baseAddress, count: part.count + slack)
      whole.initializeMemory(as: UInt8.self, repeating: UInt8(number + 1))
    }
    return parts.enumerated().allSatisfy { number, part in
      let whole = Part(start: part.baseAddress, count: part.count + slack)
      return whole.allSatisfy { $0 == UInt8(number + 1) }
    }
  }

  @Test(arguments: [[], [0], [1], [0, 0, 64], [63, 64, 65, 1 << 20, 7], [3 << 20, 0, 1]])
  func `every part starts a vector and has slack of its own`(sizes: [Int]) {
    // Memory that was taken before is larger or smaller than what is wanted now.
    for again in [sizes, [5], sizes, [4 << 20], sizes] {
      CodecMemory.with(parts: again) { parts in
        #expect(parts.map(\.count) == again)
        for part in parts {
          let place = Int(bitPattern: part.baseAddress)
          #expect(place != 0 && place % Int(CKERNELS_VECTOR_BYTES) == 0)
        }
        #expect(areApart(parts))
      }
    }
  }

  @Test func `memory that is in use is given to nobody else`() {
    CodecMemory.with(parts: [100, 200]) { outer in
      let isApart = CodecMemory.with(parts: [100, 200]) { inner in areApart(outer + inner) }
      #expect(isApart)
    }
  }
}

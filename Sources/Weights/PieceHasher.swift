import CKernels
package import Storage

/// Hashes a file and each of its pieces in one pass: one stream of SHA-256 leaves a processor half
/// idle, and two side by side take little longer than one.
package struct PieceHasher: Sendable {
  private static let isFast = ckernels_has_sha256() != 0

  private var fast = Stream()
  private var plain = Digest.Hasher()

  /// Starts with no content.
  package init() {}

  /// Adds content that has been cut into pieces.
  ///
  /// - Parameters:
  ///   - content: The next bytes of the file.
  ///   - pieces: All of it, in order.
  /// - Returns: The digests of the pieces; nil where two streams are no faster than one, so that
  ///   each piece is better hashed by another thread.
  package mutating func update(
    _ content: UnsafeRawBufferPointer, pieces: [Range<Int>]
  ) -> [Digest]? {
    guard Self.isFast else {
      plain.update(content)
      return nil
    }
    return pieces.map { fast.updateWithOwnDigest(UnsafeRawBufferPointer(rebasing: content[$0])) }
  }

  /// The digest of all content.
  package func finalize() -> Digest {
    Self.isFast ? fast.finalize() : plain.finalize()
  }

  /// A message under way, as FIPS 180-4 has it.
  private struct Stream: Sendable {
    private static let blockBytes = 64

    private var state: SIMD8<UInt32> = [
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
      0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    /// The start of a block that is not whole yet.
    private var rest: [UInt8] = []
    private var sizeBytes: UInt64 = 0

    /// Adds bytes, and hashes them alone beside that.
    mutating func updateWithOwnDigest(_ bytes: UnsafeRawBufferPointer) -> Digest {
      var own = Stream()
      // The blocks of this message go on where its last block is whole.
      let head = min((Self.blockBytes - rest.count) % Self.blockBytes, bytes.count)
      update(bytes[..<head])
      let blocks = (bytes.count - head) / Self.blockBytes
      let both = blocks * Self.blockBytes
      if blocks > 0, let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress {
        withUnsafeMutableBytes(of: &state) { state in
          withUnsafeMutableBytes(of: &own.state) { ownState in
            ckernels_sha256_pair(
              state.assumingMemoryBound(to: UInt32.self).baseAddress, start + head,
              ownState.assumingMemoryBound(to: UInt32.self).baseAddress, start, blocks)
          }
        }
        sizeBytes += UInt64(both)
        own.sizeBytes += UInt64(both)
      }
      update(bytes[(head + both)...])
      own.update(bytes[both...])
      return own.finalize()
    }

    private mutating func update(_ bytes: Slice<UnsafeRawBufferPointer>) {
      sizeBytes += UInt64(bytes.count)
      var bytes = bytes
      if !rest.isEmpty {
        let missing = bytes.prefix(Self.blockBytes - rest.count)
        rest += missing
        bytes = bytes.dropFirst(missing.count)
        guard rest.count == Self.blockBytes else { return }
        rest.withUnsafeBytes { add($0[...]) }
        rest.removeAll(keepingCapacity: true)
      }
      let whole = bytes.count / Self.blockBytes * Self.blockBytes
      add(bytes.prefix(whole))
      rest += bytes.dropFirst(whole)
    }

    /// Adds whole blocks.
    private mutating func add(_ blocks: Slice<UnsafeRawBufferPointer>) {
      let bytes = UnsafeRawBufferPointer(rebasing: blocks).assumingMemoryBound(to: UInt8.self)
      withUnsafeMutableBytes(of: &state) { state in
        ckernels_sha256(
          state.assumingMemoryBound(to: UInt32.self).baseAddress, bytes.baseAddress,
          bytes.count / Self.blockBytes)
      }
    }

    func finalize() -> Digest {
      var last = self
      let zeros = (2 * Self.blockBytes - 9 - rest.count) % Self.blockBytes
      let padding = [0x80] + [UInt8](repeating: 0, count: zeros)
      let length = withUnsafeBytes(of: (sizeBytes * 8).bigEndian) { Array($0) }
      (padding + length).withUnsafeBytes { last.update($0[...]) }
      return Digest(words: last.state)
    }
  }
}

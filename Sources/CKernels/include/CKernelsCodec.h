#ifndef CKERNELS_CODEC_H
#define CKERNELS_CODEC_H

// The loops of the chunk codec, compiled once for each generation of the processor; every level
// gives the same bytes. None keeps state, allocates or checks what the caller is said to have
// checked. Sources/Weights/Format.md says what the bytes mean; the twins in Swift are
// Tests/WeightsTests/KernelTwins.swift and DeflateTwin.swift.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef const uint8_t *_Nullable ckernels_bytes;
typedef uint8_t *_Nullable ckernels_memory;

/// How a word of a chunk is mapped before it is cut into planes; the numbers are stored.
enum ckernels_mapping {
  CKERNELS_PLAIN = 0,
  CKERNELS_ROTATED = 1,
  CKERNELS_INTEGER_DIFFERENCE = 2,
  CKERNELS_FLOAT_DIFFERENCE = 3,
  CKERNELS_XOR = 4
};

/// Words are dropped and kept in vectors of so many bytes.
enum { CKERNELS_VECTOR_BYTES = 64 };

/// Room that must follow every plane and every other output below that is said to have slack.
enum { CKERNELS_SLACK = 64 };

/// The most bits that a code has in the streams that `deflate` writes.
enum { CKERNELS_CODE_BITS = 12 };

/// The words of a chunk and of what they are taken against.
struct ckernels_words {
  int width;               // bytes of a word: 1, 2, 4 or 8
  int mapping;             // enum ckernels_mapping
  size_t count;            // words
  ckernels_bytes base; // as long as the content; read by the mappings 2 to 4 only
  int shift;               // a word's context is the byte (base word >> shift)
};

/// The groups that a plane is ordered by: a byte is in the group of its context.
struct ckernels_groups {
  size_t count;       // 1 to 32
  uint8_t first[32];  // the smallest context of each, ascending; first[0] is 0
  uint32_t sizes[32]; // bytes in each
};

/// A zlib stream to decode, and the memory for all of what it decodes to.
struct ckernels_stream {
  ckernels_bytes bytes;
  size_t count;
  ckernels_memory out;
  size_t out_count;
};

/// The kernels of one level.
struct ckernels_codec {
  const char *name;

  /// Maps words, drops the vectors of which all mapped words are zero, and cuts the others into
  /// planes: byte k of the i-th word that is kept goes to planes[k * stride + i], its context to
  /// contexts[i] where there is a base. Bit v of `kept` tells of vector v; unused bits are clear.
  /// Planes and contexts have slack. Returns how many words are kept.
  size_t (*split)(struct ckernels_words words, ckernels_bytes content, ckernels_memory planes,
                  size_t stride, ckernels_memory contexts, ckernels_memory kept);

  /// Undoes `split`; without `kept` all vectors are. There is a plane for each byte of a word; where
  /// there is a `kept`, planes can be read for the slack.
  void (*merge)(struct ckernels_words words, const ckernels_bytes *_Nonnull planes,
                ckernels_bytes kept, ckernels_memory content);

  /// The contexts of the words that are kept, as `split` gives them; has slack.
  void (*contexts)(struct ckernels_words words, ckernels_bytes kept, ckernels_memory contexts);

  /// Sets the sizes of the groups from every byte's context.
  void (*count_groups)(struct ckernels_groups *groups, ckernels_bytes contexts, size_t count);

  /// Orders bytes by the groups of their contexts, in order inside each; `out` has slack.
  void (*gather)(const struct ckernels_groups *groups, ckernels_bytes bytes,
                 ckernels_bytes contexts, size_t count, ckernels_memory out);

  /// Undoes `gather`; `bytes` can be read for the slack, `out` has it.
  void (*scatter)(const struct ckernels_groups *groups, ckernels_bytes bytes,
                  ckernels_bytes contexts, size_t count, ckernels_memory out);

  /// Counts how often each byte value occurs; overwrites the 256 `counts`.
  void (*histogram)(ckernels_bytes bytes, size_t count, uint32_t *counts);

  /// Counts byte values by their context's bin, one in every `step` runs of 64 bytes: adds to
  /// counts[256 * bins[context] + byte].
  void (*histograms)(ckernels_bytes bytes, ckernels_bytes contexts, size_t count, size_t step,
                     ckernels_bytes bins, uint32_t *counts);

  /// Sets bit i of the (count + 7) / 8 bytes of `bitmap` where byte i is not zero; clears others.
  void (*bitmap)(ckernels_bytes bytes, size_t count, ckernels_memory bitmap);

  /// Writes the bytes that are not zero one after another and returns their number; has slack.
  size_t (*compact)(ckernels_bytes bytes, size_t count, ckernels_memory out);

  /// Undoes `bitmap` and `compact`: `nonzeros` has one byte for each bit set, and can be read for
  /// the slack; `out` has it.
  void (*expand)(ckernels_bytes bitmap, ckernels_bytes nonzeros, size_t count, ckernels_memory out);

  /// Writes a zlib stream of Huffman codes only: one block a run of the content, codes of at most
  /// 12 bits, stored blocks where codes are not shorter. `out` has room for `deflate_bound`.
  /// There is at least one run, and none is empty. Returns the stream's length.
  size_t (*deflate)(ckernels_bytes content, const uint32_t *runs, size_t count, ckernels_memory out);

  /// Decodes streams of `deflate`, four at a time; works on any bytes without reading or writing
  /// outside of the memories. Sets done[i] where stream i is whole and its checksum right. Another
  /// is damaged or not of that kind: zlib has to look at it.
  void (*inflate)(const struct ckernels_stream *streams, size_t count, ckernels_memory done);
};

/// The best level of this processor first; NULL after the last.
const struct ckernels_codec *_Nullable ckernels_codec_at(int index);

/// The best level of this processor.
const struct ckernels_codec *ckernels_codec_best(void);

/// The most bytes that `deflate` writes for runs of a content.
size_t ckernels_deflate_bound(size_t content_count, size_t run_count);

/// About how many bits a block of Huffman codes takes for `scale` times the bytes of these 256
/// counts, with its table; never more than the bytes as they are.
uint64_t ckernels_block_bits(const uint32_t *counts, uint32_t scale);

/// The same for the best of a block, and a bitmap with a block of the bytes that are not zero.
uint64_t ckernels_plane_bits(const uint32_t *counts, uint32_t scale);

/// Chooses groups from histograms of `bin_count` bins of contexts, plane after plane: 256 counts a
/// bin. Neighbours become one group as long as that saves bits, and while there are more than 32.
/// Overwrites `counts`, and `first_bins` with the first bin of each group; returns their number.
size_t ckernels_choose_groups(uint32_t *counts, size_t bin_count, size_t plane_count,
                              uint32_t scale, uint8_t *first_bins);

#pragma clang assume_nonnull end

#endif

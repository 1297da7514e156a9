// All kernels of the codec for one level; TARGET, LEVEL and LEVEL_NAME are defined before, and
// MOVES_BYTES where single bytes of a vector can be moved by a mask.

#include "CKernelsCodec.h"
#include <string.h>
#ifdef MOVES_BYTES
#include <immintrin.h>
#endif

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernels read little-endian words in place"
#endif

#define INLINED static inline __attribute__((always_inline)) TARGET
#define KERNEL static TARGET

// The iterations of the next loop do not depend on each other.
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")

#define WORD uint8_t
#define NAME(name) name##_8
#include "codec_words.h"
#undef WORD
#undef NAME

#define WORD uint16_t
#define NAME(name) name##_16
#include "codec_words.h"
#undef WORD
#undef NAME

#define WORD uint32_t
#define NAME(name) name##_32
#include "codec_words.h"
#undef WORD
#undef NAME

#define WORD uint64_t
#define NAME(name) name##_64
#include "codec_words.h"
#undef WORD
#undef NAME

#include "codec_bytes.h"
#include "codec_deflate.h"
// Its order of a table's lengths is the encoder's, and its checksum too.
#include "codec_inflate.h"

KERNEL size_t split(struct ckernels_words words, const uint8_t *content, uint8_t *planes,
                    size_t stride, uint8_t *contexts, uint8_t *kept) {
  switch (words.width) {
  case 2: return split_16(words, content, planes, stride, contexts, kept);
  case 4: return split_32(words, content, planes, stride, contexts, kept);
  case 8: return split_64(words, content, planes, stride, contexts, kept);
  default: return split_8(words, content, planes, stride, contexts, kept);
  }
}

KERNEL void merge(struct ckernels_words words, const ckernels_bytes *planes,
                  const uint8_t *kept, uint8_t *content) {
  switch (words.width) {
  case 2: return merge_16(words, planes, kept, content);
  case 4: return merge_32(words, planes, kept, content);
  case 8: return merge_64(words, planes, kept, content);
  default: merge_8(words, planes, kept, content);
  }
}

KERNEL void contexts(struct ckernels_words words, const uint8_t *kept, uint8_t *out) {
  switch (words.width) {
  case 2: return contexts_of_16(words, kept, out);
  case 4: return contexts_of_32(words, kept, out);
  case 8: return contexts_of_64(words, kept, out);
  default: contexts_of_8(words, kept, out);
  }
}

const struct ckernels_codec LEVEL = {
    .name = LEVEL_NAME,
    .split = split,
    .merge = merge,
    .contexts = contexts,
    .count_groups = count_groups,
    .gather = gather,
    .scatter = scatter,
    .histogram = histogram,
    .histograms = histograms,
    .bitmap = bitmap,
    .compact = compact,
    .expand = expand,
    .deflate = deflate,
    .inflate = inflate,
};

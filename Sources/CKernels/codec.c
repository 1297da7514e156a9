#include "CKernelsCodec.h"

extern const struct ckernels_codec ckernels_codec_base;

#if defined(__x86_64__)
extern const struct ckernels_codec ckernels_codec_v4, ckernels_codec_v3;

const struct ckernels_codec *ckernels_codec_at(int index) {
  int moves_bytes = __builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vbmi") &&
                    __builtin_cpu_supports("avx512vbmi2");
  if (moves_bytes && index-- == 0) return &ckernels_codec_v4;
  if (__builtin_cpu_supports("x86-64-v3") && index-- == 0) return &ckernels_codec_v3;
  return index == 0 ? &ckernels_codec_base : NULL;
}
#else
const struct ckernels_codec *ckernels_codec_at(int index) {
  return index == 0 ? &ckernels_codec_base : NULL;
}
#endif

const struct ckernels_codec *ckernels_codec_best(void) {
  const struct ckernels_codec *best = ckernels_codec_at(0);
  return best != NULL ? best : &ckernels_codec_base;
}

size_t ckernels_deflate_bound(size_t content_count, size_t run_count) {
  // A stored block takes six bytes; then the header, the checksum and the writer's slack.
  return content_count + 6 * (content_count / 65535 + 2 * run_count) + 32;
}

// The logarithm to base 2 in 65,536ths; within 0.01. Integers only: every processor agrees.
static inline uint32_t log2_of(uint32_t x) {
  uint32_t whole = 31 - (uint32_t)__builtin_clz(x);
  uint32_t part = (uint32_t)(((uint64_t)x << 16 >> whole) & 0xffff);
  uint32_t bend = (uint32_t)((uint64_t)part * (65536 - part) >> 16);
  return (whole << 16) + part + (uint32_t)((uint64_t)bend * 22500 >> 16);
}

// About the bits of a block for the counts of the values from `first` on.
static uint64_t block_bits(const uint32_t *counts, int first, uint32_t scale) {
  uint64_t total = 0, used = 0, most = 0, sum = 0;
  for (int v = first; v < 256; v++) {
    uint32_t c = counts[v];
    if (c == 0) continue;
    total += c;
    used++;
    most = c > most ? c : most;
    sum += (uint64_t)c * log2_of(c);
  }
  if (total == 0) return 0;
  uint64_t entropy = (total * log2_of((uint32_t)total) - sum) >> 16;
  // The end of a block is a symbol too, so only one literal can have a code of one bit.
  uint64_t least = 2 * total - most;
  uint64_t coded = scale * (entropy > least ? entropy : least) + 74 + 4 * used + (256 - used) / 3;
  uint64_t plain = scale * 8 * total + 40;
  return coded < plain ? coded : plain;
}

uint64_t ckernels_block_bits(const uint32_t *counts, uint32_t scale) {
  return block_bits(counts, 0, scale);
}

uint64_t ckernels_plane_bits(const uint32_t *counts, uint32_t scale) {
  uint64_t dense = block_bits(counts, 0, scale), total = 0;
  for (int v = 0; v < 256; v++) total += counts[v];
  uint64_t zeros = counts[0], nonzeros = total - zeros;
  if (nonzeros == 0) return 0;
  if (zeros == 0 || zeros < total / 5) return dense; // zero has no logarithm
  // A bitmap of independent bits; its bytes are coded, and take a table of some 600 bits.
  uint64_t bits = total * log2_of((uint32_t)total) - zeros * log2_of((uint32_t)zeros) -
                  nonzeros * log2_of((uint32_t)nonzeros);
  uint64_t floor = total / 8; // no byte of the bitmap takes less than a bit
  bits = bits >> 16 > floor ? bits >> 16 : floor;
  uint64_t sparse = scale * bits + 600 + block_bits(counts, 1, scale);
  return sparse < dense ? sparse : dense;
}

enum { BINS_MAX = 64, GROUPS_MAX = 32 };

static uint64_t bin_bits(const uint32_t *counts, size_t stride, size_t planes, uint32_t scale) {
  uint64_t bits = 0;
  for (size_t p = 0; p < planes; p++) bits += ckernels_plane_bits(counts + p * stride, scale);
  return bits;
}

// The bits of two bins as one.
static uint64_t both_bits(const uint32_t *a, const uint32_t *b, size_t stride, size_t planes,
                          uint32_t scale) {
  uint64_t bits = 0;
  uint32_t sums[256];
  for (size_t p = 0; p < planes; p++) {
    for (int v = 0; v < 256; v++) sums[v] = a[p * stride + v] + b[p * stride + v];
    bits += ckernels_plane_bits(sums, scale);
  }
  return bits;
}

size_t ckernels_choose_groups(uint32_t *counts, size_t bin_count, size_t plane_count,
                              uint32_t scale, uint8_t *first_bins) {
  size_t stride = 256 * bin_count, count = bin_count < BINS_MAX ? bin_count : BINS_MAX;
  uint64_t alone[BINS_MAX], with_next[BINS_MAX];
  for (size_t g = 0; g < count; g++) {
    first_bins[g] = (uint8_t)g;
    alone[g] = bin_bits(counts + 256 * g, stride, plane_count, scale);
  }
  for (size_t g = 0; g + 1 < count; g++)
    with_next[g] = both_bits(counts + 256 * g, counts + 256 * (g + 1), stride, plane_count, scale);
  while (count > 1) {
    size_t best = 0;
    int64_t best_gain = INT64_MIN;
    for (size_t g = 0; g + 1 < count; g++) {
      int64_t gain = (int64_t)(alone[g] + alone[g + 1]) - (int64_t)with_next[g];
      if (gain > best_gain) {
        best = g;
        best_gain = gain;
      }
    }
    if (best_gain < 0 && count <= GROUPS_MAX) break;
    uint32_t *into = counts + 256 * (size_t)first_bins[best];
    const uint32_t *from = counts + 256 * (size_t)first_bins[best + 1];
    for (size_t p = 0; p < plane_count; p++)
      for (int v = 0; v < 256; v++) into[p * stride + v] += from[p * stride + v];
    alone[best] = with_next[best];
    count--;
    for (size_t g = best + 1; g < count; g++) {
      first_bins[g] = first_bins[g + 1];
      alone[g] = alone[g + 1];
      with_next[g] = with_next[g + 1];
    }
    for (size_t g = best == 0 ? 0 : best - 1; g <= best && g + 1 < count; g++)
      with_next[g] = both_bits(counts + 256 * (size_t)first_bins[g],
                               counts + 256 * (size_t)first_bins[g + 1], stride, plane_count,
                               scale);
  }
  return count;
}

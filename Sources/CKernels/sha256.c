// SHA-256 of two messages side by side (FIPS 180-4), by the SHA instructions of x86-64.
//
// One round waits for the last, so a processor does little in one stream; a second one is free.

#include "CKernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define SHA __attribute__((target("sha,sse4.1"))) 
#define INLINE SHA __attribute__((always_inline)) static inline

/// A message under way: its state as the instructions want it, and 16 words of its schedule.
struct lane {
  __m128i abef, cdgh, words[4];
};

INLINE struct lane load(const uint32_t *state) {
  const __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
  const __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
  struct lane lane;
  lane.abef = _mm_alignr_epi8(low, high, 8);
  lane.cdgh = _mm_blend_epi16(high, low, 0xf0);
  return lane;
}

INLINE void store(struct lane lane, uint32_t *state) {
  const __m128i feba = _mm_shuffle_epi32(lane.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(lane.cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/// Four rounds, of which the first has this number; the schedule goes on beside them.
INLINE void rounds(struct lane *lane, const uint8_t *block, int first) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  __m128i *words = &lane->words[first / 4 % 4];
  if (first < 16) {
    const __m128i *from = (const __m128i *)(block + 4 * first);
    *words = _mm_shuffle_epi8(_mm_loadu_si128(from), swap);
  } else {
    const __m128i last = lane->words[(first / 4 + 3) % 4];
    const __m128i before = lane->words[(first / 4 + 2) % 4];
    const __m128i next = lane->words[(first / 4 + 1) % 4];
    const __m128i sum =
        _mm_add_epi32(_mm_sha256msg1_epu32(*words, next), _mm_alignr_epi8(last, before, 4));
    *words = _mm_sha256msg2_epu32(sum, last);
  }
  const __m128i keyed = _mm_add_epi32(*words, _mm_load_si128((const __m128i *)(constants + first)));
  lane->cdgh = _mm_sha256rnds2_epu32(lane->cdgh, lane->abef, keyed);
  lane->abef = _mm_sha256rnds2_epu32(lane->abef, lane->cdgh, _mm_shuffle_epi32(keyed, 0x0e));
}

SHA void ckernels_sha256_pair(uint32_t *first, const uint8_t *first_blocks, uint32_t *second,
                              const uint8_t *second_blocks, size_t count) {
  struct lane a = load(first);
  struct lane b = load(second);
  for (size_t block = 0; block < count; block++) {
    const struct lane a_before = a;
    const struct lane b_before = b;
#pragma clang loop unroll(full)
    for (int round = 0; round < 64; round += 4) {
      rounds(&a, first_blocks + 64 * block, round);
      rounds(&b, second_blocks + 64 * block, round);
    }
    a.abef = _mm_add_epi32(a.abef, a_before.abef);
    a.cdgh = _mm_add_epi32(a.cdgh, a_before.cdgh);
    b.abef = _mm_add_epi32(b.abef, b_before.abef);
    b.cdgh = _mm_add_epi32(b.cdgh, b_before.cdgh);
  }
  store(a, first);
  store(b, second);
}

SHA void ckernels_sha256(uint32_t *state, const uint8_t *blocks, size_t count) {
  struct lane a = load(state);
  for (size_t block = 0; block < count; block++) {
    const struct lane before = a;
#pragma clang loop unroll(full)
    for (int round = 0; round < 64; round += 4) rounds(&a, blocks + 64 * block, round);
    a.abef = _mm_add_epi32(a.abef, before.abef);
    a.cdgh = _mm_add_epi32(a.cdgh, before.cdgh);
  }
  store(a, state);
}

int ckernels_has_sha256(void) {
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return 0;
  return (ebx >> 29 & 1) && __builtin_cpu_supports("sse4.1");
}
#else
void ckernels_sha256_pair(uint32_t *first, const uint8_t *first_blocks, uint32_t *second,
                          const uint8_t *second_blocks, size_t count) {}
void ckernels_sha256(uint32_t *state, const uint8_t *blocks, size_t count) {}
int ckernels_has_sha256(void) { return 0; }
#endif

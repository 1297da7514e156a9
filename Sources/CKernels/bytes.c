#include "CKernels.h"
#include "clones.h"
#include <string.h>

void ckernels_histogram(const uint8_t *bytes, size_t count, uint32_t *counts) {
  // Four tables: equal neighbours would wait for each other's increment in one.
  uint32_t tables[4][256];
  memset(tables, 0, sizeof tables);
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (size_t k = 0; k < 4; k++) tables[k][bytes[i + k]]++;
  for (; i < count; i++) tables[0][bytes[i]]++;
  for (size_t v = 0; v < 256; v++)
    counts[v] = tables[0][v] + tables[1][v] + tables[2][v] + tables[3][v];
}

CLONES void ckernels_bitmap(const uint8_t *bytes, size_t count, uint8_t *bitmap) {
  const uint64_t low = 0x7f7f7f7f7f7f7f7f;
  for (size_t i = 0; i < count / 8; i++) {
    uint64_t v;
    memcpy(&v, bytes + 8 * i, 8);
    uint64_t top = (((v & low) + low) | v) & ~low; // the top bit of each byte that is not zero
    bitmap[i] = (uint8_t)(((top >> 7) * 0x0102040810204080) >> 56);
  }
  if (count % 8 == 0) return;
  uint8_t last = 0;
  for (size_t i = count / 8 * 8; i < count; i++) last |= (uint8_t)((bytes[i] != 0) << (i % 8));
  bitmap[count / 8] = last;
}

size_t ckernels_compact(const uint8_t *bytes, size_t count, uint8_t *out) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    out[found] = bytes[i];
    found += bytes[i] != 0;
  }
  return found;
}

void ckernels_expand(const uint8_t *bitmap, const uint8_t *nonzeros, size_t count, uint8_t *bytes) {
  memset(bytes, 0, count);
  for (size_t i = 0; i < (count + 7) / 8; i++) {
    if (bitmap[i] == 0xff) {
      memcpy(bytes + 8 * i, nonzeros, 8);
      nonzeros += 8;
      continue;
    }
    for (unsigned bits = bitmap[i]; bits != 0; bits &= bits - 1)
      bytes[8 * i + (size_t)__builtin_ctz(bits)] = *nonzeros++;
  }
}

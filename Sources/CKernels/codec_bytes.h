// Counting bytes, and moving them by groups and by bitmaps. Where the processor moves single bytes
// of a vector by a mask (VBMI2), whole vectors are; elsewhere, byte after byte.

KERNEL void histogram(const uint8_t *bytes, size_t count, uint32_t *counts) {
  // Eight tables: equal neighbours would wait for each other's increment in one.
  uint32_t tables[8][256];
  memset(tables, 0, sizeof tables);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t v;
    memcpy(&v, bytes + i, 8);
    for (size_t k = 0; k < 8; k++) tables[k][v >> (8 * k) & 255]++;
  }
  for (; i < count; i++) tables[0][bytes[i]]++;
  memset(counts, 0, 256 * sizeof *counts);
  for (size_t k = 0; k < 8; k++)
    for (size_t v = 0; v < 256; v++) counts[v] += tables[k][v];
}

KERNEL void histograms(const uint8_t *bytes, const uint8_t *contexts, size_t count, size_t step,
                       const uint8_t *bins, uint32_t *counts) {
  for (size_t start = 0; start < count; start += 64 * step) {
    size_t end = count - start < 64 ? count : start + 64;
    for (size_t i = start; i < end; i++)
      counts[256 * (size_t)bins[contexts[i]] + bytes[i]]++;
  }
}

#ifdef MOVES_BYTES

INLINED uint64_t valid_mask(size_t left) { return left < 64 ? (1ull << left) - 1 : ~0ull; }

// The bytes of a vector whose context is `first` or above.
INLINED uint64_t from_mask(__m512i contexts, uint8_t first, uint64_t valid) {
  return _mm512_mask_cmpge_epu8_mask(valid, contexts, _mm512_set1_epi8((char)first));
}

KERNEL void count_groups(struct ckernels_groups *groups, const uint8_t *contexts, size_t count) {
  groups->sizes[0] = (uint32_t)count;
  for (size_t g = 1; g < groups->count; g++) {
    uint64_t size = 0;
    for (size_t i = 0; i < count; i += 64) {
      uint64_t valid = valid_mask(count - i);
      __m512i c = _mm512_maskz_loadu_epi8(valid, contexts + i);
      size += (uint64_t)__builtin_popcountll(from_mask(c, groups->first[g], valid));
    }
    groups->sizes[g - 1] -= (uint32_t)size;
    groups->sizes[g] = (uint32_t)size;
  }
}

KERNEL void gather(const struct ckernels_groups *groups, const uint8_t *bytes,
                   const uint8_t *contexts, size_t count, uint8_t *out) {
  for (size_t g = 0; g < groups->count; g++) {
    uint8_t first = groups->first[g];
    size_t last = (g + 1 < groups->count ? groups->first[g + 1] : 256) - 1u;
    __m512i firsts = _mm512_set1_epi8((char)first), most = _mm512_set1_epi8((char)(last - first));
    for (size_t i = 0; i < count; i += 64) {
      uint64_t valid = valid_mask(count - i);
      __m512i c = _mm512_maskz_loadu_epi8(valid, contexts + i);
      uint64_t mask = _mm512_mask_cmple_epu8_mask(valid, _mm512_sub_epi8(c, firsts), most);
      __m512i x = _mm512_maskz_loadu_epi8(valid, bytes + i);
      _mm512_storeu_si512(out, _mm512_maskz_compress_epi8(mask, x));
      out += __builtin_popcountll(mask);
    }
  }
}

KERNEL void scatter(const struct ckernels_groups *groups, const uint8_t *bytes,
                    const uint8_t *contexts, size_t count, uint8_t *out) {
  const uint8_t *next[32];
  for (size_t g = 0; g < groups->count; g++) {
    next[g] = bytes;
    bytes += groups->sizes[g];
  }
  for (size_t i = 0; i < count; i += 64) {
    uint64_t from = valid_mask(count - i);
    __m512i c = _mm512_maskz_loadu_epi8(from, contexts + i), x = _mm512_setzero_si512();
    for (size_t g = 0; g < groups->count; g++) {
      uint64_t above = g + 1 < groups->count ? from_mask(c, groups->first[g + 1], from) : 0;
      uint64_t mask = from & ~above;
      x = _mm512_mask_expand_epi8(x, mask, _mm512_loadu_si512(next[g]));
      next[g] += __builtin_popcountll(mask);
      from = above;
    }
    _mm512_storeu_si512(out + i, x);
  }
}

KERNEL void bitmap(const uint8_t *bytes, size_t count, uint8_t *out) {
  for (size_t i = 0; i < count; i += 64) {
    uint64_t valid = valid_mask(count - i);
    __m512i x = _mm512_maskz_loadu_epi8(valid, bytes + i);
    uint64_t mask = _mm512_test_epi8_mask(x, x);
    memcpy(out + i / 8, &mask, count - i < 64 ? (count - i + 7) / 8 : 8);
  }
}

KERNEL size_t compact(const uint8_t *bytes, size_t count, uint8_t *out) {
  uint8_t *end = out;
  for (size_t i = 0; i < count; i += 64) {
    __m512i x = _mm512_maskz_loadu_epi8(valid_mask(count - i), bytes + i);
    uint64_t mask = _mm512_test_epi8_mask(x, x);
    _mm512_storeu_si512(end, _mm512_maskz_compress_epi8(mask, x));
    end += __builtin_popcountll(mask);
  }
  return (size_t)(end - out);
}

KERNEL void expand(const uint8_t *bits, const uint8_t *nonzeros, size_t count, uint8_t *out) {
  for (size_t i = 0; i < count; i += 64) {
    uint64_t mask = 0;
    memcpy(&mask, bits + i / 8, count - i < 64 ? (count - i + 7) / 8 : 8);
    __m512i x = _mm512_maskz_expand_epi8(mask, _mm512_loadu_si512(nonzeros));
    _mm512_storeu_si512(out + i, x);
    nonzeros += __builtin_popcountll(mask);
  }
}

#else

INLINED void group_of_contexts(const struct ckernels_groups *groups, uint8_t *group_of) {
  size_t g = 0;
  for (size_t c = 0; c < 256; c++) {
    while (g + 1 < groups->count && groups->first[g + 1] <= c) g++;
    group_of[c] = (uint8_t)g;
  }
}

INLINED void group_starts(const struct ckernels_groups *groups, size_t *starts) {
  starts[0] = 0;
  for (size_t g = 1; g < groups->count; g++) starts[g] = starts[g - 1] + groups->sizes[g - 1];
}

KERNEL void count_groups(struct ckernels_groups *groups, const uint8_t *contexts, size_t count) {
  uint8_t group_of[256];
  uint32_t counts[256];
  group_of_contexts(groups, group_of);
  histogram(contexts, count, counts);
  memset(groups->sizes, 0, sizeof groups->sizes);
  for (size_t c = 0; c < 256; c++) groups->sizes[group_of[c]] += counts[c];
}

KERNEL void gather(const struct ckernels_groups *groups, const uint8_t *bytes,
                   const uint8_t *contexts, size_t count, uint8_t *out) {
  uint8_t group_of[256];
  size_t next[32];
  group_of_contexts(groups, group_of);
  group_starts(groups, next);
  for (size_t i = 0; i < count; i++) out[next[group_of[contexts[i]]]++] = bytes[i];
}

KERNEL void scatter(const struct ckernels_groups *groups, const uint8_t *bytes,
                    const uint8_t *contexts, size_t count, uint8_t *out) {
  uint8_t group_of[256];
  size_t next[32];
  group_of_contexts(groups, group_of);
  group_starts(groups, next);
  for (size_t i = 0; i < count; i++) out[i] = bytes[next[group_of[contexts[i]]]++];
}

KERNEL void bitmap(const uint8_t *bytes, size_t count, uint8_t *out) {
  const uint64_t low = 0x7f7f7f7f7f7f7f7f;
  for (size_t i = 0; i < count / 8; i++) {
    uint64_t v;
    memcpy(&v, bytes + 8 * i, 8);
    uint64_t top = (((v & low) + low) | v) & ~low; // the top bit of each byte that is not zero
    out[i] = (uint8_t)(((top >> 7) * 0x0102040810204080) >> 56);
  }
  if (count % 8 == 0) return;
  uint8_t last = 0;
  for (size_t i = count / 8 * 8; i < count; i++) last |= (uint8_t)((bytes[i] != 0) << (i % 8));
  out[count / 8] = last;
}

KERNEL size_t compact(const uint8_t *bytes, size_t count, uint8_t *out) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    out[found] = bytes[i];
    found += bytes[i] != 0;
  }
  return found;
}

KERNEL void expand(const uint8_t *bits, const uint8_t *nonzeros, size_t count, uint8_t *out) {
  memset(out, 0, count);
  for (size_t i = 0; i < (count + 7) / 8; i++) {
    if (bits[i] == 0xff) {
      memcpy(out + 8 * i, nonzeros, 8);
      nonzeros += 8;
      continue;
    }
    for (unsigned rest = bits[i]; rest != 0; rest &= rest - 1)
      out[8 * i + (size_t)__builtin_ctz(rest)] = *nonzeros++;
  }
}

#endif

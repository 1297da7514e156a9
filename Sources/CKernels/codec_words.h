// Included by codec_level.h once for each width, with WORD (an unsigned type) and NAME(name)
// defined.

// WORD is promoted to int when it is narrow, so every result is cut back to it.
#define BITS ((int)(8 * sizeof(WORD)))
#define TOP ((WORD)((WORD)1 << (BITS - 1)))
#define PER_VECTOR (CKERNELS_VECTOR_BYTES / sizeof(WORD))

INLINED WORD NAME(zigzag)(WORD d) {
  return (WORD)((WORD)(d << 1) ^ (WORD)(0 - (WORD)(d >> (BITS - 1))));
}

INLINED WORD NAME(unzigzag)(WORD y) { return (WORD)((WORD)(y >> 1) ^ (WORD)(0 - (WORD)(y & 1))); }

// The floats' bit patterns in the order of the floats.
INLINED WORD NAME(ordered)(WORD x) {
  return (WORD)(x ^ (WORD)(TOP | (WORD)(0 - (WORD)(x >> (BITS - 1)))));
}

INLINED WORD NAME(unordered)(WORD o) {
  return (WORD)(o ^ (WORD)(TOP | (WORD)((WORD)(o >> (BITS - 1)) - 1)));
}

INLINED WORD NAME(map)(int mapping, WORD x, WORD b) {
  switch (mapping) {
  case CKERNELS_ROTATED: return (WORD)((WORD)(x << 1) | (WORD)(x >> (BITS - 1)));
  case CKERNELS_INTEGER_DIFFERENCE: return NAME(zigzag)((WORD)(x - b));
  case CKERNELS_FLOAT_DIFFERENCE:
    return NAME(zigzag)((WORD)(NAME(ordered)(x) - NAME(ordered)(b)));
  case CKERNELS_XOR: return (WORD)(x ^ b);
  default: return x;
  }
}

INLINED WORD NAME(unmap)(int mapping, WORD y, WORD b) {
  switch (mapping) {
  case CKERNELS_ROTATED: return (WORD)((WORD)(y >> 1) | (WORD)(y << (BITS - 1)));
  case CKERNELS_INTEGER_DIFFERENCE: return (WORD)(NAME(unzigzag)(y) + b);
  case CKERNELS_FLOAT_DIFFERENCE:
    return NAME(unordered)((WORD)(NAME(unzigzag)(y) + NAME(ordered)(b)));
  case CKERNELS_XOR: return (WORD)(y ^ b);
  default: return y;
  }
}

// `mapping` and `per` are constants where the next functions are inlined, so that their loops have
// no branch and become whole vectors.

// One vector of `per` words; returns whether it is kept.
INLINED int NAME(split_vector)(int mapping, size_t per, const uint8_t *restrict content,
                               const uint8_t *restrict base, int shift, uint8_t *restrict planes,
                               size_t stride, uint8_t *restrict contexts) {
  WORD x[PER_VECTOR], b[PER_VECTOR], y[PER_VECTOR], any = 0;
  memcpy(x, content, per * sizeof(WORD));
  if (mapping >= CKERNELS_INTEGER_DIFFERENCE) memcpy(b, base, per * sizeof(WORD));
  for (size_t i = 0; i < per; i++) {
    y[i] = NAME(map)(mapping, x[i], mapping >= CKERNELS_INTEGER_DIFFERENCE ? b[i] : 0);
    any |= y[i];
  }
  for (size_t k = 0; k < sizeof(WORD); k++)
    for (size_t i = 0; i < per; i++) planes[k * stride + i] = (uint8_t)(y[i] >> (8 * k));
  if (mapping >= CKERNELS_INTEGER_DIFFERENCE)
    for (size_t i = 0; i < per; i++) contexts[i] = (uint8_t)(b[i] >> shift);
  return any != 0;
}

INLINED size_t NAME(split_by)(int mapping, struct ckernels_words words, const uint8_t *content,
                              uint8_t *planes, size_t stride, uint8_t *contexts, uint8_t *kept) {
  size_t vectors = words.count / PER_VECTOR, rest = words.count % PER_VECTOR, found = 0;
  memset(kept, 0, (words.count + 8 * PER_VECTOR - 1) / (8 * PER_VECTOR));
  for (size_t v = 0; v < vectors; v++) {
    __builtin_prefetch(content + (v + 32) * CKERNELS_VECTOR_BYTES);
    if (mapping >= CKERNELS_INTEGER_DIFFERENCE)
      __builtin_prefetch(words.base + (v + 32) * CKERNELS_VECTOR_BYTES);
    int keeps = NAME(split_vector)(mapping, PER_VECTOR, content + v * CKERNELS_VECTOR_BYTES,
                                   words.base + v * CKERNELS_VECTOR_BYTES, words.shift,
                                   planes + found, stride, contexts + found);
    kept[v / 8] |= (uint8_t)(keeps << (v % 8));
    found += keeps ? PER_VECTOR : 0;
  }
  if (rest == 0) return found;
  int keeps = NAME(split_vector)(mapping, rest, content + vectors * CKERNELS_VECTOR_BYTES,
                                 words.base + vectors * CKERNELS_VECTOR_BYTES, words.shift,
                                 planes + found, stride, contexts + found);
  kept[vectors / 8] |= (uint8_t)(keeps << (vectors % 8));
  return found + (keeps ? rest : 0);
}

INLINED void NAME(merge_vector)(int mapping, size_t per, const uint8_t *const *planes,
                                size_t found, int keeps, const uint8_t *restrict base,
                                uint8_t *restrict content) {
  WORD x[PER_VECTOR], b[PER_VECTOR];
  if (mapping >= CKERNELS_INTEGER_DIFFERENCE) memcpy(b, base, per * sizeof(WORD));
  WORD mask = (WORD)(0 - (WORD)(keeps != 0));
  for (size_t i = 0; i < per; i++) {
    WORD y = 0;
    for (size_t k = 0; k < sizeof(WORD); k++)
      y = (WORD)(y | (WORD)((WORD)planes[k][found + i] << (8 * k)));
    x[i] = NAME(unmap)(mapping, (WORD)(y & mask),
                       mapping >= CKERNELS_INTEGER_DIFFERENCE ? b[i] : 0);
  }
  memcpy(content, x, per * sizeof(WORD));
}

INLINED void NAME(merge_by)(int mapping, struct ckernels_words words,
                            const ckernels_bytes *planes, const uint8_t *kept,
                            uint8_t *content) {
  size_t vectors = words.count / PER_VECTOR, rest = words.count % PER_VECTOR, found = 0;
  const uint8_t *own[sizeof(WORD)]; // what is written to the content cannot change these
  memcpy(own, planes, sizeof own);
  for (size_t v = 0; v < vectors; v++) {
    int keeps = kept == NULL || (kept[v / 8] >> (v % 8) & 1);
    NAME(merge_vector)(mapping, PER_VECTOR, own, found, keeps,
                       words.base + v * CKERNELS_VECTOR_BYTES,
                       content + v * CKERNELS_VECTOR_BYTES);
    found += keeps ? PER_VECTOR : 0;
  }
  if (rest == 0) return;
  int keeps = kept == NULL || (kept[vectors / 8] >> (vectors % 8) & 1);
  NAME(merge_vector)(mapping, rest, own, found, keeps,
                     words.base + vectors * CKERNELS_VECTOR_BYTES,
                     content + vectors * CKERNELS_VECTOR_BYTES);
}

INLINED void NAME(contexts_of_vector)(size_t per, const uint8_t *restrict base, int shift,
                                      uint8_t *restrict contexts) {
  for (size_t i = 0; i < per; i++) {
    WORD b;
    memcpy(&b, base + i * sizeof(WORD), sizeof(WORD));
    contexts[i] = (uint8_t)(b >> shift);
  }
}

INLINED void NAME(contexts_of)(struct ckernels_words words, const uint8_t *kept,
                               uint8_t *contexts) {
  size_t vectors = words.count / PER_VECTOR, rest = words.count % PER_VECTOR;
  for (size_t v = 0; v < vectors; v++) {
    NAME(contexts_of_vector)(PER_VECTOR, words.base + v * CKERNELS_VECTOR_BYTES, words.shift,
                             contexts);
    contexts += kept == NULL || (kept[v / 8] >> (v % 8) & 1) ? PER_VECTOR : 0;
  }
  if (rest > 0 && (kept == NULL || (kept[vectors / 8] >> (vectors % 8) & 1)))
    NAME(contexts_of_vector)(rest, words.base + vectors * CKERNELS_VECTOR_BYTES, words.shift,
                             contexts);
}

KERNEL size_t NAME(split)(struct ckernels_words words, const uint8_t *content, uint8_t *planes,
                          size_t stride, uint8_t *contexts, uint8_t *kept) {
#define SPLIT(MAPPING)                                                                             \
  case MAPPING: return NAME(split_by)(MAPPING, words, content, planes, stride, contexts, kept);
  switch (words.mapping) {
    SPLIT(CKERNELS_ROTATED)
    SPLIT(CKERNELS_INTEGER_DIFFERENCE)
    SPLIT(CKERNELS_FLOAT_DIFFERENCE)
    SPLIT(CKERNELS_XOR)
  default: return NAME(split_by)(CKERNELS_PLAIN, words, content, planes, stride, contexts, kept);
  }
#undef SPLIT
}

KERNEL void NAME(merge)(struct ckernels_words words, const ckernels_bytes *planes,
                        const uint8_t *kept, uint8_t *content) {
#define MERGE(MAPPING)                                                                             \
  case MAPPING: return NAME(merge_by)(MAPPING, words, planes, kept, content);
  switch (words.mapping) {
    MERGE(CKERNELS_ROTATED)
    MERGE(CKERNELS_INTEGER_DIFFERENCE)
    MERGE(CKERNELS_FLOAT_DIFFERENCE)
    MERGE(CKERNELS_XOR)
  default: NAME(merge_by)(CKERNELS_PLAIN, words, planes, kept, content);
  }
#undef MERGE
}

#undef BITS
#undef TOP
#undef PER_VECTOR

// Included by planes.c once for each width, with WORD (an unsigned type) and NAME(name) defined.

// WORD is promoted to int when it is narrow, so every result is cut back to it.
#define BITS ((int)(8 * sizeof(WORD)))
#define TOP ((WORD)((WORD)1 << (BITS - 1)))

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

// `mapping` is a constant where these two are inlined, so that the loops hold no branch.
INLINED void NAME(split_by)(int mapping, const uint8_t *restrict content,
                            const uint8_t *restrict base, size_t count, uint8_t *restrict planes) {
  INDEPENDENT
  for (size_t i = 0; i < count; i++) {
    WORD x, b = 0;
    memcpy(&x, content + i * sizeof(WORD), sizeof(WORD));
    if (mapping >= CKERNELS_INTEGER_DIFFERENCE) memcpy(&b, base + i * sizeof(WORD), sizeof(WORD));
    WORD y = NAME(map)(mapping, x, b);
    for (size_t k = 0; k < sizeof(WORD); k++) planes[k * count + i] = (uint8_t)(y >> (8 * k));
  }
}

INLINED void NAME(merge_by)(int mapping, const uint8_t *restrict planes,
                            const uint8_t *restrict base, size_t count, uint8_t *restrict content) {
  INDEPENDENT
  for (size_t i = 0; i < count; i++) {
    WORD y = 0, b = 0;
    for (size_t k = 0; k < sizeof(WORD); k++)
      y = (WORD)(y | (WORD)((WORD)planes[k * count + i] << (8 * k)));
    if (mapping >= CKERNELS_INTEGER_DIFFERENCE) memcpy(&b, base + i * sizeof(WORD), sizeof(WORD));
    WORD x = NAME(unmap)(mapping, y, b);
    memcpy(content + i * sizeof(WORD), &x, sizeof(WORD));
  }
}

INLINED void NAME(split)(int mapping, const uint8_t *content, const uint8_t *base, size_t count,
                         uint8_t *planes) {
  switch (mapping) {
  case CKERNELS_PLAIN: NAME(split_by)(CKERNELS_PLAIN, content, base, count, planes); break;
  case CKERNELS_ROTATED: NAME(split_by)(CKERNELS_ROTATED, content, base, count, planes); break;
  case CKERNELS_INTEGER_DIFFERENCE:
    NAME(split_by)(CKERNELS_INTEGER_DIFFERENCE, content, base, count, planes);
    break;
  case CKERNELS_FLOAT_DIFFERENCE:
    NAME(split_by)(CKERNELS_FLOAT_DIFFERENCE, content, base, count, planes);
    break;
  case CKERNELS_XOR: NAME(split_by)(CKERNELS_XOR, content, base, count, planes); break;
  }
}

INLINED void NAME(merge)(int mapping, const uint8_t *planes, const uint8_t *base, size_t count,
                         uint8_t *content) {
  switch (mapping) {
  case CKERNELS_PLAIN: NAME(merge_by)(CKERNELS_PLAIN, planes, base, count, content); break;
  case CKERNELS_ROTATED: NAME(merge_by)(CKERNELS_ROTATED, planes, base, count, content); break;
  case CKERNELS_INTEGER_DIFFERENCE:
    NAME(merge_by)(CKERNELS_INTEGER_DIFFERENCE, planes, base, count, content);
    break;
  case CKERNELS_FLOAT_DIFFERENCE:
    NAME(merge_by)(CKERNELS_FLOAT_DIFFERENCE, planes, base, count, content);
    break;
  case CKERNELS_XOR: NAME(merge_by)(CKERNELS_XOR, planes, base, count, content); break;
  }
}

#undef BITS
#undef TOP

// Casts of floats by way of doubles, which hold the values of all of them.

#define BITS_OF_INFINITY ((int64_t)0x7ff << 52)

INLINED int64_t bits_of_double(double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// What is not a number keeps its sign and its bits, whatever the processor would make of it.
INLINED double double_of_f32(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  uint64_t nan = (uint64_t)(bits >> 31) << 63 | (uint64_t)BITS_OF_INFINITY |
                 (uint64_t)(bits & 0x7fffff) << 29;
  return double_of_bits((bits & 0x7fffffff) > 0x7f800000 ? nan
                                                         : (uint64_t)bits_of_double(value));
}

INLINED double double_of_bf16_bits(uint16_t bits) { return double_of_f32((uint32_t)bits << 16); }

INLINED double double_of_f64(uint64_t bits) { return double_of_bits(bits); }

// The bits of the nearest float of a narrow format without its sign, of two the even one.
// `largest` is what is never exceeded: infinity, or the largest number of a format without it.
INLINED int64_t nearest(int64_t magnitude, int fraction_bits, int bias, int64_t largest) {
  int shift = 52 - fraction_bits;
  int64_t half = ((int64_t)1 << (shift - 1)) - 1 + ((magnitude >> shift) & 1);
  int64_t normal = ((magnitude + half) >> shift) - ((int64_t)(1023 - bias) << fraction_bits);
  // Beside this number the last place of a double is that of the format's subnormal numbers.
  double ruler = double_of_bits((uint64_t)(1023 + 53 - bias - fraction_bits) << 52);
  double subnormal = double_of_bits((uint64_t)magnitude) + ruler;
  int64_t small = bits_of_double(subnormal) - bits_of_double(ruler);
  int64_t found = magnitude < (int64_t)(1024 - bias) << 52 ? small : normal;
  return found > largest ? largest : found;
}

INLINED int64_t magnitude_of(double value) { return bits_of_double(value) & INT64_MAX; }
INLINED int64_t sign_of(double value) { return (int64_t)((uint64_t)bits_of_double(value) >> 63); }

INLINED uint64_t f64_of_double(double value) { return (uint64_t)bits_of_double(value); }

INLINED uint32_t f32_of_double(double value) {
  float cast = (float)value;
  uint32_t bits;
  memcpy(&bits, &cast, sizeof bits);
  int64_t magnitude = magnitude_of(value);
  uint32_t payload = (uint32_t)(magnitude >> 29) & 0x7fffff;
  uint32_t nan = 0x7f800000 | (payload == 0 ? 0x400000 : payload);
  return magnitude > BITS_OF_INFINITY ? nan | (uint32_t)sign_of(value) << 31 : bits;
}

INLINED uint16_t f16_of_double(double value) {
  int64_t magnitude = magnitude_of(value);
  int64_t nan = 0x7e00 | ((magnitude >> 42) & 0x1ff);
  int64_t found = magnitude > BITS_OF_INFINITY ? nan : nearest(magnitude, 10, 15, 0x7c00);
  return (uint16_t)(found | sign_of(value) << 15);
}

INLINED uint16_t bf16_of_double(double value) {
  int64_t magnitude = magnitude_of(value);
  int64_t found = magnitude > BITS_OF_INFINITY ? 0x7fc0 : nearest(magnitude, 7, 127, 0x7f80);
  return (uint16_t)(found | sign_of(value) << 15);
}

INLINED uint8_t f8_e4m3_of_double(double value) {
  int64_t magnitude = magnitude_of(value);
  int64_t found = magnitude > BITS_OF_INFINITY ? 0x7f : nearest(magnitude, 3, 7, 0x7e);
  return (uint8_t)(found | sign_of(value) << 7);
}

INLINED uint8_t f8_e5m2_of_double(double value) {
  int64_t magnitude = magnitude_of(value);
  int64_t found = magnitude > BITS_OF_INFINITY ? 0x7f : nearest(magnitude, 2, 15, 0x7c);
  return (uint8_t)(found | sign_of(value) << 7);
}

#define READ(type, convert)                                                                        \
  for (size_t i = 0; i < count; i++) {                                                             \
    type x;                                                                                        \
    memcpy(&x, bytes + i * sizeof x, sizeof x);                                                    \
    out[i] = convert(x);                                                                           \
  }                                                                                                \
  break

KERNEL void values(int from, const uint8_t *restrict bytes, size_t count, double *restrict out) {
  switch (from) {
  case CKERNELS_F64: READ(uint64_t, double_of_f64);
  case CKERNELS_F32: READ(uint32_t, double_of_f32);
  case CKERNELS_F16: READ(uint16_t, double_of_f16);
  case CKERNELS_BF16: READ(uint16_t, double_of_bf16_bits);
  case CKERNELS_F8_E4M3: READ(uint8_t, double_of_f8_e4m3);
  case CKERNELS_F8_E5M2: READ(uint8_t, double_of_f8_e5m2);
  default: memset(out, 0, count * sizeof *out);
  }
}

#define WRITE(type, convert)                                                                       \
  for (size_t i = 0; i < count; i++) {                                                             \
    type x = convert(in[i]);                                                                       \
    memcpy(out + i * sizeof x, &x, sizeof x);                                                      \
  }                                                                                                \
  break

KERNEL void round_to(int to, const double *restrict in, size_t count, uint8_t *restrict out) {
  switch (to) {
  case CKERNELS_F64: WRITE(uint64_t, f64_of_double);
  case CKERNELS_F32: WRITE(uint32_t, f32_of_double);
  case CKERNELS_F16: WRITE(uint16_t, f16_of_double);
  case CKERNELS_BF16: WRITE(uint16_t, bf16_of_double);
  case CKERNELS_F8_E4M3: WRITE(uint8_t, f8_e4m3_of_double);
  case CKERNELS_F8_E5M2: WRITE(uint8_t, f8_e5m2_of_double);
  }
}

INLINED size_t size_of(int element) {
  switch (element) {
  case CKERNELS_F64: return 8;
  case CKERNELS_F32: return 4;
  case CKERNELS_F16:
  case CKERNELS_BF16: return 2;
  default: return 1;
  }
}

enum { BLOCK = 256 };

KERNEL void cast(int from, int to, const uint8_t *bytes, size_t count, uint8_t *out) {
  double block[BLOCK];
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t size = count - start < BLOCK ? count - start : BLOCK;
    values(from, bytes + start * size_of(from), size, block);
    round_to(to, block, size, out + start * size_of(to));
  }
}

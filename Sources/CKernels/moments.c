#include "CKernels.h"
#include "clones.h"
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#include "float_formats.h"

INLINED double double_of_bf16(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

INLINED double identity(double value) { return value; }

#define CONVERT(type, convert)                                                                     \
  for (size_t i = 0; i < count; i++) {                                                             \
    type x;                                                                                        \
    memcpy(&x, bytes + i * sizeof x, sizeof x);                                                    \
    out[i] = convert(x);                                                                           \
  }                                                                                                \
  break

CLONES void ckernels_to_double(int element, const uint8_t *bytes, size_t count, double *out) {
  switch (element) {
  case CKERNELS_F64: CONVERT(double, identity);
  case CKERNELS_F32: CONVERT(float, (double));
  case CKERNELS_F16: CONVERT(uint16_t, double_of_f16);
  case CKERNELS_BF16: CONVERT(uint16_t, double_of_bf16);
  case CKERNELS_F8_E4M3: CONVERT(uint8_t, double_of_f8_e4m3);
  case CKERNELS_F8_E5M2: CONVERT(uint8_t, double_of_f8_e5m2);
  case CKERNELS_I64: CONVERT(int64_t, (double));
  case CKERNELS_I32: CONVERT(int32_t, (double));
  case CKERNELS_I16: CONVERT(int16_t, (double));
  case CKERNELS_I8: CONVERT(int8_t, (double));
  case CKERNELS_U64: CONVERT(uint64_t, (double));
  case CKERNELS_U32: CONVERT(uint32_t, (double));
  case CKERNELS_U16: CONVERT(uint16_t, (double));
  case CKERNELS_U8: CONVERT(uint8_t, (double));
  case CKERNELS_BOOL: CONVERT(uint8_t, (double));
  default: memset(out, 0, count * sizeof *out);
  }
}

typedef double doubles __attribute__((vector_size(64)));
typedef int64_t integers __attribute__((vector_size(64)));

INLINED double sum_of_lanes(const doubles *sums) {
  double s[8];
  memcpy(s, sums, sizeof s);
  for (int width = 4; width > 0; width /= 2)
    for (int k = 0; k < width; k++) s[k] += s[k + width];
  return s[0];
}

INLINED uint64_t count_of_lanes(const integers *counts) {
  uint64_t total = 0;
  for (int k = 0; k < 8; k++) total += (uint64_t)(*counts)[k];
  return total;
}

CLONES void ckernels_moments(const double *a, const double *b, size_t count,
                             struct ckernels_sums *sums) {
  const integers exponent = (integers){0} + ((int64_t)0x7ff << 52);
  doubles sum_a = {0}, sum_b = {0}, sum_aa = {0}, sum_bb = {0}, sum_ab = {0}, sum_dd = {0};
  integers finite_a = {0}, finite_b = {0}, finite = {0};
  for (size_t i = 0; i < count; i += 8) {
    doubles x, y;
    if (count - i >= 8) {
      memcpy(&x, a + i, sizeof x);
      memcpy(&y, b + i, sizeof y);
    } else { // zeros after the end are finite and add nothing to the sums
      x = y = (doubles){0};
      memcpy(&x, a + i, (count - i) * sizeof *a);
      memcpy(&y, b + i, (count - i) * sizeof *b);
    }
    integers x_finite = ((integers)x & exponent) != exponent;
    integers y_finite = ((integers)y & exponent) != exponent;
    integers both = x_finite & y_finite;
    finite_a -= x_finite;
    finite_b -= y_finite;
    finite -= both;
    x = (doubles)((integers)x & both);
    y = (doubles)((integers)y & both);
    doubles d = x - y;
    sum_a += x;
    sum_b += y;
    sum_aa += x * x;
    sum_bb += y * y;
    sum_ab += x * y;
    sum_dd += d * d;
  }
  uint64_t padding = (8 - count % 8) % 8, read = count + padding;
  sums->nonfinite_a = read - count_of_lanes(&finite_a);
  sums->nonfinite_b = read - count_of_lanes(&finite_b);
  sums->count = count_of_lanes(&finite) - padding;
  sums->sum_a = sum_of_lanes(&sum_a);
  sums->sum_b = sum_of_lanes(&sum_b);
  sums->sum_aa = sum_of_lanes(&sum_aa);
  sums->sum_bb = sum_of_lanes(&sum_bb);
  sums->sum_ab = sum_of_lanes(&sum_ab);
  sums->sum_dd = sum_of_lanes(&sum_dd);
}

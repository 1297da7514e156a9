// A vector of a level's width, and functions of it. Included once by each level's file, which
// defines LANES (floats in a vector), TARGET (the attribute) and LEVEL (the name's ending).

#include "CKernelsFloat.h"
#include <string.h>

#define INLINED static inline __attribute__((always_inline)) TARGET
#define KERNEL static TARGET

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef float loose_floats __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t words __attribute__((vector_size(4 * LANES)));
typedef double doubles __attribute__((vector_size(4 * LANES)));

INLINED floats load(const float *p) { return *(const loose_floats *)p; }

INLINED void store(float *p, floats x) { *(loose_floats *)p = x; }

INLINED floats all(float x) { return x - (floats){0}; }

// The first `count` of a vector, zeros after them.
INLINED floats load_part(const float *p, size_t count) {
  floats x = {0};
  memcpy(&x, p, count * sizeof *p);
  return x;
}

INLINED void store_part(float *p, floats x, size_t count) { memcpy(p, &x, count * sizeof *p); }

INLINED floats choose(words mask, floats yes, floats no) {
  return (floats)(((words)yes & mask) | ((words)no & ~mask));
}

INLINED float sum_of(floats x) {
  float s[LANES];
  memcpy(s, &x, sizeof s);
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int k = 0; k < width; k++) s[k] += s[k + width];
  return s[0];
}

// The functions below keep NaN: a comparison with it is false.

INLINED floats clamp(floats x, float low, float high) {
  x = choose(x < all(low), all(low), x);
  return choose(x > all(high), all(high), x);
}

// e^x within 2 units in the last place (Cephes' expf); x is first held in −87.3 … 88.3.
INLINED floats exponential(floats x) {
  const float magic = 12582912.f; // 1.5 · 2^23: its last bits are those of a whole number
  x = clamp(x, -87.3f, 88.3f);
  floats shifted = x * 1.44269504089f + magic;
  floats n = shifted - magic;
  floats r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  floats p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  words power = ((words)shifted - (words)all(magic) + 127) << 23;
  return p * (floats)power;
}

// log x within 2 units in the last place (Cephes' logf), of normal positive numbers.
INLINED floats logarithm(floats x) {
  const words one_half = (words)all(0.5f);
  words bits = (words)x;
  words exponent = ((bits >> 23) & 255) - 126;
  floats m = (floats)((bits & 0x007fffff) | one_half); // 0.5 … 1
  words is_low = m < all(0.707106781186547524f);
  exponent += is_low;
  m = m + choose(is_low, m, all(0.f)) - 1.f;
  floats e = __builtin_convertvector(exponent, floats);
  floats z = m * m;
  floats p = all(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  p = p * m * z + e * -2.12194440e-4f - z * 0.5f;
  return m + p + e * 0.693359375f + (x - x);
}

// tanh x within 3 units in the last place (Cephes' tanhf).
INLINED floats hyperbolic_tangent(floats x) {
  floats size = (floats)((words)x & 0x7fffffff);
  floats z = x * x;
  floats p = all(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  floats near = p * z * x + x;
  floats far = 1.f - 2.f / (exponential(size + size) + 1.f);
  far = (floats)((words)far | ((words)x & (words)all(-0.f)));
  return choose(size < all(0.625f), near, far);
}

// erf x within 4e-7, by a quotient of polynomials in x² (Eigen's); x is first held in −4 … 4.
INLINED floats error_function(floats x) {
  x = clamp(x, -4.f, 4.f);
  floats z = x * x;
  floats p = all(-2.72614225801306e-10f);
  p = p * z + 2.77068142495902e-08f;
  p = p * z - 2.10102402082508e-06f;
  p = p * z - 5.69250639462346e-05f;
  p = p * z - 7.34990630326855e-04f;
  p = p * z - 2.95459980854025e-03f;
  p = p * z - 1.60960333262415e-02f;
  floats q = all(-1.45660718464996e-05f);
  q = q * z - 2.13374055278905e-04f;
  q = q * z - 1.68282697438203e-03f;
  q = q * z - 7.37332916720468e-03f;
  q = q * z - 1.42647390514189e-02f;
  return x * p / q;
}

// Transposes LANES vectors: after each of the log2(LANES) rounds the halves lie one step deeper in
// each other.
#if LANES == 16
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

INLINED void transpose(floats *x) {
  floats y[LANES];
#pragma clang loop unroll(full)
  for (int round = 1; round < LANES; round *= 2) {
#pragma clang loop unroll(full)
    for (int i = 0; i < LANES / 2; i++) {
      y[2 * i] = LOW_HALVES(x[i], x[i + LANES / 2]);
      y[2 * i + 1] = HIGH_HALVES(x[i], x[i + LANES / 2]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < LANES; i++) x[i] = y[i];
  }
}

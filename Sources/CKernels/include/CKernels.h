#ifndef CKERNELS_H
#define CKERNELS_H

// The hot loops. None keeps state, allocates or checks: the caller has checked the lengths.
// Each has a plain twin in Swift, Tests/WeightsTests/KernelTwins.swift, and gives the same bits.

#include "CKernelsCodec.h"
#include "CKernelsFloat.h"
#include "CKernelsPredict.h"
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has the instructions that the next two need.
int ckernels_has_sha256(void);

/// Adds `count` blocks of 64 bytes to the eight words of a state of SHA-256.
void ckernels_sha256(uint32_t *state, const uint8_t *blocks, size_t count);

/// Does the same for two messages side by side, in little more time than for one.
void ckernels_sha256_pair(uint32_t *first, const uint8_t *first_blocks, uint32_t *second,
                          const uint8_t *second_blocks, size_t count);

/// The types of elements, numbered as DType's raw values.
enum ckernels_element {
  CKERNELS_F64 = 1,
  CKERNELS_F32 = 2,
  CKERNELS_F16 = 3,
  CKERNELS_BF16 = 4,
  CKERNELS_F8_E4M3 = 5,
  CKERNELS_F8_E5M2 = 6,
  CKERNELS_I64 = 16,
  CKERNELS_I32 = 17,
  CKERNELS_I16 = 18,
  CKERNELS_I8 = 19,
  CKERNELS_U64 = 32,
  CKERNELS_U32 = 33,
  CKERNELS_U16 = 34,
  CKERNELS_U8 = 35,
  CKERNELS_BOOL = 48
};

/// Converts elements to doubles, exactly but for integers beyond 2^53; an unknown type gives zeros.
void ckernels_to_double(int element, const uint8_t *bytes, size_t count, double *out);

/// Sums over pairs (a, b) of numbers; a pair with one that is not finite is left out of all sums.
// It must not share the function's name: clang 21 crashes on a cloned function that does.
struct ckernels_sums {
  uint64_t nonfinite_a;
  uint64_t nonfinite_b;
  uint64_t count; // of pairs in the sums
  double sum_a, sum_b, sum_aa, sum_bb, sum_ab;
  double sum_dd; // of (a - b) squared
};

/// Overwrites `sums` with those of `count` pairs: eight running sums each, pair i in sum i mod 8,
/// added up pairwise at the end, without fused multiply-add: every processor gives the same bits.
void ckernels_moments(const double *a, const double *b, size_t count,
                      struct ckernels_sums *sums);

#endif

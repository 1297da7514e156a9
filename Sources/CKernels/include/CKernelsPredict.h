#ifndef CKERNELS_PREDICT_H
#define CKERNELS_PREDICT_H

// What a base chunk becomes before a chunk is taken against it, compiled once for each generation
// of the processor. The result is decoded content, so every level gives the same bytes: doubles, a
// fixed order, one rounding, no fused multiply-add. None keeps state, allocates or checks.
// Sources/Weights/Format.md says what is computed; Tests/WeightsTests/PredictionTwin.swift has it
// in plain Swift.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A base plus a product of two matrices, row-major.
struct ckernels_low_rank {
  int from, to;         // enum ckernels_element, floats, of the base and of the result
  size_t columns;       // of the matrix
  size_t first;         // the column of the first element
  size_t rank;          // columns of a and rows of b
  const float *a;       // a row for each row of the matrix that has an element
  const float *b;       // `columns` columns
  bool keeps_zeros;     // nothing is added to zeros of the base
};

/// The kernels of one level.
struct ckernels_prediction {
  const char *name;

  /// Casts floats: to the nearest value, of two the even one.
  void (*cast)(int from, int to, const uint8_t *bytes, size_t count, uint8_t *out);

  /// Casts the sum of each of the `count` elements of the base and its element of a · b.
  void (*add_product)(const struct ckernels_low_rank *product, const uint8_t *base, size_t count,
                      uint8_t *out);

  /// The floats' values, exactly.
  void (*values)(int from, const uint8_t *bytes, size_t count, double *out);

  /// The sum of x[i] · y[i]: eight running sums, added up pairwise at the end.
  double (*dot)(const double *x, const double *y, size_t count);

  /// Adds to the sums of weight · row k · row l of `rows` (`rank` of `stride` doubles) in
  /// squares[k * rank + l], l ≤ k, and those of weight · row k · value in products[k].
  void (*normal_equations)(const double *rows, size_t rank, size_t stride, const double *weights,
                           const double *values, size_t count, double *squares,
                           double *products);

  /// Eliminates rows of `width` doubles, a multiple of 8, with complete pivoting, until the mean
  /// square of what is left is at most noise · (1 + step / 8); overwrites them. Returns how many
  /// steps it took, or limit + 1.
  size_t (*rank)(double *rows, size_t count, size_t width, size_t limit, double noise);

  /// y[i] += factor · x[i].
  void (*add_scaled)(double factor, const double *x, size_t count, double *y);
};

/// The best level of this processor first; NULL after the last.
const struct ckernels_prediction *_Nullable ckernels_prediction_at(int index);

/// The best level of this processor.
const struct ckernels_prediction *ckernels_prediction_best(void);

#pragma clang assume_nonnull end

#endif

#ifndef CKERNELS_FLOAT_H
#define CKERNELS_FLOAT_H

// The float kernels of training, compiled once for each generation of the processor.
//
// A batch is kept feature by feature: `features` rows of `stride` floats, one for each example, so
// that every kernel works on many examples at once. Strides are multiples of 16, and such memories
// start at multiples of 64 bytes; what lies after the last example is computed and never read.
// None keeps state, allocates or checks. An element's value depends on the level, not on how the
// work is cut, so that any number of threads gives the same bytes. Their twins are Double's
// functions in Sources/Engine and the formulas in Tests/EngineTests/FloatKernelTests.swift.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The elements that `packed` of a product has room for.
enum { CKERNELS_PACKED_COUNT = 131072 };

/// c = a · b, row-major: element (i, j) of c is c[i * c_row + j].
struct ckernels_matrices {
  size_t m, n, k;       // rows of c, columns of c, length of the sums
  const float *a;       // element (i, p) is a[i * a_row + p * a_step]
  size_t a_row, a_step; // one of them is 1
  const float *b;       // element (p, j) is b[p * b_row + j], or b[j * b_row + p] if transposed
  size_t b_row;
  int b_transposed;
  float *c;
  size_t c_row;
  const float *_Nullable bias; // NULL, or one number a row of c, the first summand
  int rectified;     // max(0, ·) is stored
};

/// What the labels of a batch cost.
struct ckernels_loss {
  double loss;     // sum of weight · −log p(label)
  double weight;   // sum of the weights
  uint64_t correct; // labels that are the class of the greatest logit
};

/// The numbers of one AdamW step (Loshchilov and Hutter 2019, as PyTorch computes it).
struct ckernels_adamw_step {
  float gradient_scale; // of the gradient before anything else
  float decay;          // 1 − rate · weight decay
  float rest1;        // 1 − beta1
  float beta2, rest2; // rest2 = 1 − beta2
  float rate;         // learning rate / (1 − beta1^t)
  float correction;   // 1 / √(1 − beta2^t)
  float epsilon;
};

/// The numbers of one step of gradient descent with momentum, as PyTorch computes it.
struct ckernels_sgd_step {
  float gradient_scale; // of the gradient before anything else
  float decay;          // · parameter is added to the gradient
  float momentum;
  float rate;
};

/// The kernels of one level.
struct ckernels_floats {
  const char *name; // "x86-64-v4", …

  /// A product with at most 2·k·ε·Σ|a·b| of error; each sum runs from p = 0 upward.
  /// `packed` is scratch.
  void (*product)(const struct ckernels_matrices *matrices,
                           float *packed);

  /// out[f * stride + i] = rows[indices[i] * features + f], for `count` examples.
  void (*gather)(const float *rows, size_t features,
                          const int32_t *indices, size_t count, float *out,
                          size_t stride);

  /// sums[r] = the sum of the first `count` elements of row r.
  void (*row_sums)(const float *x, size_t rows, size_t count, size_t stride,
                            float *sums);

  // Elementwise; `count` is a multiple of 16. Gradients are replaced in place: g ← g · f′.
  void (*relu)(const float *x, size_t count, float *y);
  void (*gelu)(const float *x, size_t count, float *y);
  void (*tanh)(const float *x, size_t count, float *y);
  void (*relu_gradient)(const float *y, size_t count, float *g);
  void (*gelu_gradient)(const float *x, size_t count, float *g);
  void (*tanh_gradient)(const float *y, size_t count, float *g);

  /// y = scale · x where the upper half of the random word `first` + i is at least `threshold`,
  /// else 0; a word is SplitMix64's of state `key` at that place. x and y may be the same.
  void (*dropout)(uint64_t key, uint64_t first, uint32_t threshold, float scale,
                           const float *x, size_t count, float *y);

  /// y = (x − mean) / √(variance + ε) · gain + shift over the features of each example; keeps mean
  /// and 1 / √(variance + ε) in `moments`, two rows of `stride`.
  void (*normalize)(const float *x, size_t features, size_t stride,
                             const float *gain, const float *shift, float epsilon,
                             float *moments, float *y);

  /// Replaces g by the gradient of x; sums over `count` examples go to gain_gradient and
  /// shift_gradient unless those are NULL.
  void (*normalize_gradient)(const float *x, size_t features, size_t count,
                                      size_t stride, const float *gain,
                                      const float *moments,
                                      float *_Nullable gain_gradient,
                                      float *_Nullable shift_gradient, float *g);

  /// Softmax cross-entropy of `count` examples; `weights` are of the classes, NULL for ones.
  /// The gradient of the weighted mean goes to `g` unless that is NULL.
  void (*softmax)(const float *logits, size_t classes, size_t stride,
                           const int32_t *labels, size_t count,
                           const float *_Nullable weights, float *_Nullable g,
                           struct ckernels_loss *loss);

  /// The sum of (y − target)²; its gradient times `scale` / 2 goes to `g` unless that is NULL.
  double (*squared_error)(const float *y, const float *target,
                                   size_t rows, size_t stride, size_t count, float scale,
                                   float *_Nullable g);

  /// The sum of the squares.
  double (*squares)(const float *x, size_t count);

  /// One step on `count` parameters p with gradients g and moments m and v; the sum of the squares
  /// of g as given.
  double (*adamw)(const struct ckernels_adamw_step *step, size_t count,
                           float *p, const float *g, float *m,
                           float *v);

  /// One step on `count` parameters p with gradients g and velocities v; the sum of the squares of
  /// g as given.
  double (*sgd)(const struct ckernels_sgd_step *step, size_t count,
                         float *p, const float *g, float *v);
};

/// The kernels of a level, 0 for the best that this processor has; NULL after the last.
const struct ckernels_floats *_Nullable ckernels_floats_at(int index);

#pragma clang assume_nonnull end

#endif

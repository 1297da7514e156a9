// Steps of the optimisers. Sums of squares run in floats over 1024 elements, then in doubles.

#define SQUARES_BLOCK 1024

// Runs BODY on vectors of `count` elements from `i`; `part` is how many of them are there.
#define IN_BLOCKS(BODY)                                                                            \
  double total = 0;                                                                                \
  for (size_t from = 0; from < count; from += SQUARES_BLOCK) {                                     \
    size_t end = count - from < SQUARES_BLOCK ? count : from + SQUARES_BLOCK, i = from;            \
    floats squares = {0};                                                                          \
    for (; i + LANES <= end; i += LANES) {                                                         \
      BODY(load, store, )                                                                          \
    }                                                                                              \
    if (i < end) {                                                                                 \
      BODY(load_part, store_part, PART)                                                            \
    }                                                                                              \
    total += (double)sum_of(squares);                                                              \
  }                                                                                                \
  return total
#define PART , end - i

KERNEL double squares(const float *x, size_t count) {
#define BODY(LOAD, STORE, END)                                                                     \
  floats v = LOAD(x + i END);                                                                      \
  squares += v * v;
  IN_BLOCKS(BODY);
#undef BODY
}

KERNEL double adamw(const struct ckernels_adamw_step *step, size_t count, float *p, const float *g,
                    float *m, float *v) {
  const struct ckernels_adamw_step s = *step;
#define BODY(LOAD, STORE, END)                                                                     \
  floats gradient = LOAD(g + i END);                                                               \
  squares += gradient * gradient;                                                                  \
  gradient *= s.gradient_scale;                                                                    \
  floats first = LOAD(m + i END), second = LOAD(v + i END);                                        \
  first = first + (gradient - first) * s.rest1;                                            \
  second = second * s.beta2 + gradient * gradient * s.rest2;                               \
  floats root = __builtin_elementwise_sqrt(second) * s.correction + s.epsilon;                     \
  STORE(p + i, LOAD(p + i END) * s.decay - s.rate * first / root END);                             \
  STORE(m + i, first END);                                                                         \
  STORE(v + i, second END);
  IN_BLOCKS(BODY);
#undef BODY
}

KERNEL double sgd(const struct ckernels_sgd_step *step, size_t count, float *p, const float *g,
                  float *v) {
  const struct ckernels_sgd_step s = *step;
#define BODY(LOAD, STORE, END)                                                                     \
  floats gradient = LOAD(g + i END), parameter = LOAD(p + i END);                                  \
  squares += gradient * gradient;                                                                  \
  gradient = gradient * s.gradient_scale + parameter * s.decay;                                    \
  gradient = LOAD(v + i END) * s.momentum + gradient;                                              \
  STORE(v + i, gradient END);                                                                      \
  STORE(p + i, parameter - gradient * s.rate END);
  IN_BLOCKS(BODY);
#undef BODY
}

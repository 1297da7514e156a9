// Activations, dropout and layer normalisation.

#define ELEMENTWISE for (size_t i = 0; i < count; i += LANES)

KERNEL void relu(const float *x, size_t count, float *y) {
  ELEMENTWISE {
    floats v = load(x + i);
    store(y + i, choose(v < all(0.f), all(0.f), v));
  }
}

KERNEL void relu_gradient(const float *y, size_t count, float *g) {
  ELEMENTWISE store(g + i, (floats)((words)load(g + i) & (load(y + i) > all(0.f))));
}

KERNEL void gelu(const float *x, size_t count, float *y) {
  ELEMENTWISE {
    floats v = load(x + i);
    store(y + i, v * 0.5f * (1.f + error_function(v * 0.70710678118654752f)));
  }
}

KERNEL void gelu_gradient(const float *x, size_t count, float *g) {
  ELEMENTWISE {
    floats v = load(x + i);
    floats below = 0.5f * (1.f + error_function(v * 0.70710678118654752f));
    floats density = 0.39894228040143268f * exponential(v * v * -0.5f);
    store(g + i, load(g + i) * (below + v * density));
  }
}

KERNEL void hyperbolic(const float *x, size_t count, float *y) {
  ELEMENTWISE store(y + i, hyperbolic_tangent(load(x + i)));
}

KERNEL void hyperbolic_gradient(const float *y, size_t count, float *g) {
  ELEMENTWISE {
    floats v = load(y + i);
    store(g + i, load(g + i) * (1.f - v * v));
  }
}

KERNEL void dropout(uint64_t key, uint64_t first, uint32_t threshold, float scale, const float *x,
                    size_t count, float *y) {
  for (size_t i = 0; i < count; i++) {
    uint64_t word = key + (first + i + 1) * 0x9e3779b97f4a7c15u;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    word ^= word >> 31;
    y[i] = (uint32_t)(word >> 32) >= threshold ? x[i] * scale : 0.f;
  }
}

// Adds a vector to two of doubles, its lower half to the first.
#define HALVES(x, low, high)                                                                       \
  do {                                                                                             \
    float lanes[LANES];                                                                            \
    memcpy(lanes, &(x), sizeof lanes);                                                             \
    for (int h = 0; h < LANES / 2; h++) low[h] += lanes[h], high[h] += lanes[h + LANES / 2];       \
  } while (0)

INLINED floats mean_of(doubles low, doubles high, size_t features) {
  floats mean;
  for (int h = 0; h < LANES / 2; h++) {
    mean[h] = (float)(low[h] / (double)features);
    mean[h + LANES / 2] = (float)(high[h] / (double)features);
  }
  return mean;
}

KERNEL void normalize(const float *x, size_t features, size_t stride, const float *gain,
                      const float *shift, float epsilon, float *moments, float *y) {
  for (size_t i = 0; i < stride; i += LANES) {
    doubles low = {0}, high = {0};
    for (size_t f = 0; f < features; f++) {
      floats v = load(x + f * stride + i);
      HALVES(v, low, high);
    }
    floats mean = mean_of(low, high, features);
    low = high = (doubles){0};
    for (size_t f = 0; f < features; f++) {
      floats d = load(x + f * stride + i) - mean;
      floats square = d * d;
      HALVES(square, low, high);
    }
    floats scale = 1.f / __builtin_elementwise_sqrt(mean_of(low, high, features) + epsilon);
    store(moments + i, mean);
    store(moments + stride + i, scale);
    for (size_t f = 0; f < features; f++)
      store(y + f * stride + i,
            (load(x + f * stride + i) - mean) * scale * gain[f] + shift[f]);
  }
}

KERNEL void normalize_gradient(const float *x, size_t features, size_t count, size_t stride,
                               const float *gain, const float *moments, float *gain_gradient,
                               float *shift_gradient, float *g) {
  if (shift_gradient) row_sums(g, features, count, stride, shift_gradient);
  for (size_t f = 0; gain_gradient && f < features; f++) {
    floats sum = {0};
    for (size_t i = 0; i < count; i += LANES) {
      size_t at = f * stride + i;
      floats normal = (load(x + at) - load(moments + i)) * load(moments + stride + i);
      floats term = load(g + at) * normal;
      if (count - i < LANES) term = load_part((float *)&term, count - i);
      sum += term;
    }
    gain_gradient[f] = sum_of(sum);
  }
  for (size_t i = 0; i < stride; i += LANES) {
    floats mean = load(moments + i), scale = load(moments + stride + i);
    doubles low = {0}, high = {0}, low_product = {0}, high_product = {0};
    for (size_t f = 0; f < features; f++) {
      floats v = load(g + f * stride + i) * gain[f];
      floats product = v * (load(x + f * stride + i) - mean) * scale;
      HALVES(v, low, high);
      HALVES(product, low_product, high_product);
    }
    floats first = mean_of(low, high, features);
    floats second = mean_of(low_product, high_product, features);
    for (size_t f = 0; f < features; f++) {
      floats normal = (load(x + f * stride + i) - mean) * scale;
      floats v = load(g + f * stride + i) * gain[f];
      store(g + f * stride + i, scale * (v - first - normal * second));
    }
  }
}

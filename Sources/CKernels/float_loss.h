// Losses, of LANES examples at a time.

KERNEL void softmax(const float *logits, size_t classes, size_t stride, const int32_t *labels,
                    size_t count, const float *weights, float *g, struct ckernels_loss *loss) {
  struct ckernels_loss total = {0};
  for (size_t i = 0; i < count; i++) total.weight += weights ? weights[labels[i]] : 1.0;
  float share = (float)(1.0 / total.weight);
  for (size_t i = 0; i < count; i += LANES) {
    size_t width = count - i < LANES ? count - i : LANES;
    floats greatest = load(logits + i);
    words best = {0};
    for (size_t c = 1; c < classes; c++) {
      floats z = load(logits + c * stride + i);
      words is_greater = z > greatest;
      greatest = choose(is_greater, z, greatest);
      best = (best & ~is_greater) | (((int32_t)c - (words){0}) & is_greater);
    }
    floats sum = {0};
    for (size_t c = 0; c < classes; c++) {
      floats e = exponential(load(logits + c * stride + i) - greatest);
      if (g) store(g + c * stride + i, e);
      sum += e;
    }
    floats base = logarithm(sum) + greatest, weight = {0};
    for (size_t l = 0; l < width; l++) {
      int32_t label = labels[i + l];
      weight[l] = weights ? weights[label] : 1.f;
      total.loss += (double)(weight[l] * (base[l] - logits[(size_t)label * stride + i + l]));
      total.correct += label == best[l];
    }
    if (!g) continue;
    weight = weight * share;
    floats scale = weight / sum;
    for (size_t c = 0; c < classes; c++) {
      float *at = g + c * stride + i;
      store(at, load(at) * scale);
    }
    for (size_t l = 0; l < width; l++) g[(size_t)labels[i + l] * stride + i + l] -= weight[l];
  }
  *loss = total;
}

KERNEL double squared_error(const float *y, const float *target, size_t rows, size_t stride,
                            size_t count, float scale, float *g) {
  double sum = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < count; i++) {
      float d = y[r * stride + i] - target[r * stride + i];
      sum += (double)d * d;
      if (g) g[r * stride + i] = scale * d;
    }
  return sum;
}

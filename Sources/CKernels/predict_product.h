// Products of matrices in doubles: summands in order, each product and each sum rounded.

typedef double doubles __attribute__((vector_size(64)));
typedef int64_t integers __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(32)));

enum { LANES = 8, TOGETHER = 4 };

// The sums of `row` · b for so many columns, at most LANES · `vectors`.
INLINED void sum_products(const float *row, const float *b, size_t rank, size_t b_row, size_t count,
                          int vectors, doubles *sums) {
  for (size_t k = 0; k < rank; k++)
    for (int v = 0; v < vectors; v++) {
      floats x = {0};
      memcpy(&x, b + k * b_row + LANES * v, (vectors > 1 ? LANES : count) * sizeof *b);
      doubles product = (double)row[k] * __builtin_convertvector(x, doubles);
      sums[v] = sums[v] + product;
    }
}

// Adds sums to up to 8 values. A base that is not finite stays what it is, and so does one that is
// zero where `zeros` has ones; a sum that is not a number is the same one on every processor.
INLINED void add_sums(const doubles *sum, size_t count, int64_t zeros, double *values) {
  const integers infinity = (integers){0} + BITS_OF_INFINITY;
  const integers nan = (integers){0} + ((int64_t)0xfff << 51);
  doubles base = {0};
  memcpy(&base, values, count * sizeof *values);
  doubles total = base + *sum;
  integers is_nan = total != total;
  integers bits = (is_nan & nan) | (~is_nan & (integers)total);
  integers keeps = ((integers)base & infinity) == infinity;
  keeps |= ((integers){0} + zeros) & (((integers)base & INT64_MAX) == 0);
  bits = (keeps & (integers)base) | (~keeps & bits);
  memcpy(values, &bits, count * sizeof *values);
}

INLINED void add_row(const float *row, const float *b, size_t rank, size_t b_row, size_t count,
                     int64_t zeros, double *values) {
  size_t i = 0;
  for (; i + TOGETHER * LANES <= count; i += TOGETHER * LANES) {
    doubles sums[TOGETHER] = {{0}};
    sum_products(row, b + i, rank, b_row, LANES, TOGETHER, sums);
    for (int v = 0; v < TOGETHER; v++)
      add_sums(sums + v, LANES, zeros, values + i + LANES * (size_t)v);
  }
  for (; i < count; i += LANES) {
    size_t size = count - i < LANES ? count - i : LANES;
    doubles sum = {0};
    sum_products(row, b + i, rank, b_row, size, 1, &sum);
    add_sums(&sum, size, zeros, values + i);
  }
}

KERNEL void add_product(const struct ckernels_low_rank *product, const uint8_t *base, size_t count,
                        uint8_t *out) {
  double block[BLOCK];
  const float *row = product->a;
  int64_t zeros = product->keeps_zeros ? -1 : 0;
  size_t column = product->first;
  for (size_t done = 0; done < count;) {
    size_t size = product->columns - column;
    if (size > count - done) size = count - done;
    if (size > BLOCK) size = BLOCK;
    values(product->from, base + done * size_of(product->from), size, block);
    const float *b = product->b + column;
    add_row(row, b, product->rank, product->columns, size, zeros, block);
    round_to(product->to, block, size, out + done * size_of(product->to));
    done += size;
    column += size;
    if (column == product->columns) {
      column = 0;
      row += product->rank;
    }
  }
}

INLINED double sum_of_lanes(const doubles *sums) {
  double s[LANES];
  memcpy(s, sums, sizeof s);
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int k = 0; k < width; k++) s[k] += s[k + width];
  return s[0];
}

INLINED double dot_of(const double *x, const double *y, size_t count) {
  doubles sums = {0};
  for (size_t i = 0; i < count; i += LANES) {
    size_t size = (count - i < LANES ? count - i : LANES) * sizeof *x;
    doubles a = {0}, b = {0};
    if (count - i >= LANES) {
      memcpy(&a, x + i, sizeof a);
      memcpy(&b, y + i, sizeof b);
    } else {
      memcpy(&a, x + i, size);
      memcpy(&b, y + i, size);
    }
    doubles product = a * b;
    sums = sums + product;
  }
  return sum_of_lanes(&sums);
}

KERNEL double dot(const double *x, const double *y, size_t count) { return dot_of(x, y, count); }

KERNEL void add_scaled(double factor, const double *restrict x, size_t count, double *restrict y) {
  for (size_t i = 0; i < count; i++) {
    double product = factor * x[i];
    y[i] = y[i] + product;
  }
}

KERNEL void normal_equations(const double *rows, size_t rank, size_t stride,
                             const double *weights, const double *values, size_t count,
                             double *squares, double *products) {
  double weighted[BLOCK];
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t size = count - start < BLOCK ? count - start : BLOCK;
    for (size_t k = 0; k < rank; k++) {
      const double *row = rows + k * stride + start;
      for (size_t i = 0; i < size; i++) weighted[i] = weights[start + i] * row[i];
      products[k] += dot_of(weighted, values + start, size);
      for (size_t l = 0; l <= k; l++)
        squares[k * rank + l] += dot_of(weighted, rows + l * stride + start, size);
    }
  }
}

// The largest absolute value.
INLINED double largest_of(const double *row, size_t width) {
  integers top = {0};
  for (size_t i = 0; i < width; i += LANES) {
    integers x;
    memcpy(&x, row + i, sizeof x);
    x &= INT64_MAX; // these are ordered as the numbers are
    integers is_less = top < x;
    top = (is_less & x) | (~is_less & top);
  }
  int64_t largest = 0;
  for (int k = 0; k < LANES; k++) largest = top[k] > largest ? top[k] : largest;
  return double_of_bits((uint64_t)largest);
}

INLINED void swap_rows(double *x, double *y, size_t width) {
  for (size_t i = 0; i < width; i++) {
    double kept = x[i];
    x[i] = y[i];
    y[i] = kept;
  }
}

KERNEL size_t rank(double *rows, size_t count, size_t width, size_t limit, double noise) {
  double squares = 0;
  for (size_t r = 0; r < count; r++) squares += dot_of(rows + r * width, rows + r * width, width);
  for (size_t step = 0; step <= limit && count > 0; step++) {
    if (squares <= noise * (1 + (double)step / 8) * (double)(count * width)) return step;
    double largest = 0;
    size_t pivot = 0;
    for (size_t r = 0; r < count; r++) {
      double found = largest_of(rows + r * width, width);
      if (found > largest) {
        largest = found;
        pivot = r;
      }
    }
    count--;
    double *row = rows + count * width;
    swap_rows(rows + pivot * width, row, width);
    size_t column = 0;
    while (column + 1 < width && row[column] != largest && row[column] != -largest) column++;
    doubles sums = {0};
    for (size_t r = 0; r < count; r++) {
      double *other = rows + r * width, factor = other[column] / row[column];
      for (size_t i = 0; i < width; i += LANES) {
        doubles x, y;
        memcpy(&x, other + i, sizeof x);
        memcpy(&y, row + i, sizeof y);
        doubles product = factor * y;
        x = x - product;
        memcpy(other + i, &x, sizeof x);
        doubles square = x * x;
        sums = sums + square;
      }
      other[column] = 0;
    }
    squares = sum_of_lanes(&sums);
  }
  return limit + 1;
}

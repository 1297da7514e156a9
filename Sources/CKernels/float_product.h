// The product of matrices, in blocks that fit the caches.
//
// b is packed into panels of COLUMNS columns, of which the tile function holds ROWS × COLUMNS sums
// in registers while it runs down k; a is read in place. Blocks of k are added one after another,
// so that an element's sum has the same order wherever it lies in a tile.

#define PANEL_VECTORS 2
#define COLUMNS (PANEL_VECTORS * LANES)
#define K_BLOCK 512

typedef struct {
  const float *rows[ROWS]; // of a, at the block's first column; repeated after the last
  size_t a_step, k;
  const float *panel; // k × COLUMNS of b
  float *c;
  size_t c_row;
  size_t m, n; // of the tile that lie in c
  const float *bias;
  int is_first, rectified;
} tile;

INLINED floats load_element(const float *p, size_t n, int v) {
  size_t from = (size_t)v * LANES;
  if (n >= from + LANES) return load(p + from);
  return n > from ? load_part(p + from, n - from) : (floats){0};
}

INLINED void store_element(float *p, floats x, size_t n, int v) {
  size_t from = (size_t)v * LANES;
  if (n >= from + LANES)
    store(p + from, x);
  else if (n > from)
    store_part(p + from, x, n - from);
}

KERNEL void multiply_tile(const tile *t) {
  floats sums[ROWS][PANEL_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < PANEL_VECTORS; v++)
      sums[i][v] = (floats){0};
  if (t->is_first && t->bias)
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < PANEL_VECTORS; v++) sums[i][v] = all(t->bias[i < (int)t->m ? i : 0]);
  if (!t->is_first)
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < PANEL_VECTORS; v++)
        if (i < (int)t->m) sums[i][v] = load_element(t->c + (size_t)i * t->c_row, t->n, v);
  const float *rows[ROWS];
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++) rows[i] = t->rows[i];
  const float *b = t->panel, *end = b + t->k * COLUMNS;
  const size_t step = t->a_step;
  for (size_t at = 0; b < end; at += step, b += COLUMNS) {
    floats columns[PANEL_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < PANEL_VECTORS; v++) columns[v] = load(b + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < ROWS; i++) {
      floats element = all(rows[i][at]);
#pragma clang loop unroll(full)
      for (int v = 0; v < PANEL_VECTORS; v++) sums[i][v] += element * columns[v];
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < ROWS; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < PANEL_VECTORS; v++) {
      floats x = sums[i][v];
      if (t->rectified) x = choose(x < all(0.f), all(0.f), x);
      if (i < (int)t->m) store_element(t->c + (size_t)i * t->c_row, x, t->n, v);
    }
}

// k × n of b as rows; zeros after column n.
INLINED void pack_rows(const float *b, size_t b_row, size_t k, size_t n, float *panel) {
  for (size_t p = 0; p < k; p++)
    for (int v = 0; v < PANEL_VECTORS; v++)
      store(panel + p * COLUMNS + v * LANES, load_element(b + p * b_row, n, v));
}

// The same of the transposed matrix, n × k.
INLINED void pack_columns(const float *b, size_t b_row, size_t k, size_t n, float *panel) {
  for (int v = 0; v < PANEL_VECTORS; v++) {
    size_t from = (size_t)v * LANES;
    for (size_t p = 0; p < k; p += LANES) {
      size_t depth = k - p < LANES ? k - p : LANES;
      floats x[LANES];
      for (size_t j = 0; j < LANES; j++) {
        const float *row = b + (from + j) * b_row + p;
        x[j] = from + j >= n ? (floats){0} : depth == LANES ? load(row) : load_part(row, depth);
      }
      transpose(x);
      for (size_t q = 0; q < depth; q++) store(panel + (p + q) * COLUMNS + from, x[q]);
    }
  }
}

KERNEL void product(const struct ckernels_matrices *x, float *packed) {
  size_t k_block = x->k < K_BLOCK ? x->k : K_BLOCK;
  size_t n_block = CKERNELS_PACKED_COUNT / (k_block ? k_block : 1) / COLUMNS * COLUMNS;
  size_t blocks = (x->k + K_BLOCK - 1) / K_BLOCK;
  for (size_t j = 0; j < x->n; j += n_block) {
    size_t n = x->n - j < n_block ? x->n - j : n_block;
    for (size_t block = 0; block < (blocks ? blocks : 1); block++) {
      size_t p = block * K_BLOCK, k = x->k - p < K_BLOCK ? x->k - p : K_BLOCK;
      for (size_t q = 0; q < n; q += COLUMNS) {
        if (x->b_transposed)
          pack_columns(x->b + (j + q) * x->b_row + p, x->b_row, k, n - q, packed + q * k);
        else
          pack_rows(x->b + p * x->b_row + j + q, x->b_row, k, n - q, packed + q * k);
      }
      for (size_t i = 0; i < x->m; i += ROWS) {
        tile t = {.a_step = x->a_step, .k = k, .c_row = x->c_row, .is_first = p == 0};
        t.m = x->m - i < ROWS ? x->m - i : ROWS;
        t.bias = x->bias ? x->bias + i : NULL;
        t.rectified = x->rectified && block + 1 >= blocks;
        for (size_t r = 0; r < ROWS; r++)
          t.rows[r] = x->a + (i + (r < t.m ? r : 0)) * x->a_row + p * x->a_step;
        for (size_t q = 0; q < n; q += COLUMNS) {
          t.panel = packed + q * k;
          t.n = n - q;
          t.c = x->c + i * x->c_row + j + q;
          multiply_tile(&t);
        }
      }
    }
  }
}

KERNEL void gather(const float *rows, size_t features, const int32_t *indices, size_t count,
                   float *out, size_t stride) {
  for (size_t i = 0; i < count; i += LANES) {
    size_t width = count - i < LANES ? count - i : LANES;
    for (size_t f = 0; f < features; f += LANES) {
      size_t depth = features - f < LANES ? features - f : LANES;
      floats x[LANES];
      for (size_t j = 0; j < LANES; j++) {
        const float *row = j < width ? rows + (size_t)indices[i + j] * features + f : NULL;
        x[j] = !row ? (floats){0} : depth == LANES ? load(row) : load_part(row, depth);
      }
      transpose(x);
      for (size_t q = 0; q < depth; q++) store(out + (f + q) * stride + i, x[q]);
    }
  }
}

KERNEL void row_sums(const float *x, size_t rows, size_t count, size_t stride, float *sums) {
  for (size_t r = 0; r < rows; r++) {
    const float *row = x + r * stride;
    floats sum = {0};
    for (size_t i = 0; i + LANES <= count; i += LANES) sum += load(row + i);
    if (count % LANES) sum += load_part(row + count / LANES * LANES, count % LANES);
    sums[r] = sum_of(sum);
  }
}

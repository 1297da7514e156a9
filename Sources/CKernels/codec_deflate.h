// A deflate encoder that knows only Huffman codes: matching strings makes weights longer (RFC 1951,
// RFC 1950). Each run of the content is a block with a table of its own.

enum { LITERALS = 256, END = 256, SYMBOLS = 257, LIMIT = CKERNELS_CODE_BITS };
enum { STORED_MAX = 65535 };

// Where bits go, from the lowest up; whole bytes are written, eight more may be touched.
struct bit_writer {
  uint8_t *next;
  uint64_t bits;
  unsigned count;
};

INLINED void put(struct bit_writer *w, uint64_t value, unsigned count) {
  w->bits |= value << w->count;
  w->count += count;
  memcpy(w->next, &w->bits, 8);
  w->next += w->count >> 3;
  w->bits >>= w->count & ~7u;
  w->count &= 7;
}

// The used symbols in ascending order of their counts, equal ones by their number.
INLINED size_t sorted(const uint32_t *counts, size_t symbols, uint64_t *keys) {
  uint64_t other[SYMBOLS];
  size_t used = 0;
  uint32_t all = 0;
  for (size_t s = 0; s < symbols; s++) {
    keys[used] = (uint64_t)counts[s] << 16 | s;
    used += counts[s] != 0;
    all |= counts[s];
  }
  uint64_t *from = keys, *to = other;
  for (unsigned shift = 0; all >> shift != 0; shift += 8) {
    uint16_t starts[257] = {0};
    for (size_t i = 0; i < used; i++) starts[(from[i] >> (16 + shift) & 255) + 1]++;
    for (size_t v = 1; v < 256; v++) starts[v] = (uint16_t)(starts[v] + starts[v - 1]);
    for (size_t i = 0; i < used; i++) to[starts[from[i] >> (16 + shift) & 255]++] = from[i];
    uint64_t *swapped = from;
    from = to;
    to = swapped;
    if (shift == 24) break;
  }
  if (from != keys) memcpy(keys, from, used * sizeof *keys);
  return used;
}

// How many codes of each length an optimal code without a limit has (Moffat and Katajainen 1995).
INLINED void optimal_lengths(const uint64_t *keys, size_t used, uint32_t *of_length) {
  uint64_t weights[SYMBOLS]; // of leaves, then of inner nodes, then parents, then depths
  for (size_t i = 0; i < used; i++) weights[i] = keys[i] >> 16;
  size_t leaf = 2, root = 0;
  weights[0] += weights[1];
  for (size_t next = 1; next + 1 < used; next++) {
    if (leaf >= used || weights[root] < weights[leaf]) {
      weights[next] = weights[root];
      weights[root++] = next;
    } else {
      weights[next] = weights[leaf++];
    }
    if (leaf >= used || (root < next && weights[root] < weights[leaf])) {
      weights[next] += weights[root];
      weights[root++] = next;
    } else {
      weights[next] += weights[leaf++];
    }
  }
  weights[used - 2] = 0;
  for (size_t next = used - 2; next-- > 0;) weights[next] = weights[weights[next]] + 1;
  size_t available = 1, inner = used - 1;
  for (uint32_t depth = 0; available > 0; depth++) {
    size_t nodes = 0;
    while (inner > 0 && weights[inner - 1] == depth) {
      nodes++;
      inner--;
    }
    of_length[depth < 63 ? depth : 63] += (uint32_t)(available - nodes);
    available = 2 * nodes;
  }
}

// Lengths of codes, at most `limit` bits; 0 for unused symbols. Two symbols at least are used.
INLINED void code_lengths(const uint32_t *counts, size_t symbols, unsigned limit,
                          uint8_t *lengths) {
  uint64_t keys[SYMBOLS];
  uint32_t of_length[64] = {0};
  size_t used = sorted(counts, symbols, keys);
  optimal_lengths(keys, used, of_length);
  for (unsigned n = 63; n > limit; n--) {
    of_length[limit] += of_length[n];
    of_length[n] = 0;
  }
  // Codes that were cut take more than there is; each step frees one code of the limit's length.
  uint32_t taken = 0;
  for (unsigned n = 1; n <= limit; n++) taken += of_length[n] << (limit - n);
  for (; taken > 1u << limit; taken--) {
    of_length[limit]--;
    unsigned n = limit - 1;
    while (of_length[n] == 0) n--;
    of_length[n]--;
    of_length[n + 1] += 2;
  }
  memset(lengths, 0, symbols);
  size_t i = 0;
  for (unsigned n = limit; n >= 1; n--)
    for (uint32_t k = 0; k < of_length[n]; k++) lengths[keys[i++] & 0xffff] = (uint8_t)n;
}

INLINED uint32_t reversed(uint32_t code, unsigned count) {
  code = (code & 0x5555) << 1 | (code >> 1 & 0x5555);
  code = (code & 0x3333) << 2 | (code >> 2 & 0x3333);
  code = (code & 0x0f0f) << 4 | (code >> 4 & 0x0f0f);
  code = (code & 0x00ff) << 8 | (code >> 8 & 0x00ff);
  return code >> (16 - count);
}

// The code of each symbol with its length above it: length << 16 | code.
INLINED void canonical_codes(const uint8_t *lengths, size_t symbols, uint32_t *codes) {
  uint32_t of_length[17] = {0}, next[17] = {0}, code = 0;
  for (size_t s = 0; s < symbols; s++) of_length[lengths[s]]++;
  of_length[0] = 0;
  for (unsigned n = 1; n < 17; n++) next[n] = code = (code + of_length[n - 1]) << 1;
  for (size_t s = 0; s < symbols; s++) {
    unsigned n = lengths[s];
    codes[s] = n == 0 ? 0 : n << 16 | reversed(next[n]++, n);
  }
}

// A table of code lengths as deflate writes it: symbols 0 to 18, three of which carry a number.
struct table {
  size_t count;
  uint8_t symbols[SYMBOLS + 1];
  uint8_t extra[SYMBOLS + 1];
  uint8_t lengths[19];
  uint32_t codes[19];
  unsigned length_count; // of the 19, in deflate's order, that are written
  uint64_t bits;         // of the whole table
};

static const uint8_t table_order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                        11, 4,  12, 3, 13, 2, 14, 1, 15};

INLINED void add(struct table *t, uint8_t symbol, size_t extra) {
  t->symbols[t->count] = symbol;
  t->extra[t->count++] = (uint8_t)extra;
}

INLINED unsigned extra_bits(uint8_t symbol) {
  return symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
}

// `lengths` has one more than the literals and the end: a distance code of no bits, for none.
INLINED void make_table(struct table *t, const uint8_t *lengths) {
  t->count = 0;
  for (size_t i = 0; i <= SYMBOLS;) {
    uint8_t length = lengths[i];
    size_t run = 1;
    while (i + run <= SYMBOLS && lengths[i + run] == length) run++;
    i += run;
    if (length != 0) {
      add(t, length, 0);
      run--;
    }
    while (run >= 3) {
      size_t most = length != 0 ? 6 : 138, part = run < most ? run : most;
      if (length != 0) add(t, 16, part - 3);
      else if (part < 11) add(t, 17, part - 3);
      else add(t, 18, part - 11);
      run -= part;
    }
    while (run-- > 0) add(t, length, 0);
  }
  uint32_t counts[19] = {0};
  for (size_t i = 0; i < t->count; i++) counts[t->symbols[i]]++;
  // A code of one symbol would be incomplete; deflate allows that only for distances.
  size_t used = 0;
  for (size_t s = 0; s < 19; s++) used += counts[s] != 0;
  if (used == 1) counts[counts[0] == 0 ? 0 : 1]++;
  code_lengths(counts, 19, 7, t->lengths);
  canonical_codes(t->lengths, 19, t->codes);
  t->length_count = 19;
  while (t->length_count > 4 && t->lengths[table_order[t->length_count - 1]] == 0)
    t->length_count--;
  t->bits = 14 + 3 * t->length_count;
  for (size_t i = 0; i < t->count; i++)
    t->bits += t->lengths[t->symbols[i]] + extra_bits(t->symbols[i]);
}

INLINED void put_table(struct bit_writer *w, const struct table *t) {
  put(w, SYMBOLS - 257, 5);
  put(w, 0, 5); // one distance code, of no bits
  put(w, t->length_count - 4, 4);
  for (unsigned i = 0; i < t->length_count; i++) put(w, t->lengths[table_order[i]], 3);
  for (size_t i = 0; i < t->count; i++) {
    uint8_t symbol = t->symbols[i];
    put(w, t->codes[symbol] & 0xffff, t->lengths[symbol]);
    put(w, t->extra[i], extra_bits(symbol));
  }
}

INLINED void put_codes(struct bit_writer *w, const uint32_t *codes, const uint8_t *bytes,
                       size_t count) {
  uint64_t bits = w->bits;
  unsigned held = w->count;
  uint8_t *next = w->next;
  size_t i = 0;
  // Four codes of twelve bits and seven bits that are held fit into 64. The four are joined first,
  // so that only their sum waits for the four before.
  for (; i + 4 <= count; i += 4) {
    uint32_t c0 = codes[bytes[i]], c1 = codes[bytes[i + 1]];
    uint32_t c2 = codes[bytes[i + 2]], c3 = codes[bytes[i + 3]];
    uint64_t low = (c0 & 0xffff) | (uint64_t)(c1 & 0xffff) << (c0 >> 16);
    uint64_t high = (c2 & 0xffff) | (uint64_t)(c3 & 0xffff) << (c2 >> 16);
    uint32_t low_bits = (c0 >> 16) + (c1 >> 16), high_bits = (c2 >> 16) + (c3 >> 16);
    bits |= (low | high << low_bits) << held;
    held += low_bits + high_bits;
    memcpy(next, &bits, 8);
    next += held >> 3;
    bits >>= held & ~7u;
    held &= 7;
  }
  *w = (struct bit_writer){next, bits, held};
  for (; i < count; i++) put(w, codes[bytes[i]] & 0xffff, codes[bytes[i]] >> 16);
}

INLINED void put_stored(struct bit_writer *w, const uint8_t *bytes, size_t count, int is_last) {
  while (count > 0) {
    size_t part = count < STORED_MAX ? count : STORED_MAX;
    put(w, (uint64_t)(is_last && part == count), 3);
    if (w->count > 0) put(w, 0, 8 - w->count);
    put(w, part, 16);
    put(w, ~part & 0xffff, 16);
    memcpy(w->next, bytes, part);
    w->next += part;
    bytes += part;
    count -= part;
  }
}

INLINED void put_block(struct bit_writer *w, const uint8_t *bytes, size_t count, int is_last) {
  uint32_t counts[SYMBOLS], codes[SYMBOLS];
  uint8_t lengths[SYMBOLS + 1];
  struct table table;
  histogram(bytes, count, counts);
  counts[END] = 1;
  code_lengths(counts, SYMBOLS, LIMIT, lengths);
  lengths[SYMBOLS] = 0;
  make_table(&table, lengths);
  uint64_t bits = 3 + table.bits;
  for (size_t s = 0; s < SYMBOLS; s++) bits += (uint64_t)counts[s] * lengths[s];
  size_t blocks = (count + STORED_MAX - 1) / STORED_MAX;
  if (bits >= 8 * (count + 4 * blocks) + 3) return put_stored(w, bytes, count, is_last);
  canonical_codes(lengths, SYMBOLS, codes);
  put(w, (uint64_t)is_last, 1);
  put(w, 2, 2);
  put_table(w, &table);
  put_codes(w, codes, bytes, count);
  put(w, codes[END] & 0xffff, codes[END] >> 16);
}

INLINED uint32_t adler32(const uint8_t *bytes, size_t count) {
  uint32_t a = 1, b = 0;
  while (count > 0) {
    size_t part = count < 5552 ? count : 5552; // the most before a sum of 32 bits overflows
    size_t i = 0;
    for (; i + 32 <= part; i += 32) {
      uint32_t sum = 0, weighted = 0;
      for (size_t k = 0; k < 32; k++) {
        sum += bytes[i + k];
        weighted += (uint32_t)(32 - k) * bytes[i + k];
      }
      b += 32 * a + weighted;
      a += sum;
    }
    for (; i < part; i++) b += a += bytes[i];
    a %= 65521;
    b %= 65521;
    bytes += part;
    count -= part;
  }
  return b << 16 | a;
}

KERNEL size_t deflate(const uint8_t *content, const uint32_t *runs, size_t count, uint8_t *out) {
  struct bit_writer w = {out, 0, 0};
  put(&w, 0x0178, 16); // deflate with a window of 32 KiB, the fastest level
  const uint8_t *bytes = content;
  for (size_t r = 0; r < count; r++) {
    put_block(&w, bytes, runs[r], r + 1 == count);
    bytes += runs[r];
  }
  if (w.count > 0) put(&w, 0, 8 - w.count);
  put(&w, __builtin_bswap32(adler32(content, (size_t)(bytes - content))), 32);
  return (size_t)(w.next - out);
}

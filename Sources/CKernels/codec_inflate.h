// Decodes what codec_deflate.h writes. A code's dependence on the one before is what takes time,
// so four streams are decoded side by side. Whatever is not as the encoder writes it is left to
// zlib: nothing here has to tell damage from another encoder's stream.

enum { TABLE_SIZE = 1 << LIMIT };

// An entry of a table: up to three literals, how many, how many bits they take together. An entry
// with STOP has no literals: what comes is the end of the block.
enum { ENTRY_COUNT = 24, STOP = 1 << 27, ENTRY_BITS = 28 };

struct lane {
  const uint8_t *bytes;
  size_t count;
  uint64_t position; // in bits
  uint8_t *start, *next, *end;
  int in_block; // a block of codes has begun and the table is its table
  int is_last;  // the block is the last
  unsigned end_bits; // of the code that ends the block
  size_t index;
  uint32_t *table;
};

// The bits at a place, zeros after the stream's end; at most 56 of them are right.
INLINED uint64_t peek(const struct lane *l) {
  size_t byte = (size_t)(l->position >> 3);
  uint64_t v = 0;
  if (byte < l->count) memcpy(&v, l->bytes + byte, l->count - byte < 8 ? l->count - byte : 8);
  return v >> (l->position & 7);
}

INLINED uint32_t take(struct lane *l, unsigned count) {
  uint32_t v = (uint32_t)(peek(l) & ((1ull << count) - 1));
  l->position += count;
  return v;
}

// Fills a table of `bits` bits from canonical codes; returns 0 unless the code is complete.
INLINED int fill_table(const uint8_t *lengths, size_t symbols, unsigned bits, uint16_t *table) {
  uint32_t of_length[16] = {0}, taken = 0;
  uint16_t starts[17], ordered[SYMBOLS];
  for (size_t s = 0; s < symbols; s++) of_length[lengths[s]]++;
  starts[1] = 0;
  for (unsigned n = 1; n <= bits; n++) {
    taken += of_length[n] << (bits - n);
    starts[n + 1] = (uint16_t)(starts[n] + of_length[n]);
  }
  if (taken != 1u << bits) return 0;
  for (size_t s = 0; s < symbols; s++)
    if (lengths[s] != 0) ordered[starts[lengths[s]]++] = (uint16_t)s;
  // The table of n bits twice is that of n + 1 bits, but for the codes that are n + 1 bits long.
  uint32_t code = 0;
  size_t i = 0;
  table[0] = 0;
  for (unsigned n = 1; n <= bits; n++) {
    memcpy(table + (1u << (n - 1)), table, sizeof *table << (n - 1));
    code <<= 1;
    for (uint32_t k = 0; k < of_length[n]; k++, i++, code++)
      table[reversed(code, n)] = (uint16_t)(ordered[i] | n << 9);
  }
  return 1;
}

// Entries of several literals each.
INLINED void fill_entries(const uint16_t *single, uint32_t *table) {
  for (uint32_t v = 0; v < TABLE_SIZE; v++) {
    uint32_t entry = 0, count = 0, bits = 0, rest = v;
    for (; count < 3; count++) {
      uint32_t symbol = single[rest] & 511, length = single[rest] >> 9;
      if (symbol == END || bits + length > LIMIT) break;
      entry |= symbol << (8 * count);
      bits += length;
      rest >>= length;
    }
    table[v] = count == 0 ? STOP : entry | count << ENTRY_COUNT | bits << ENTRY_BITS;
  }
}

INLINED void fill_single_entries(const uint16_t *single, uint32_t *table) {
  for (uint32_t v = 0; v < TABLE_SIZE; v++) {
    uint32_t symbol = single[v] & 511, length = single[v] >> 9;
    table[v] = symbol == END ? STOP : symbol | 1u << ENTRY_COUNT | length << ENTRY_BITS;
  }
}

// Reads the lengths of a block's codes: SYMBOLS of them and one distance code of no bits.
INLINED int read_lengths(struct lane *l, uint8_t *lengths) {
  uint32_t literals = take(l, 5), distances = take(l, 5), count = take(l, 4) + 4;
  if (literals != 0 || distances != 0) return 0;
  uint8_t table_lengths[19] = {0};
  uint16_t table[1 << 7];
  for (uint32_t i = 0; i < count; i++) table_lengths[table_order[i]] = (uint8_t)take(l, 3);
  if (!fill_table(table_lengths, 19, 7, table)) return 0;
  for (size_t i = 0; i <= SYMBOLS;) {
    uint16_t entry = table[peek(l) & 127];
    uint32_t symbol = entry & 511;
    l->position += entry >> 9;
    if (symbol < 16) {
      lengths[i++] = (uint8_t)symbol;
      continue;
    }
    if (symbol == 16 && i == 0) return 0;
    size_t run = symbol == 16 ? 3 + take(l, 2) : symbol == 17 ? 3 + take(l, 3) : 11 + take(l, 7);
    if (run > SYMBOLS + 1 - i) return 0;
    memset(lengths + i, symbol == 16 ? lengths[i - 1] : 0, run);
    i += run;
  }
  for (size_t i = 0; i <= SYMBOLS; i++)
    if (lengths[i] > LIMIT) return 0;
  return lengths[END] != 0 && lengths[SYMBOLS] == 0;
}

INLINED int open_codes(struct lane *l) {
  uint8_t lengths[SYMBOLS + 1];
  uint16_t single[TABLE_SIZE];
  if (!read_lengths(l, lengths) || !fill_table(lengths, SYMBOLS, LIMIT, single)) return 0;
  unsigned shortest = LIMIT;
  for (size_t s = 0; s < LITERALS; s++)
    if (lengths[s] != 0 && lengths[s] < shortest) shortest = lengths[s];
  // Entries of several literals take a while to make.
  if (shortest <= LIMIT / 3 && l->end - l->next >= TABLE_SIZE) fill_entries(single, l->table);
  else fill_single_entries(single, l->table);
  l->end_bits = lengths[END];
  l->in_block = 1;
  return 1;
}

INLINED int copy_stored(struct lane *l) {
  l->position = (l->position + 7) & ~7ull;
  size_t count = take(l, 16), check = take(l, 16), byte = (size_t)(l->position >> 3);
  if ((count ^ check) != 0xffff || byte > l->count || count > l->count - byte ||
      count > (size_t)(l->end - l->next))
    return 0;
  memcpy(l->next, l->bytes + byte, count);
  l->next += count;
  l->position += 8 * (uint64_t)count;
  return 1;
}

// Goes on to the next block of codes: 1 when there is one, 0 at the end of the stream, −1 where
// the stream is none of ours.
INLINED int open_block(struct lane *l) {
  while (!l->is_last) {
    if (l->position > 8 * (uint64_t)l->count) return -1;
    l->is_last = (int)take(l, 1);
    uint32_t kind = take(l, 2);
    if (kind == 2) return open_codes(l) ? 1 : -1;
    if (kind != 0 || !copy_stored(l)) return -1;
  }
  return 0;
}

// Decodes the rest of a block, where the fast loops would read or write outside: one entry at a
// time. Returns 0 where there is more than fits.
INLINED int finish_block(struct lane *l) {
  for (;;) {
    uint32_t entry = l->table[peek(l) & (TABLE_SIZE - 1)];
    if (entry & STOP) break;
    uint32_t count = entry >> ENTRY_COUNT & 7;
    if (count > (size_t)(l->end - l->next) || l->position > 8 * (uint64_t)l->count) return 0;
    for (uint32_t k = 0; k < count; k++) *l->next++ = (uint8_t)(entry >> (8 * k));
    l->position += entry >> ENTRY_BITS;
  }
  l->position += l->end_bits;
  l->in_block = 0;
  return 1;
}

// How often a lane can be read for four entries: each round takes 6 bytes at most, reads 8 more,
// and writes 16.
INLINED size_t rounds(const struct lane *l) {
  size_t byte = (size_t)(l->position >> 3);
  if (l->count < byte + 16 || l->end - l->next < 32) return 0;
  size_t in = (l->count - byte - 8) / 6, out = (size_t)(l->end - l->next - 16) / 12;
  return in < out ? in : out;
}

#define LANE_START(N)                                                                              \
  uint64_t p##N = l##N->position;                                                                  \
  uint8_t *o##N = l##N->next;                                                                      \
  const uint32_t *t##N = l##N->table;                                                              \
  const uint8_t *b##N = l##N->bytes;                                                               \
  uint32_t e##N = 0;

#define LANE_LOAD(N)                                                                               \
  uint64_t w##N;                                                                                   \
  memcpy(&w##N, b##N + (p##N >> 3), 8);                                                            \
  w##N >>= p##N & 7;

#define LANE_STEP(N)                                                                               \
  e##N = t##N[w##N & (TABLE_SIZE - 1)];                                                            \
  memcpy(o##N, &e##N, 4);                                                                          \
  o##N += e##N >> ENTRY_COUNT & 7;                                                                 \
  w##N >>= e##N >> ENTRY_BITS;                                                                     \
  p##N += e##N >> ENTRY_BITS;

#define LANE_END(N)                                                                                \
  l##N->position = p##N;                                                                           \
  l##N->next = o##N;

// A STOP entry takes no bits and gives no bytes, so a lane that met one waits for the others.
KERNEL void decode_one(struct lane *l0, size_t count) {
  LANE_START(0)
  for (; count > 0 && !(e0 & STOP); count--) {
    LANE_LOAD(0)
    LANE_STEP(0) LANE_STEP(0) LANE_STEP(0) LANE_STEP(0)
  }
  LANE_END(0)
}

KERNEL void decode_four(struct lane *l0, struct lane *l1, struct lane *l2, struct lane *l3,
                        size_t count) {
  LANE_START(0) LANE_START(1) LANE_START(2) LANE_START(3)
  for (; count > 0 && !((e0 | e1 | e2 | e3) & STOP); count--) {
    LANE_LOAD(0) LANE_LOAD(1) LANE_LOAD(2) LANE_LOAD(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
  }
  LANE_END(0) LANE_END(1) LANE_END(2) LANE_END(3)
}

INLINED int is_at_stop(const struct lane *l) {
  return (l->table[peek(l) & (TABLE_SIZE - 1)] & STOP) != 0;
}

// Whether a stream has ended well: its checksum follows, and nothing after it.
INLINED int is_whole(const struct lane *l) {
  size_t byte = (size_t)((l->position + 7) >> 3);
  if (l->next != l->end || byte > l->count || l->count - byte != 4) return 0;
  uint32_t check;
  memcpy(&check, l->bytes + byte, 4);
  return __builtin_bswap32(check) == adler32(l->start, (size_t)(l->end - l->start));
}

INLINED void open_lane(struct lane *l, const struct ckernels_stream *streams, size_t index) {
  const struct ckernels_stream *s = &streams[index];
  uint32_t *table = l->table;
  *l = (struct lane){.bytes = s->bytes, .count = s->count, .position = 16, .start = s->out,
                     .next = s->out, .end = s->out + s->out_count, .index = index, .table = table};
}

// Whether a header is zlib's for deflate, without a dictionary.
INLINED int has_header(const struct ckernels_stream *s) {
  return s->count >= 8 && (s->bytes[0] & 15) == 8 && s->bytes[0] >> 4 <= 7 &&
         ((unsigned)s->bytes[0] << 8 | s->bytes[1]) % 31 == 0 && !(s->bytes[1] & 32);
}

// Brings a lane to where the fast loops can go on: 1; or to its stream's end: 0.
INLINED int ready(struct lane *l, uint8_t *done) {
  for (;;) {
    if (l->in_block) {
      if (rounds(l) > 0 && !is_at_stop(l)) return 1;
      if (!finish_block(l)) return 0;
    }
    int opened = open_block(l);
    if (opened < 0) return 0;
    if (opened == 0) {
      done[l->index] = (uint8_t)is_whole(l);
      return 0;
    }
  }
}

KERNEL void inflate(const struct ckernels_stream *streams, size_t count, uint8_t *done) {
  uint32_t tables[4][TABLE_SIZE];
  struct lane lanes[4];
  size_t next = 0, active = 0;
  memset(done, 0, count);
  for (size_t i = 0; i < 4; i++) lanes[i].table = tables[i];
  for (;;) {
    while (active < 4 && next < count) {
      if (!has_header(&streams[next])) {
        next++;
        continue;
      }
      open_lane(&lanes[active], streams, next++);
      active += ready(&lanes[active], done) != 0;
    }
    if (active == 0) return;
    size_t most = rounds(&lanes[0]);
    for (size_t i = 1; i < active; i++) most = rounds(&lanes[i]) < most ? rounds(&lanes[i]) : most;
    if (active == 4) decode_four(&lanes[0], &lanes[1], &lanes[2], &lanes[3], most);
    else for (size_t i = 0; i < active; i++) decode_one(&lanes[i], rounds(&lanes[i]));
    for (size_t i = 0; i < active;) {
      if (ready(&lanes[i], done)) {
        i++;
        continue;
      }
      struct lane ended = lanes[i];
      lanes[i] = lanes[--active];
      lanes[active] = ended; // its table is free again
    }
  }
}

// Decodes what codec_deflate.h writes. A code's dependence on the one before is what takes time,
// so four streams are decoded side by side. Whatever is not as the encoder writes it is left to
// zlib: nothing here has to tell damage from another encoder's stream.

enum { TABLE_SIZE = 1 << LIMIT };

// An entry of a table: how many bits it takes (the lowest 6 bits), how many literals it gives (2
// bits), and up to three literals. One of zero is a stop: what comes is the end of the block.
enum { ENTRY_COUNT = 6, ENTRY_LITERALS = 8, LITERALS_MAX = 3 };

// Entries of several literals take a while to make: a block has to be longer than this for them.
enum { SINGLE_BYTES = 4096 };

struct lane {
  const uint8_t *bytes;
  size_t count;
  uint64_t position; // in bits
  uint8_t *start, *next, *end;
  int is_active;
  int in_block;      // a block of codes has begun and the table is its table
  int is_last;       // the block is the last
  unsigned end_bits; // of the code that ends the block
  uint8_t *single_end; // where entries of several literals are made; NULL when they never are
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

// Makes the entries of one literal each.
INLINED void fill_single_entries(const uint16_t *single, uint32_t *table) {
  for (uint32_t v = 0; v < TABLE_SIZE; v++) {
    uint32_t symbol = single[v] & 511, length = single[v] >> 9;
    table[v] = symbol == END ? 0 : symbol << ENTRY_LITERALS | 1u << ENTRY_COUNT | length;
  }
}

// Joins entries of one literal to entries of up to three, where their codes fit into one look-up.
INLINED void join_entries(uint32_t *table) {
  uint32_t joined[TABLE_SIZE];
  INDEPENDENT
  for (uint32_t v = 0; v < TABLE_SIZE; v++) {
    uint32_t first = table[v], bits = first & 63;
    uint32_t second = table[v >> bits];
    int has_second = first != 0 && second != 0 && bits + (second & 63) <= LIMIT;
    bits += has_second ? second & 63 : 0;
    uint32_t third = table[v >> bits];
    int has_third = has_second && third != 0 && bits + (third & 63) <= LIMIT;
    // Bits and counts add up; literals take their places.
    joined[v] = first + (has_second ? (second & 255) + ((second & 0xff00) << 8) : 0) +
                (has_third ? (third & 255) + ((third & 0xff00) << 16) : 0);
  }
  memcpy(table, joined, sizeof joined);
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
  fill_single_entries(single, l->table);
  unsigned shortest = LIMIT;
  for (size_t i = 0; i < LITERALS; i++)
    if (lengths[i] != 0 && lengths[i] < shortest) shortest = lengths[i];
  int is_long = l->end - l->next > 2 * SINGLE_BYTES && shortest <= LIMIT / 3;
  l->single_end = is_long ? l->next + SINGLE_BYTES : NULL;
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
    if (entry == 0) break;
    uint32_t count = entry >> ENTRY_COUNT & 3;
    if (count > (size_t)(l->end - l->next) || l->position > 8 * (uint64_t)l->count) return 0;
    for (uint32_t k = 0; k < count; k++)
      *l->next++ = (uint8_t)(entry >> (ENTRY_LITERALS + 8 * k));
    l->position += entry & 63;
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
  size_t most = in < out ? in : out;
  return l->single_end != NULL && most > SINGLE_BYTES / 4 ? SINGLE_BYTES / 4 : most;
}

#define LANE_START(N)                                                                              \
  uint64_t position##N = lanes[N].position;                                                        \
  uint8_t *next##N = lanes[N].next;                                                                \
  const uint8_t *bytes##N = lanes[N].bytes;                                                        \
  uint32_t last##N = 1;

#define LANE_LOAD(N)                                                                               \
  uint64_t bits##N;                                                                                \
  uint32_t sum##N = 0;                                                                             \
  memcpy(&bits##N, bytes##N + (position##N >> 3), 8);                                              \
  bits##N >>= position##N & 7;

// The bits of four entries are at most 48, so that the lowest six bits of their sum are right.
#define LANE_STEP(N)                                                                               \
  {                                                                                                \
    uint32_t entry = tables[N][bits##N & (TABLE_SIZE - 1)], literals = entry >> ENTRY_LITERALS;    \
    memcpy(next##N, &literals, 4);                                                                 \
    next##N += entry >> ENTRY_COUNT & 3;                                                           \
    bits##N >>= entry & 63;                                                                        \
    sum##N += entry;                                                                               \
    last##N = entry;                                                                               \
  }

#define LANE_ROUND(N) position##N += sum##N & 63;

#define LANE_END(N)                                                                                \
  lanes[N].position = position##N;                                                                 \
  lanes[N].next = next##N;

// A stop takes no bits and gives no bytes, so a lane that met one waits for the others.
KERNEL void decode_one(struct lane *lanes, uint32_t (*tables)[TABLE_SIZE], size_t count) {
  LANE_START(0)
  for (; count > 0 && last0 != 0; count--) {
    LANE_LOAD(0)
    LANE_STEP(0) LANE_STEP(0) LANE_STEP(0) LANE_STEP(0)
    LANE_ROUND(0)
  }
  LANE_END(0)
}

KERNEL void decode_two(struct lane *lanes, uint32_t (*tables)[TABLE_SIZE], size_t count) {
  LANE_START(0) LANE_START(1)
  for (; count > 0 && last0 != 0 && last1 != 0; count--) {
    LANE_LOAD(0) LANE_LOAD(1)
    LANE_STEP(0) LANE_STEP(1)
    LANE_STEP(0) LANE_STEP(1)
    LANE_STEP(0) LANE_STEP(1)
    LANE_STEP(0) LANE_STEP(1)
    LANE_ROUND(0) LANE_ROUND(1)
  }
  LANE_END(0) LANE_END(1)
}

KERNEL void decode_four(struct lane *lanes, uint32_t (*tables)[TABLE_SIZE], size_t count) {
  LANE_START(0) LANE_START(1) LANE_START(2) LANE_START(3)
  for (; count > 0 && last0 != 0 && last1 != 0 && last2 != 0 && last3 != 0; count--) {
    LANE_LOAD(0) LANE_LOAD(1) LANE_LOAD(2) LANE_LOAD(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_STEP(0) LANE_STEP(1) LANE_STEP(2) LANE_STEP(3)
    LANE_ROUND(0) LANE_ROUND(1) LANE_ROUND(2) LANE_ROUND(3)
  }
  LANE_END(0) LANE_END(1) LANE_END(2) LANE_END(3)
}

INLINED int is_at_stop(const struct lane *l) {
  return l->table[peek(l) & (TABLE_SIZE - 1)] == 0;
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
      if (l->single_end != NULL && l->next >= l->single_end) {
        join_entries(l->table);
        l->single_end = NULL;
      }
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

// Lets a lane go on, or takes the next stream; 0 when there is none.
INLINED int refill(struct lane *l, const struct ckernels_stream *streams, size_t count,
                   size_t *next, uint8_t *done) {
  if (l->is_active && ready(l, done)) return 1;
  while (*next < count) {
    size_t index = (*next)++;
    if (!has_header(&streams[index])) continue;
    open_lane(l, streams, index);
    if (ready(l, done)) return 1;
  }
  return 0;
}

KERNEL void inflate(const struct ckernels_stream *streams, size_t count, uint8_t *done) {
  uint32_t tables[4][TABLE_SIZE];
  struct lane lanes[4];
  size_t next = 0;
  memset(done, 0, count);
  for (size_t i = 0; i < 4; i++) lanes[i] = (struct lane){.table = tables[i]};
  for (;;) {
    size_t active = 0, most = SIZE_MAX;
    for (size_t i = 0; i < 4; i++) {
      lanes[i].is_active = refill(&lanes[i], streams, count, &next, done);
      if (!lanes[i].is_active) continue;
      active++;
      most = rounds(&lanes[i]) < most ? rounds(&lanes[i]) : most;
    }
    if (active == 0) return;
    if (active == 4) {
      decode_four(lanes, tables, most);
      continue;
    }
    for (size_t i = 0; i < 4; i += 2) {
      size_t one = lanes[i].is_active ? rounds(&lanes[i]) : 0;
      size_t other = lanes[i + 1].is_active ? rounds(&lanes[i + 1]) : 0;
      if (one > 0 && other > 0) decode_two(&lanes[i], &tables[i], one < other ? one : other);
      else if (one > 0) decode_one(&lanes[i], &tables[i], one);
      else if (other > 0) decode_one(&lanes[i + 1], &tables[i + 1], other);
    }
  }
}

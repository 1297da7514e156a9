"""Reads every chunk of a store by what Format.md and the comments of its tables say, nothing else.

python walk_store.py FOLDER PAGE    FOLDER is a .registry; PAGE is Format.md, for its examples

Every stream is opened by zlib.decompress, everything else is written from the page. The SHA-256 of
what comes out is compared with the chunk's. Prints what was met in the store and in the page's
examples, as JSON.
"""
import collections
import hashlib
import json
import pathlib
import re
import sqlite3
import sys
import zlib

import numpy as np

met = collections.Counter()


def little(record, offset, size):
    return int.from_bytes(record[offset:offset + size], "little")


def check(truth, what):
    if not truth:
        raise ValueError(what)


def inflate(stream, length):
    met["streams"] += 1
    content = zlib.decompress(stream)
    check(len(content) == length, f"a stream gives {len(content)} bytes, not {length}")
    return content


def words_of(content, width, count):
    return np.frombuffer(content, f"<u{width}", count).astype(np.uint64)


def based(base, width, count, start=0):
    """The base's words from one on, cut or continued with zeros to so many."""
    check(base is not None, "a difference has no base")
    size, base = count * width, base[start * width:]
    return words_of((base + bytes(max(0, size - len(base))))[:size], width, count)


def unmap(y, mapping, width, b):
    names = ["plain", "rotated", "integer difference", "float difference", "XOR"]
    met["mapping " + names[mapping]] += 1
    bits = 8 * width
    mask, top, one = np.uint64(2**bits - 1), np.uint64(2**(bits - 1)), np.uint64(1)

    def flip(x):
        return x ^ mask

    if mapping == 0:
        return y
    if mapping == 1:
        return y >> one | (y & one) << np.uint64(bits - 1)
    if mapping == 4:
        return y ^ b
    # zigzag(d) is 2d where the top bit of d is clear, else NOT 2d.
    half = y >> one
    d = np.where(y & one == 0, half, flip(half))
    if mapping == 2:
        return d + b & mask
    # ordered(x) is NOT x where the top bit is set, else x with its top bit set.
    ordered = np.where(b & top != 0, flip(b), b | top)
    x = d + ordered & mask
    return np.where(x & top != 0, x & ~top, flip(x))


def bits_of(bitmap, count):
    """The bits of a bitmap as truth values; unused ones must be clear."""
    check(len(bitmap) == (count + 7) // 8, "a bitmap has another length")
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little").astype(bool)
    check(not bits[count:].any(), "unused bits of a bitmap are set")
    return bits[:count]


def from_planes(planes, count):
    y = np.zeros(count, np.uint64)
    for number, plane in enumerate(planes):
        y |= np.frombuffer(plane, np.uint8).astype(np.uint64) << np.uint64(8 * number)
    return y


class Reader:
    """What is left of a record, front to back."""

    def __init__(self, record, place):
        self.record, self.place = record, place

    def take(self, size):
        check(self.place + size <= len(self.record), "a record is too short")
        self.place += size
        return self.record[self.place - size:self.place]

    def byte(self):
        return self.take(1)[0]

    def number(self):
        value = 0
        for shift in range(0, 28, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number is too long")

    def rest(self):
        return self.take(len(self.record) - self.place)


def planes_version_1(record, width, mapping, count, base, factor):
    check(factor is None, "a factor that the record does not need")
    table, payloads = Reader(record, 8), Reader(record, 8 + 4 * width)

    def plane():
        coding, size = table.byte(), little(table.take(3), 0, 3)
        payload = payloads.take(size)
        met["plane " + ["zero", "stored", "deflated", "sparse", "sparse deflated"][coding]] += 1
        if coding == 0:
            check(size == 0, "a plane of zeros has a payload")
            return bytes(count)
        if coding == 1:
            return payload
        if coding == 2:
            return inflate(payload, count)
        split = 4 + little(payload, 0, 4)
        is_set = bits_of(inflate(payload[4:split], (count + 7) // 8), count)
        rest, total = payload[split:], int(is_set.sum())
        plane = np.zeros(count, np.uint8)
        plane[is_set] = np.frombuffer(inflate(rest, total) if coding == 4 else rest, np.uint8)
        return plane

    y = from_planes([plane() for _ in range(width)], count)
    return unmap(y, mapping, width, based(base, width, count) if mapping > 1 else None), payloads


def kept_vectors(reader, width, count):
    """Which words lie in vectors that are kept."""
    size = 64 // width
    vectors = (count + size - 1) // size
    way = reader.byte()
    met["vectors " + ["all", "some", "none"][way]] += 1
    if way == 1:
        bitmap = inflate(reader.take(reader.number()), (vectors + 7) // 8)
        return np.repeat(bits_of(bitmap, vectors), size)[:count]
    return np.full(count, way == 0)


def groups_of(reader, b):
    """How many groups there are, and the group of each word."""
    total = reader.byte()
    check(1 <= total <= 32, f"{total} groups")
    met["groups one" if total == 1 else "groups several"] += 1
    if total == 1:
        return 1, np.zeros(len(b), int)
    shift = reader.byte()
    begins = np.array([reader.byte() for _ in range(total - 1)])
    check((np.diff(begins) > 0).all(), "groups are not ascending")
    return total, np.searchsorted(begins, b >> np.uint64(shift) & np.uint64(255), side="right")


def coded_plane(reader, sizes):
    """A coded plane, group after group."""
    forms = bits_of_two(reader.take((2 * len(sizes) + 7) // 8), len(sizes))
    counts = [reader.number() if form == 2 else None for form in forms]
    lengths = [(reader.number(), reader.number()) for _ in range(reader.byte())]
    content = Reader(b"".join(inflate(reader.take(size), raw) for raw, size in lengths), 0)
    groups = []
    for form, count, size in zip(forms, counts, sizes):
        met["group " + ["zero", "dense", "sparse"][form]] += 1
        group = np.zeros(size, np.uint8)
        if form == 1:
            group[:] = np.frombuffer(content.take(size), np.uint8)
        if form == 2:
            is_set = bits_of(content.take((size + 7) // 8), size)
            check(is_set.sum() == count and count > 0, "a sparse group has another count")
            group[is_set] = np.frombuffer(content.take(count), np.uint8)
        groups.append(group)
    check(not content.rest(), "the streams of a plane have more than its groups")
    return np.concatenate(groups)


def bits_of_two(packed, count):
    forms = [packed[i // 4] >> 2 * (i % 4) & 3 for i in range(4 * len(packed))]
    check(not any(forms[count:]), "unused bits of forms are set")
    return forms[:count]


class Type:
    """A type of floats: how its bits are divided, and its largest finite value and infinity."""

    def __init__(self, size, fraction, largest=None):
        self.size, self.fraction = size, fraction
        self.sign = 8 * size - 1
        self.bias = 2**(self.sign - fraction - 1) - 1
        self.infinity = (2 * self.bias + 1) << fraction if largest is None else None
        self.largest = self.infinity - 1 if largest is None else largest

    def values(self, words):
        """The words as F64, exactly; what is not a number keeps its fraction."""
        sign, size = words >> np.uint64(self.sign), words & np.uint64(2**self.sign - 1)
        fraction = (size & np.uint64(2**self.fraction - 1)).astype(np.int64)
        exponent = (size >> np.uint64(self.fraction)).astype(np.int64)
        fraction = np.where(exponent > 0, fraction + 2**self.fraction, fraction)
        power = np.maximum(exponent, 1) - self.bias - self.fraction
        values = np.where(size > self.largest, 0, np.ldexp(fraction.astype(float), power))
        special = np.uint64(0x7FF << 52) | size << np.uint64(52 - self.fraction) & MANTISSA
        bits = np.where(size > self.largest, special, values.view(np.uint64))
        return (bits | sign << np.uint64(63)).view(float)

    def words(self, values, nan):
        """The nearest words to F64 values, rounded once; `nan` makes those of what is none."""
        bits = values.view(np.uint64)
        is_nan, is_infinite = np.isnan(values), np.isinf(values)
        numbers = np.where(is_nan | is_infinite, 0, np.abs(values))
        least = 1 - self.bias
        exponent = np.maximum(np.frexp(numbers)[1] - 1, least)
        exponent = np.where(numbers == 0, least, exponent)
        quanta = np.rint(np.ldexp(numbers, self.fraction - exponent)).astype(np.int64)
        size = (exponent - least << self.fraction) + quanta
        beyond = self.largest if self.infinity is None else self.infinity
        size = np.where(is_infinite | (size > self.largest), beyond, size).astype(np.uint64)
        size = np.where(is_nan, nan(self, bits), size)
        return size | bits >> np.uint64(63) << np.uint64(self.sign)


MANTISSA = np.uint64(2**52 - 1)
TYPES = {1: Type(8, 52), 2: Type(4, 23), 3: Type(2, 10), 4: Type(2, 7),
         5: Type(1, 3, largest=0x7E), 6: Type(1, 2)}


def nan_of(target):
    """What is not a number in the target type, of the bits of an F64, without the sign."""
    def cut(kind, bits):
        fraction = (bits & MANTISSA) >> np.uint64(52 - kind.fraction)
        highest = np.uint64(1 << kind.fraction - 1)
        if target == 3:
            fraction |= highest
        return np.uint64(kind.infinity) | np.where(fraction == 0, highest, fraction)

    fixed = {4: 0x7FC0, 5: 0x7F, 6: 0x7F}
    return (lambda _, __: np.uint64(fixed[target])) if target in fixed else cut


def with_low_rank(reader, w, factor, keeps_zeros):
    """The base's values and a matrix of low rank, all in F64."""
    rank, columns, first = reader.number(), reader.number(), reader.number()
    record = reader.take(reader.number())
    check(0 < rank * columns <= 262_144 and first < columns, "a matrix that cannot be")
    places = first + np.arange(len(w))
    row, column = places // columns, places % columns
    size = 4 * rank * int(row[-1] + 1)
    check(size <= 2_097_152, "a row factor is too long")
    check(factor is not None and len(factor) == 4 * rank * columns, "a factor has another length")
    a = np.frombuffer(decode(record, None, size), "<f4").reshape(-1, rank).astype(float)
    b = np.frombuffer(factor, "<f4").reshape(rank, columns).astype(float)
    with np.errstate(all="ignore"):
        s = np.zeros(len(w))
        for k in range(rank):
            p = a[row, k] * b[k, column]
            s = s + p
        v = w + s
    bits = np.where(np.isnan(v), np.uint64(0x7FF8 << 48), v.view(np.uint64))
    changes = np.isfinite(w) & ((w != 0) | (not keeps_zeros))
    return np.where(changes, bits, w.view(np.uint64)).view(float)


def predicted(reader, width, count, base, factor):
    """The words that a mapping takes the content's against."""
    kind = reader.byte()
    met["prediction " + ["none", "cast", "low rank", "low rank, zeros kept"][kind]] += 1
    check(kind >= 2 or factor is None, "a factor that the record does not need")
    if kind == 0:
        return based(base, width, count)
    source, target, start = reader.byte(), reader.byte(), reader.number()
    check(source in TYPES and target in TYPES, "a type that the page does not have")
    check(TYPES[target].size == width, "the target type has another width")
    check(kind >= 2 or source != target, "a cast from a type to itself")
    values = TYPES[source].values(based(base, TYPES[source].size, count, start))
    if kind >= 2:
        values = with_low_rank(reader, values, factor, keeps_zeros=kind == 3)
    return TYPES[target].words(values, nan_of(target))


def planes_version_2(record, width, mapping, count, base, factor):
    reader = Reader(record, 8)
    b = predicted(reader, width, count, base, factor) if mapping > 1 else None
    kept = kept_vectors(reader, width, count)
    total = int(kept.sum())
    y = np.zeros(count, np.uint64)
    if total:
        number, group = groups_of(reader, b[kept]) if mapping > 1 else (1, np.zeros(total, int))
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group, minlength=number).tolist()

        def plane():
            coding = reader.byte()
            met["plane " + ["zero", "constant", "stored", "coded"][coding]] += 1
            if coding == 0:
                return bytes(total)
            if coding == 1:
                return reader.take(1) * total
            if coding == 2:
                return reader.take(total)
            plane = np.empty(total, np.uint8)
            plane[order] = coded_plane(reader, sizes)
            return plane

        y[kept] = from_planes([plane() for _ in range(width)], total)
    return unmap(y, mapping, width, b), reader


PLANES = {1: planes_version_1, 2: planes_version_2}


def decode(record, base, size, factor=None):
    version, mode, width, mapping, length = *record[:4], little(record, 4, 4)
    check(version in PLANES, f"a record has version {version}")
    check(length == size, "the header has another length than the table")
    met[f"version {version}"] += 1
    met["mode " + ["raw", "constant", "deflated", "planes"][mode]] += 1
    if mode == 0:
        return record[8:]
    if mode == 1:
        check(len(record) == 8 + width, "a constant record has another length")
        return (record[8:] * (length // width + 1))[:length]
    if mode == 2:
        return inflate(record[8:], length)
    words, reader = PLANES[version](record, width, mapping, length // width, base, factor)
    tail = reader.rest()
    check(len(tail) == length % width, "a record has another tail")
    return words.astype(f"<u{width}").tobytes() + tail


def examples(page):
    """Decodes the records that the page writes out: seven bytes of BF16, what equals its base, and
    what is predicted from it.
    """
    ones, base = bytes.fromhex("803f813f80bf2a"), bytes.fromhex("803f") * 3
    equal = bytes(range(32))
    text = pathlib.Path(page).read_text()
    cases = []
    for record in re.findall("```hex\n(.*?)```", text, re.DOTALL):
        is_ones = bytes.fromhex(record)[4] == 7
        cases.append((record, base if is_ones else equal, None, ones if is_ones else equal))
    cast, *low_rank = re.findall("```predicted\n(.*?)```", text, re.DOTALL)
    wide = np.array([0x3F800000, 0x3F818000, 0xBF800000], "<u4").tobytes()
    cases.append((cast, wide, None, np.array([0x3F80, 0x3F82, 0xBF80], "<u2").tobytes()))
    for record, second in zip(low_rank, (2, 0)):
        child = [1.5, second and 2.25, 4, 4.5]
        floats = [np.array(x, "<f4").tobytes() for x in ([1, second, 3, 4], [.5, .25], child)]
        cases.append((record, *floats))
    for text, before, factor, expected in cases:
        content = decode(bytes.fromhex(text), before, len(expected), factor)
        check(content == expected, f"an example differs: {text}")
        met["examples"] += 1


def chunks(folder):
    store = sqlite3.connect(f"file:{folder}/weights.sqlite?mode=ro", uri=True)
    rows = store.execute(
        """
        SELECT chunk.id, digest, sizeBytes, substr(content, offset + 1, lengthBytes), lengthBytes,
               baseChunkId, factorChunkId, depth
        FROM chunk JOIN pack ON pack.id = packId ORDER BY factorChunkId IS NOT NULL, depth, chunk.id
        """)
    waiting, contents = collections.deque(rows), {None: None}
    expected, = store.execute("SELECT count(*) FROM chunk").fetchone()
    if len(waiting) != expected:
        raise SystemExit(f"{len(waiting)} of {expected} chunks have a record")
    delays = 0
    while waiting:
        row = number, digest, size, record, length, base, factor, depth = waiting.popleft()
        if base not in contents or factor not in contents:
            # What it needs comes later; when all that waits has been asked in vain, never.
            delays += 1
            if delays > len(waiting):
                raise SystemExit(f"chunk {number}: what it needs is missing or needs it")
            waiting.append(row)
            continue
        delays = 0
        check(len(record) == length, f"chunk {number}: its record is outside its pack")
        try:
            content = decode(record, contents[base], size, contents[factor])
        except (IndexError, ValueError, zlib.error) as fault:
            raise SystemExit(f"chunk {number}: {fault}") from fault
        if hashlib.sha256(content).digest() != digest:
            raise SystemExit(f"chunk {number}: its digest differs")
        contents[number] = content
        met["chunks"] += 1
        met[f"depth {depth}"] += 1


if __name__ == "__main__":
    chunks(sys.argv[1])
    in_store = dict(met)
    met.clear()
    examples(sys.argv[2])
    print(json.dumps({"store": in_store, "page": met}))

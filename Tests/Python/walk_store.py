"""Reads every chunk of a store by what Format.md and the comments of its tables say, nothing else.

python walk_store.py FOLDER PAGE    FOLDER is a .registry; PAGE is Format.md, for its examples

Every stream is opened by zlib.decompress, everything else is written from the page. The SHA-256 of
what comes out is compared with the chunk's. Prints what was met, as JSON.
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


def based(base, width, count):
    """The base's words, cut or continued with zeros to so many."""
    check(base is not None, "a difference has no base")
    size = count * width
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


def planes_version_1(record, width, mapping, count, base):
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


def planes_version_2(record, width, mapping, count, base):
    reader = Reader(record, 8)
    b = None
    if mapping > 1:
        check(reader.byte() == 0, "a prediction that the page does not have")
        b = based(base, width, count)
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


def decode(record, base, size):
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
    words, reader = PLANES[version](record, width, mapping, length // width, base)
    tail = reader.rest()
    check(len(tail) == length % width, "a record has another tail")
    return words.astype(f"<u{width}").tobytes() + tail


def examples(page):
    """Decodes the records that the page writes out: seven bytes of BF16, or what equals its base."""
    ones, base = bytes.fromhex("803f813f80bf2a"), bytes.fromhex("803f") * 3
    equal = bytes(range(32))
    for text in re.findall("```hex\n(.*?)```", pathlib.Path(page).read_text(), re.DOTALL):
        record = bytes.fromhex(text)
        before, expected = (base, ones) if record[4] == 7 else (equal, equal)
        check(decode(record, before, len(expected)) == expected, f"an example differs: {text}")
        met["examples"] += 1


def chunks(folder):
    store = sqlite3.connect(f"file:{folder}/weights.sqlite?mode=ro", uri=True)
    rows = store.execute(
        """
        SELECT chunk.id, digest, sizeBytes, substr(content, offset + 1, lengthBytes), lengthBytes,
               baseChunkId, depth
        FROM chunk JOIN pack ON pack.id = packId ORDER BY depth, chunk.id
        """)
    contents = {}
    for number, digest, size, record, length, base, depth in rows:
        check(len(record) == length, f"chunk {number}: its record is outside its pack")
        try:
            content = decode(record, contents.get(base), size)
        except (IndexError, ValueError, zlib.error) as fault:
            raise SystemExit(f"chunk {number}: {fault}") from fault
        if hashlib.sha256(content).digest() != digest:
            raise SystemExit(f"chunk {number}: its digest differs")
        contents[number] = content
        met["chunks"] += 1
        met[f"depth {depth}"] += 1
    expected, = store.execute("SELECT count(*) FROM chunk").fetchone()
    if met["chunks"] != expected:
        raise SystemExit(f"{met['chunks']} of {expected} chunks have a record")


if __name__ == "__main__":
    chunks(sys.argv[1])
    examples(sys.argv[2])
    print(json.dumps(met))

"""Reads every chunk of a store by Sources/Weights/Format.md and the comments of its tables alone.

python walk_store.py FOLDER    FOLDER is a .registry

Every stream is opened by zlib.decompress, everything else is written from the page. The SHA-256 of
what comes out is compared with the chunk's. Prints what was met, as JSON.
"""
import collections
import hashlib
import json
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


class Version1:
    """A record of version 1."""

    def decode(self, record, base, size):
        mode, width, mapping, length = record[1], record[2], record[3], little(record, 4, 4)
        check(length == size, "the header has another length than the table")
        met["mode " + ["raw", "constant", "deflated", "planes"][mode]] += 1
        if mode == 0:
            return record[8:]
        if mode == 1:
            check(len(record) == 8 + width, "a constant record has another length")
            return (record[8:] * (length // width + 1))[:length]
        if mode == 2:
            return inflate(record[8:], length)
        return self.planes(record, width, mapping, length, base)

    def planes(self, record, width, mapping, length, base):
        count = length // width
        place = 8 + 4 * width
        mapped = np.zeros(count, np.uint64)
        for plane in range(width):
            entry = 8 + 4 * plane
            size = little(record, entry + 1, 3)
            content = self.plane(record[entry], record[place:place + size], count)
            mapped |= np.frombuffer(content, np.uint8).astype(np.uint64) << np.uint64(8 * plane)
            place += size
        words = self.unmap(mapped, mapping, width, count, base)
        tail = record[place:]
        check(len(tail) == length % width, "a record has another tail")
        return words.astype(f"<u{width}").tobytes() + tail

    def plane(self, coding, payload, count):
        met["plane " + ["zero", "stored", "deflated", "sparse", "sparse deflated"][coding]] += 1
        if coding == 0:
            check(not payload, "a plane of zeros has a payload")
            return bytes(count)
        if coding == 1:
            return payload
        if coding == 2:
            return inflate(payload, count)
        size = little(payload, 0, 4)
        bitmap = inflate(payload[4:4 + size], (count + 7) // 8)
        is_set = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little").astype(bool)
        check(not is_set[count:].any(), "unused bits of a bitmap are set")
        total = int(is_set.sum())
        rest = payload[4 + size:]
        if coding == 4:
            rest = inflate(rest, total)
        check(len(rest) == total, "a sparse plane has another number of bytes")
        plane = np.zeros(count, np.uint8)
        plane[is_set[:count]] = np.frombuffer(rest, np.uint8)
        return plane.tobytes()

    def unmap(self, y, mapping, width, count, base):
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
        check(base is not None, "a difference has no base")
        base = (base + bytes(max(0, count * width - len(base))))[:count * width]
        b = words_of(base, width, count)
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


def decode(record, base, size):
    version = record[0]
    check(version in READERS, f"a record has version {version}")
    met[f"version {version}"] += 1
    return READERS[version].decode(record, base, size)


READERS = {1: Version1()}


def main(folder):
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
    print(json.dumps(met))


if __name__ == "__main__":
    main(*sys.argv[1:])

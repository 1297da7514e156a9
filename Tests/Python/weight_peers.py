"""What other programs make of a lineage of weights: sizes of every node, speed on one of them.

python weight_peers.py LINEAGE KIND NODE [METHOD]

KIND is f32 or bf16, NODE the child that is timed; METHOD, a part of names, leaves the others out.
LINEAGE is what make_lineage.py wrote. Prints a JSON object a method and line: the bytes that each
node needs beside the nodes before it, and the MB (10^6) of raw bytes a second of encoding and
decoding, memory to memory, best and median of seven rounds after one that is not counted. The
clock is the CPU time of the whole process, since ZipNN works in a thread of its own even when it is
told to use one; nothing else runs here. Digests are timed only where they are all that a method
does. What is decoded is compared. Every difference is to the direct parent's tensor of the same
name, prefixes aside, and shape; the header of a file counts as it is.

BitX is there twice, since how it is written decides how fast it is: with loops in C, in pieces that
a cache holds, as long as the chunks of a store; and in plain numpy, a file at a time, each array in
new memory from the system. What all others free is used again.
"""
import ctypes
import hashlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import zipnn
import zstandard

ROUNDS = 7
PIECE_BYTES = 1 << 20

# BitX of ZipLLM (arXiv 2505.06252): words of 16 bits, XOR; their bits 7 to 14 make one stream and
# sign with the lowest 7 bits the other; each is compressed by zstd -3. And content-defined chunks
# by a gear hash, 8 to 128 KiB, 64 KiB on average, as Xet cuts files.
C_CODE = r"""
#include <stddef.h>
#include <stdint.h>
void split(const uint16_t *restrict a, const uint16_t *restrict b, size_t n,
           uint8_t *restrict exponents, uint8_t *restrict rest) {
  for (size_t i = 0; i < n; i++) {
    uint16_t x = a[i] ^ b[i];
    exponents[i] = x >> 7;
    rest[i] = (x >> 8 & 0x80) | (x & 0x7f);
  }
}
void merge(const uint8_t *restrict exponents, const uint8_t *restrict rest,
           const uint16_t *restrict b, size_t n, uint16_t *restrict out) {
  for (size_t i = 0; i < n; i++)
    out[i] = (uint16_t)((rest[i] & 0x80) << 8 | exponents[i] << 7 | (rest[i] & 0x7f)) ^ b[i];
}
size_t cut(const uint8_t *p, size_t n, const uint64_t *gear, size_t *ends) {
  size_t count = 0, start = 0;
  while (start < n) {
    size_t limit = n - start < 131072 ? n : start + 131072, i = start + 8192;
    uint64_t hash = 0;
    if (i > limit) i = limit;
    while (i < limit) {
      hash = hash * 2 + gear[p[i++]];
      if (!(hash >> 48)) break;
    }
    ends[count++] = start = i;
  }
  return count;
}
"""


def native():
    folder = tempfile.mkdtemp()
    source, library = f"{folder}/peers.c", f"{folder}/peers.so"
    pathlib.Path(source).write_text(C_CODE)
    subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", library],
                   check=True)
    loaded = ctypes.CDLL(library)
    loaded.cut.restype = ctypes.c_size_t
    return loaded


def keep_freed_memory():
    """Makes glibc use freed memory again instead of giving it back; nothing elsewhere."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        trim_threshold, mmap_max = -1, -4
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_max, 0)


def address(array):
    return ctypes.c_void_p(array.ctypes.data)


class File:
    """A safetensors file: its bytes, and its tensors by their bare names."""

    def __init__(self, path):
        self.raw = np.fromfile(path, np.uint8)
        self.start = 8 + int.from_bytes(self.raw[:8].tobytes(), "little")
        header = json.loads(self.raw[8:self.start].tobytes())
        header.pop("__metadata__", None)
        self.tensors = {
            name.removeprefix("bert."): (t["dtype"], t["shape"], *t["data_offsets"])
            for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"])}
        self.body = self.raw[self.start:]

    def pairs(self, parent):
        """The body of each tensor, with the parent's where it has one of that shape."""
        for name, (dtype, shape, begin, end) in self.tensors.items():
            before = parent and parent.tensors.get(name)
            same = before and before[:2] == (dtype, shape)
            yield self.body[begin:end], parent.body[before[2]:before[3]] if same else None

    def reference(self, parent):
        """What the body is a difference to; zeros where the parent has nothing."""
        parts = [np.zeros_like(own) if old is None else old for own, old in self.pairs(parent)]
        return np.ascontiguousarray(np.concatenate(parts))


class Solo:
    """A compressor of bytes, of the file or of its XOR with the parent's."""

    def __init__(self, compress, decompress, xor=False):
        self.compress, self.decompress, self.xor = compress, decompress, xor

    def prepare(self, file, parent):
        self.mask = file.reference(parent) if self.xor and parent else None

    def encode(self, file):
        body = file.body if self.mask is None else np.bitwise_xor(file.body, self.mask)
        return self.compress(body)

    def size(self, file, encoded):
        return file.start + len(encoded)

    def decode(self, file, encoded):
        body = np.frombuffer(self.decompress(encoded), np.uint8)
        return body if self.mask is None else np.bitwise_xor(body, self.mask)


class BitX:
    """ZipLLM: equal tensors once, BitX where there is a pair, else (generously) ZipNN."""

    def __init__(self, library, solo):
        self.library, self.solo, self.seen = library, solo, set()
        self.zstd = zstandard.ZstdCompressor(level=3)
        self.unzstd = zstandard.ZstdDecompressor()

    def prepare(self, file, parent):
        self.known = set(self.seen)
        self.pairs, self.digests = [], []
        for own, old in file.pairs(parent):
            digest = hashlib.sha256(own).digest()
            step = max(1, len(own)) if old is None else PIECE_BYTES
            for at in range(0, len(own), step):
                self.pairs.append((np.array(own[at:at + step]),
                                   None if old is None else np.array(old[at:at + step])))
                self.digests.append(digest)
        self.seen.update(self.digests)

    def encode(self, file):
        streams = []
        for (own, old), digest in zip(self.pairs, self.digests):
            if digest in self.known:
                streams.append(None)
            elif old is None or len(own) < 2 or len(own) % 2:
                streams.append((self.solo.compress(own),))
            else:
                exponents, rest = (np.empty(len(own) // 2, np.uint8) for _ in range(2))
                self.library.split(address(own), address(old), ctypes.c_size_t(len(own) // 2),
                                   address(exponents), address(rest))
                streams.append((self.zstd.compress(exponents), self.zstd.compress(rest)))
        return streams

    def size(self, file, streams):
        return file.start + sum(len(part) for parts in streams if parts for part in parts)

    def decode(self, file, streams):
        out = np.empty(len(file.body), np.uint8)
        place = 0
        for (own, old), parts in zip(self.pairs, streams):
            target = out[place:place + len(own)]
            place += len(own)
            if parts is None:
                target[:] = own
            elif len(parts) == 1:
                target[:] = np.frombuffer(self.solo.decompress(parts[0]), np.uint8)
            else:
                exponents, rest = (
                    np.frombuffer(self.unzstd.decompress(part), np.uint8) for part in parts)
                self.library.merge(address(exponents), address(rest), address(old),
                                   ctypes.c_size_t(len(exponents)), address(target))
        return out


class NumpyBitX(Solo):
    """BitX of a whole file, as one writes it in numpy; a file without parent by ZipNN."""

    def __init__(self, solo):
        super().__init__(solo.compress, solo.decompress, xor=True)
        self.zstd = zstandard.ZstdCompressor(level=3)
        self.unzstd = zstandard.ZstdDecompressor()

    def encode(self, file):
        if self.mask is None:
            return (self.compress(file.body),)
        words = file.body.view(np.uint16) ^ self.mask.view(np.uint16)
        exponents = (words >> 7).astype(np.uint8)
        rest = (words >> 8 & 0x80 | words & 0x7f).astype(np.uint8)
        return self.zstd.compress(exponents), self.zstd.compress(rest)

    def size(self, file, streams):
        return file.start + sum(map(len, streams))

    def decode(self, file, streams):
        if self.mask is None:
            return np.frombuffer(self.decompress(*streams), np.uint8)
        exponents, rest = (np.frombuffer(self.unzstd.decompress(stream), np.uint8)
                           .astype(np.uint16) for stream in streams)
        words = (rest & 0x80) << 8 | exponents << 7 | rest & 0x7f
        return (words ^ self.mask.view(np.uint16)).view(np.uint8)


class Once:
    """Pieces stored once, as they are: whole tensors, or chunks cut by content."""

    def __init__(self, pieces):
        self.pieces, self.seen = pieces, set()

    def prepare(self, file, parent):
        self.before = set(self.seen)

    def encode(self, file):
        return [(hashlib.sha256(piece).digest(), len(piece)) for piece in self.pieces(file)]

    def size(self, file, encoded):
        new = {digest: size for digest, size in encoded if digest not in self.before}
        self.seen.update(new)
        return file.start + sum(new.values())

    decode = None


def cutter(library):
    state, gear = 0, np.empty(256, np.uint64)
    for index in range(256):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        gear[index] = z ^ z >> 31

    def pieces(file):
        ends = np.empty(len(file.body) // 8192 + 2, np.uint64)
        count = library.cut(address(file.body), ctypes.c_size_t(len(file.body)), address(gear),
                            address(ends))
        start = 0
        for end in ends[:count].tolist():
            yield file.body[start:end]
            start = end

    return pieces


def methods(kind):
    library = native()
    zstd, unzstd = zstandard.ZstdCompressor(level=3), zstandard.ZstdDecompressor()
    nn = zipnn.ZipNN(
        input_format="byte", threads=1,
        bytearray_dtype={"f32": "float32", "bf16": "bfloat16", "f16": "float16"}[kind])

    def nn_pair(xor):
        # It changes the buffer that it is given.
        return Solo(lambda body: nn.compress(bytearray(body)), nn.decompress, xor)

    return {
        "BitX in numpy": NumpyBitX(nn_pair(False)),
        "zlib -6": Solo(lambda body: zlib.compress(body, 6), zlib.decompress),
        "zstd -3": Solo(zstd.compress, unzstd.decompress),
        "ZipNN": nn_pair(False),
        "XOR + zlib -6": Solo(lambda body: zlib.compress(body, 6), zlib.decompress, True),
        "XOR + zstd -3": Solo(zstd.compress, unzstd.decompress, True),
        "XOR + ZipNN": nn_pair(True),
        "BitX, loops in C": BitX(library, nn_pair(False)),
        "tensors once": Once(lambda file: [own for own, _ in file.pairs(None)]),
        "chunks once": Once(cutter(library)),
    }


def timed_rounds(rounds, work):
    """The result and the CPU seconds of each round."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return result, seconds


def rates(key, file, seconds):
    """MB/s of the best round and of the median one, without the first."""
    megabytes = len(file.raw) / 1e6
    return {f"{key}MBps": megabytes / min(seconds[1:]),
            f"{key}MBpsMedian": megabytes / statistics.median(seconds[1:])}


def measure(method, load, parents, timed):
    sizes, speed = {}, {}
    for name, parent in parents.items():
        file = load(name)
        method.prepare(file, load(parent) if parent else None)
        rounds = 1 + ROUNDS if name == timed else 1
        encoded, seconds = timed_rounds(rounds, lambda: method.encode(file))
        sizes[name] = method.size(file, encoded)
        if name == timed:
            speed |= rates("encode", file, seconds)
        if method.decode:
            body, seconds = timed_rounds(rounds, lambda: method.decode(file, encoded))
            if not np.array_equal(body, file.body):
                raise SystemExit(f"{name} does not come back")
            if name == timed:
                speed |= rates("decode", file, seconds)
    return {"sizes": sizes, **speed}


def main(folder, kind, timed, wanted=""):
    nodes = json.loads(pathlib.Path(folder, "lineage.json").read_text())["nodes"]
    parents, waiting = {}, {name: node["parent"] for name, node in sorted(nodes.items())}
    while waiting:
        ready = [n for n, parent in waiting.items() if parent is None or parent in parents]
        parents |= {name: waiting.pop(name) for name in ready}
    files = {}

    def load(name):
        if name not in files:
            files[name] = File(f"{folder}/{name}.{kind}.safetensors")
        return files[name]

    chosen = {name: method for name, method in methods(kind).items() if wanted in name}
    for name, method in chosen.items():
        if not isinstance(method, NumpyBitX):
            keep_freed_memory()
        print(json.dumps({"method": name, **measure(method, load, parents, timed)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
